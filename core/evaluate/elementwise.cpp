// Arithmetic, comparisons and functions of one element.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/evaluate/elements.h"
#include "core/evaluate/rules.h"
#include "core/ir/integers.h"

namespace onnxport {

namespace {

using Dims = std::vector<int64_t>;

// Calls combine(a[i], b[i]) over the broadcast of two inputs.
template <typename In, typename Out, typename Combine>
std::optional<std::vector<Out>> zip(const Dims& a_dims, const std::vector<In>& a, const Dims& b_dims,
                                    const std::vector<In>& b, const Dims& dims, size_t count,
                                    Combine&& combine) {
  std::vector<Out> out;
  out.reserve(count);
  std::vector<int64_t> b_offsets;
  b_offsets.reserve(count);
  for_each_offset(dims, broadcast_strides(b_dims, dims), 0, [&](int64_t o) { b_offsets.push_back(o); });
  bool defined = true;
  for_each_offset(dims, broadcast_strides(a_dims, dims), 0, [&](int64_t o) {
    const std::optional<Out> v =
        combine(a[static_cast<size_t>(o)], b[static_cast<size_t>(b_offsets[out.size()])]);
    defined = defined && v.has_value();
    out.push_back(v.value_or(Out{}));
  });
  if (!defined) return std::nullopt;
  return out;
}

struct Pair {
  const Array* a;
  const Array* b;
  Dims dims;
  size_t count;

  bool is_symbolic() const { return a->is_symbolic() || b->is_symbolic(); }
  // The sizes' reading: never fails as a whole. `combine` sees unknown sizes too.
  template <typename Combine>
  Evaluated of_sizes(ir::DType dtype, Combine&& combine) const {
    const auto x = a->to_sizes(), y = b->to_sizes();
    if (!x || !y) return std::nullopt;
    auto out = zip<ir::Dim, ir::Dim>(
        a->dims(), *x, b->dims(), *y, dims, count,
        [&](const ir::Dim& l, const ir::Dim& r) { return std::optional(combine(l, r)); });
    return one(Array(dtype, dims, std::move(*out)));
  }
};

// Two inputs of one dtype whose result of `out` elements fits.
std::optional<Pair> pair_of(const Evaluation& e, const Array* a, const Array* b, size_t element) {
  if (a == nullptr || b == nullptr || a->dtype() != b->dtype()) return std::nullopt;
  auto dims = broadcast(a->dims(), b->dims());
  if (!dims) return std::nullopt;
  const auto count = count_within(*dims, element, e.max_bytes);
  if (!count) return std::nullopt;
  return Pair{a, b, std::move(*dims), static_cast<size_t>(*count)};
}

bool is_wide_integer(ir::DType dtype) { return is_exact_integer(dtype) && dtype != ir::DType::boolean; }

Evaluated binary(const Evaluation& e, const Array* a, const Array* b, const BinaryRule& rule) {
  if (a == nullptr) return std::nullopt;
  const auto p = pair_of(e, a, b, ir::size_of(a->dtype()));
  if (!p) return std::nullopt;
  if (p->is_symbolic()) {
    if (rule.sizes == nullptr || !is_wide_integer(a->dtype())) return std::nullopt;
    return p->of_sizes(
        a->dtype(), [&](const ir::Dim& x, const ir::Dim& y) { return combine_sizes(rule, *e.order, x, y); });
  }
  if (is_computed_float(a->dtype()) && rule.reals != nullptr) {
    const auto out = zip<double, double>(a->dims(), *a->to_reals(), b->dims(), *b->to_reals(), p->dims,
                                         p->count, rule.reals);
    return out ? one(from_reals(a->dtype(), p->dims, *out)) : std::nullopt;
  }
  if (is_wide_integer(a->dtype()) && rule.ints != nullptr) {
    const auto out = zip<int64_t, int64_t>(a->dims(), *a->to_ints(), b->dims(), *b->to_ints(), p->dims,
                                           p->count, rule.ints);
    return out ? one(from_ints(a->dtype(), p->dims, *out)) : std::nullopt;
  }
  return std::nullopt;
}

// Each known size of x by itself.
template <typename Map>
Evaluated map_sizes(ir::DType dtype, const Array& x, Map&& map) {
  auto sizes = x.to_sizes();
  if (!sizes) return std::nullopt;
  for (ir::Dim& size : *sizes) {
    if (!size.is_unknown()) size = map(size);
  }
  return one(Array(dtype, x.dims(), std::move(*sizes)));
}

std::optional<int64_t> wrap_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
std::optional<int64_t> wrap_subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
std::optional<int64_t> wrap_multiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
std::optional<int64_t> truncating_divide(int64_t a, int64_t b) {
  if (b == 0 || (a == INT64_MIN && b == -1)) return std::nullopt;
  return a / b;
}
std::optional<int64_t> c_modulo(int64_t a, int64_t b) {
  if (b == 0) return std::nullopt;
  return b == -1 ? 0 : a % b;
}
std::optional<int64_t> power(int64_t a, int64_t b) {
  if (b < 0) return std::nullopt;
  uint64_t base = static_cast<uint64_t>(a), out = 1;
  for (auto n = static_cast<uint64_t>(b); n > 0; n >>= 1) {
    if ((n & 1) != 0) out *= base;
    base *= base;
  }
  return static_cast<int64_t>(out);
}
double smallest(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::min(a, b); }
double largest(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b); }

ir::Dim divide_sizes(const ir::DimComparison& order, const ir::Dim& a, const ir::Dim& b) {
  if (!order.at_least(b, 1)) return {};
  // ONNX truncates; // rounds down. They agree where nothing is negative, and where nothing is left over.
  const ir::Dim quotient = floor_div(a, b);
  return order.at_least(a, 0) || quotient * b == a ? quotient : ir::Dim();
}
ir::Dim floor_modulo_sizes(const ir::DimComparison& order, const ir::Dim& a, const ir::Dim& b) {
  return order.at_least(b, 1) ? mod(a, b) : ir::Dim();
}
ir::Dim c_modulo_sizes(const ir::DimComparison& order, const ir::Dim& a, const ir::Dim& b) {
  return order.at_least(b, 1) && order.at_least(a, 0) ? mod(a, b) : ir::Dim();
}
ir::Dim power_sizes(const ir::DimComparison&, const ir::Dim& a, const ir::Dim& b) {
  constexpr int64_t kLargest = 8;
  if (!b.is_constant() || b.value() < 0 || b.value() > kLargest) return {};
  ir::Dim out = 1;
  for (int64_t i = 0; i < b.value(); ++i) out = out * a;
  return out;
}

Evaluated arithmetic(const Evaluation& e) {
  if (e.input_count() != 2) return std::nullopt;
  return binary(e, e.input(0), e.input(1), arithmetic_rule(e.op_type));
}

Evaluated modulo(const Evaluation& e) {
  if (e.input_count() != 2) return std::nullopt;
  static const BinaryRule floor_rule = {ir::floor_modulo, nullptr, floor_modulo_sizes};
  static const BinaryRule c_rule = {
      c_modulo, [](double a, double b) { return std::optional(std::fmod(a, b)); }, c_modulo_sizes};
  return binary(e, e.input(0), e.input(1), e.integer("fmod", 0) != 0 ? c_rule : floor_rule);
}

// The exponent may be of another dtype than the base.
Evaluated pow_of(const Evaluation& e) {
  const Array* a = e.input(0);
  const Array* b = e.input(1);
  if (a == nullptr || b == nullptr || e.input_count() != 2) return std::nullopt;
  if (a->dtype() == b->dtype()) {
    static const BinaryRule rule = {power, [](double x, double y) { return std::optional(std::pow(x, y)); },
                                    power_sizes};
    return binary(e, a, b, rule);
  }
  const auto dims = broadcast(a->dims(), b->dims());
  if (!dims || !is_computed_float(a->dtype()) || b->is_symbolic()) return std::nullopt;
  const auto count = count_within(*dims, ir::size_of(a->dtype()), e.max_bytes);
  std::vector<double> exponents;
  if (is_computed_float(b->dtype())) {
    exponents = *b->to_reals();
  } else if (is_exact_integer(b->dtype())) {
    const auto ints = *b->to_ints();
    exponents.assign(ints.begin(), ints.end());
  } else {
    return std::nullopt;
  }
  if (!count) return std::nullopt;
  const auto out =
      zip<double, double>(a->dims(), *a->to_reals(), b->dims(), exponents, *dims, static_cast<size_t>(*count),
                          [](double x, double y) { return std::optional(std::pow(x, y)); });
  return out ? one(from_reals(a->dtype(), *dims, *out)) : std::nullopt;
}

Evaluated variadic(const Evaluation& e) {
  if (e.input(0) == nullptr) return std::nullopt;
  Evaluated out = one(*e.input(0));
  for (size_t i = 1; i < e.input_count() && out; ++i) {
    const Array left = std::move(out->front());
    out = binary(e, &left, e.input(i), arithmetic_rule(e.op_type));
  }
  return out;
}

// ---- comparisons and logic ----

template <typename T>
bool compare(std::string_view op, T a, T b) {
  if (op == "Equal") return a == b;
  if (op == "Less") return a < b;
  if (op == "LessOrEqual") return a <= b;
  if (op == "Greater") return a > b;
  return a >= b;
}

// What the bounds of a - b decide.
ir::Dim compare_sizes(std::string_view op, const ir::DimComparison& order, const ir::Dim& a,
                      const ir::Dim& b) {
  if (a.is_constant() && b.is_constant()) return compare(op, a.value(), b.value()) ? 1 : 0;
  const ir::Bounds d = order.bounds(a - b);
  const bool above = d.min > 0, below = d.max < 0, same = d.min == 0 && d.max == 0;
  const auto decided = [](bool yes, bool no) { return yes ? ir::Dim(1) : no ? ir::Dim(0) : ir::Dim(); };
  if (op == "Equal") return decided(same, above || below);
  if (op == "Less") return decided(below, d.min >= 0);
  if (op == "LessOrEqual") return decided(d.max <= 0, above);
  if (op == "Greater") return decided(above, d.max <= 0);
  return decided(d.min >= 0, below);
}

Evaluated comparison(const Evaluation& e) {
  if (e.input_count() != 2) return std::nullopt;
  const auto p = pair_of(e, e.input(0), e.input(1), 1);
  if (!p) return std::nullopt;
  const auto run = [&](const auto& a, const auto& b) {
    using T = std::decay_t<decltype(a[0])>;
    return *zip<T, int64_t>(p->a->dims(), a, p->b->dims(), b, p->dims, p->count,
                            [&](T x, T y) { return std::optional<int64_t>(compare(e.op_type, x, y)); });
  };
  if (is_computed_float(p->a->dtype())) {
    return one(from_ints(ir::DType::boolean, p->dims, run(*p->a->to_reals(), *p->b->to_reals())));
  }
  if (!is_exact_integer(p->a->dtype()) || (p->a->dtype() == ir::DType::boolean && e.op_type != "Equal"))
    return std::nullopt;
  if (p->is_symbolic()) {
    return p->of_sizes(ir::DType::boolean, [&](const ir::Dim& x, const ir::Dim& y) {
      return x.is_unknown() || y.is_unknown() ? ir::Dim() : compare_sizes(e.op_type, *e.order, x, y);
    });
  }
  return one(from_ints(ir::DType::boolean, p->dims, run(*p->a->to_ints(), *p->b->to_ints())));
}

Evaluated logical(const Evaluation& e) {
  if (e.input_count() != 2) return std::nullopt;
  const auto p = pair_of(e, e.input(0), e.input(1), 1);
  if (!p || p->a->dtype() != ir::DType::boolean) return std::nullopt;
  const auto combine = [&](int64_t a, int64_t b) {
    const bool x = a != 0, y = b != 0;
    return std::optional<int64_t>(e.op_type == "And" ? x && y : e.op_type == "Or" ? x || y : x != y);
  };
  if (p->is_symbolic()) {
    const int64_t decides = e.op_type == "Or" ? 1 : 0;  // whatever the other side is
    return p->of_sizes(ir::DType::boolean, [&](const ir::Dim& x, const ir::Dim& y) {
      if (x.is_constant() && y.is_constant()) return ir::Dim(*combine(x.value(), y.value()));
      const bool decided = e.op_type != "Xor" && ((x.is_constant() && x.value() == decides) ||
                                                  (y.is_constant() && y.value() == decides));
      return decided ? ir::Dim(decides) : ir::Dim();
    });
  }
  const auto out = zip<int64_t, int64_t>(p->a->dims(), *p->a->to_ints(), p->b->dims(), *p->b->to_ints(),
                                         p->dims, p->count, combine);
  return one(from_ints(ir::DType::boolean, p->dims, *out));
}

Evaluated logical_not(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr || e.input_count() != 1 || x->dtype() != ir::DType::boolean) return std::nullopt;
  if (x->is_symbolic()) {
    return map_sizes(x->dtype(), *x, [](const ir::Dim& v) {
      return v.is_constant() ? ir::Dim(v.value() == 0 ? 1 : 0) : ir::Dim();
    });
  }
  auto values = *x->to_ints();
  for (int64_t& v : values) v = v == 0 ? 1 : 0;
  return one(from_ints(ir::DType::boolean, x->dims(), values));
}

// ---- of one element ----

double round_half_even(double x) { return std::nearbyint(x); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double sign(double x) { return std::isnan(x) ? x : static_cast<double>((x > 0) - (x < 0)); }
double relu(double x) { return x < 0 ? 0 : x; }

Evaluated function(const Evaluation& e) {
  using Function = double (*)(double);
  static const std::unordered_map<std::string_view, Function> functions = {
      {"Acos", [](double x) { return std::acos(x); }},
      {"Asin", [](double x) { return std::asin(x); }},
      {"Atan", [](double x) { return std::atan(x); }},
      {"Ceil", [](double x) { return std::ceil(x); }},
      {"Cos", [](double x) { return std::cos(x); }},
      {"Cosh", [](double x) { return std::cosh(x); }},
      {"Erf", [](double x) { return std::erf(x); }},
      {"Exp", [](double x) { return std::exp(x); }},
      {"Floor", [](double x) { return std::floor(x); }},
      {"Log", [](double x) { return std::log(x); }},
      {"Reciprocal", [](double x) { return 1 / x; }},
      {"Round", round_half_even},
      {"Sigmoid", sigmoid},
      {"Sin", [](double x) { return std::sin(x); }},
      {"Sinh", [](double x) { return std::sinh(x); }},
      {"Sqrt", [](double x) { return std::sqrt(x); }},
      {"Tan", [](double x) { return std::tan(x); }},
      {"Tanh", [](double x) { return std::tanh(x); }},
  };
  const Array* x = e.input(0);
  if (x == nullptr || e.input_count() != 1 || !is_computed_float(x->dtype())) return std::nullopt;
  const Function f = functions.at(e.op_type);
  auto values = *x->to_reals();
  for (double& v : values) v = f(v);
  return one(from_reals(x->dtype(), x->dims(), values));
}

int64_t signed_integer(std::string_view op, int64_t v) {
  const auto negated = static_cast<int64_t>(0 - static_cast<uint64_t>(v));
  if (op == "Neg") return negated;
  if (op == "Abs") return v < 0 ? negated : v;
  if (op == "Sign") return (v > 0) - (v < 0);
  return std::max<int64_t>(v, 0);
}

ir::Dim signed_size(std::string_view op, const ir::DimComparison& order, const ir::Dim& v) {
  if (v.is_constant()) return v.value() == INT64_MIN ? ir::Dim() : ir::Dim(signed_integer(op, v.value()));
  if (op == "Neg") return ir::Dim(0) - v;
  if (op == "Relu") return order.larger(v, 0);
  if (op == "Sign") return order.at_least(v, 1) ? ir::Dim(1) : ir::Dim();
  return order.at_least(v, 0) ? v : ir::Dim();
}

Evaluated signed_function(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr || e.input_count() != 1) return std::nullopt;
  const std::string_view op = e.op_type;
  if (is_computed_float(x->dtype())) {
    auto values = *x->to_reals();
    for (double& v : values)
      v = op == "Neg" ? -v : op == "Abs" ? std::fabs(v) : op == "Sign" ? sign(v) : relu(v);
    return one(from_reals(x->dtype(), x->dims(), values));
  }
  if (!is_wide_integer(x->dtype())) return std::nullopt;
  if (x->is_symbolic())
    return map_sizes(x->dtype(), *x, [&](const ir::Dim& v) { return signed_size(op, *e.order, v); });
  auto values = *x->to_ints();
  for (int64_t& v : values) v = signed_integer(op, v);
  return one(from_ints(x->dtype(), x->dims(), values));
}

Evaluated clip(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr || e.attribute("min") != nullptr || e.attribute("max") != nullptr) return std::nullopt;
  Evaluated out = one(*x);
  for (size_t i = 1; i <= 2 && out; ++i) {
    if (!e.is_given(i)) continue;
    const Array* bound = e.input(i);
    if (bound == nullptr || bound->count() != 1) return std::nullopt;
    const Array left = std::move(out->front());
    out = binary(e, &left, bound, arithmetic_rule(i == 1 ? "Max" : "Min"));
    if (out) out = one(out->front().reshaped(x->dims()));
  }
  return out;
}

Evaluated is_nan(const Evaluation& e) {
  const Array* x = e.input(0);
  if (x == nullptr || !is_computed_float(x->dtype())) return std::nullopt;
  const auto values = *x->to_reals();
  std::vector<int64_t> out;
  for (double v : values) out.push_back(std::isnan(v) ? 1 : 0);
  return one(from_ints(ir::DType::boolean, x->dims(), out));
}

// Out of range, and NaN, are the runtime's business: what it does there is not defined.
std::optional<std::vector<int64_t>> truncate(const std::vector<double>& values, ir::DType to) {
  const double limit = std::ldexp(1.0, static_cast<int>(8 * ir::size_of(to)) - 1);
  const bool is_unsigned = to == ir::DType::u8 || to == ir::DType::u16 || to == ir::DType::u32;
  std::vector<int64_t> out;
  for (double v : values) {
    const double whole = std::trunc(v);
    const bool fits = is_unsigned ? whole >= 0 && whole < 2 * limit : whole >= -limit && whole < limit;
    if (!fits) return std::nullopt;
    out.push_back(static_cast<int64_t>(whole));
  }
  return out;
}

// Sizes keep their value in every integer type that holds it; which they are is known of numbers only.
Evaluated cast_sizes(const Evaluation& e, const Array& x, ir::DType to) {
  if (to == ir::DType::boolean) {
    return map_sizes(to, x, [&](const ir::Dim& v) {
      if (v.is_constant()) return ir::Dim(v.value() != 0 ? 1 : 0);
      return e.order->at_least(v, 1) ? ir::Dim(1) : ir::Dim();
    });
  }
  if (to != ir::DType::i64 && to != ir::DType::i32) return std::nullopt;
  return map_sizes(to, x, [&](const ir::Dim& v) {
    return !v.is_constant() || to == ir::DType::i64 ? v : ir::Dim(static_cast<int32_t>(v.value()));
  });
}

Evaluated cast(const Evaluation& e) {
  const Array* x = e.input(0);
  const auto to = static_cast<ir::DType>(e.integer("to", 0));
  if (x == nullptr || !count_within(x->dims(), ir::size_of(to), e.max_bytes)) return std::nullopt;
  if (to == x->dtype()) return one(*x);
  if (x->is_symbolic()) return cast_sizes(e, *x, to);
  if (is_exact_integer(x->dtype())) {
    const auto values = *x->to_ints();
    if (is_computed_float(to)) {
      return one(from_reals(to, x->dims(), std::vector<double>(values.begin(), values.end())));
    }
    return one(from_ints(to, x->dims(), values));
  }
  if (!is_computed_float(x->dtype())) return std::nullopt;
  const auto values = *x->to_reals();
  if (is_computed_float(to)) return one(from_reals(to, x->dims(), values));
  if (to == ir::DType::boolean) {
    std::vector<int64_t> out;
    for (double v : values) out.push_back(v != 0 ? 1 : 0);
    return one(from_ints(to, x->dims(), out));
  }
  if (!is_exact_integer(to)) return std::nullopt;
  const auto whole = truncate(values, to);
  return whole ? one(from_ints(to, x->dims(), *whole)) : std::nullopt;
}

}  // namespace

ir::Dim combine_sizes(const BinaryRule& rule, const ir::DimComparison& order, const ir::Dim& a,
                      const ir::Dim& b) {
  if (a.is_unknown() || b.is_unknown()) return {};
  if (!a.is_constant() || !b.is_constant()) return rule.sizes(order, a, b);
  const auto out = rule.ints(a.value(), b.value());
  return out ? ir::Dim(*out) : ir::Dim();
}

const BinaryRule& arithmetic_rule(std::string_view op_type) {
  using Order = ir::DimComparison;
  using ir::Dim;
  static const std::unordered_map<std::string_view, BinaryRule> rules = {
      {"Add",
       {wrap_add, [](double a, double b) { return std::optional(a + b); },
        [](const Order&, const Dim& a, const Dim& b) { return a + b; }}},
      {"Sub",
       {wrap_subtract, [](double a, double b) { return std::optional(a - b); },
        [](const Order&, const Dim& a, const Dim& b) { return a - b; }}},
      {"Mul",
       {wrap_multiply, [](double a, double b) { return std::optional(a * b); },
        [](const Order&, const Dim& a, const Dim& b) { return a * b; }}},
      {"Div", {truncating_divide, [](double a, double b) { return std::optional(a / b); }, divide_sizes}},
      {"Min",
       {[](int64_t a, int64_t b) { return std::optional(std::min(a, b)); },
        [](double a, double b) { return std::optional(smallest(a, b)); },
        [](const Order& order, const Dim& a, const Dim& b) { return order.smaller(a, b); }}},
      {"Max",
       {[](int64_t a, int64_t b) { return std::optional(std::max(a, b)); },
        [](double a, double b) { return std::optional(largest(a, b)); },
        [](const Order& order, const Dim& a, const Dim& b) { return order.larger(a, b); }}},
      {"Sum", {nullptr, [](double a, double b) { return std::optional(a + b); }, nullptr}},
  };
  return rules.at(op_type);
}

const RuleTable& elementwise_rules() {
  static const RuleTable rules = {
      {"Abs", signed_function}, {"Acos", function},        {"Add", arithmetic},
      {"And", logical},         {"Asin", function},        {"Atan", function},
      {"Cast", cast},           {"Ceil", function},        {"Clip", clip},
      {"Cos", function},        {"Cosh", function},        {"Div", arithmetic},
      {"Equal", comparison},    {"Erf", function},         {"Exp", function},
      {"Floor", function},      {"Greater", comparison},   {"GreaterOrEqual", comparison},
      {"IsNaN", is_nan},        {"Less", comparison},      {"LessOrEqual", comparison},
      {"Log", function},        {"Max", variadic},         {"Min", variadic},
      {"Mod", modulo},          {"Mul", arithmetic},       {"Neg", signed_function},
      {"Not", logical_not},     {"Or", logical},           {"Pow", pow_of},
      {"Reciprocal", function}, {"Relu", signed_function}, {"Round", function},
      {"Sigmoid", function},    {"Sign", signed_function}, {"Sin", function},
      {"Sinh", function},       {"Sqrt", function},        {"Sub", arithmetic},
      {"Sum", variadic},        {"Tan", function},         {"Tanh", function},
      {"Xor", logical},
  };
  return rules;
}

}  // namespace onnxport
