// Arithmetic, comparisons and functions of one element, on constants.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/evaluate/elements.h"
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
  const ir::Tensor* a;
  const ir::Tensor* b;
  Dims dims;
  size_t count;
};

// Two inputs of one dtype whose result of `out` elements fits.
std::optional<Pair> pair_of(const Evaluation& e, const ir::Tensor* a, const ir::Tensor* b, size_t element) {
  if (a == nullptr || b == nullptr || a->dtype() != b->dtype()) return std::nullopt;
  auto dims = broadcast(a->dims(), b->dims());
  if (!dims) return std::nullopt;
  const auto count = count_within(*dims, element, e.max_bytes);
  if (!count) return std::nullopt;
  return Pair{a, b, std::move(*dims), static_cast<size_t>(*count)};
}

using IntRule = std::optional<int64_t> (*)(int64_t, int64_t);
using RealRule = std::optional<double> (*)(double, double);

struct BinaryRule {
  IntRule ints = nullptr;
  RealRule reals = nullptr;
};

std::optional<ir::Tensor> binary(const Evaluation& e, const ir::Tensor* a, const ir::Tensor* b,
                                 const BinaryRule& rule) {
  if (a == nullptr) return std::nullopt;
  const auto p = pair_of(e, a, b, ir::size_of(a->dtype()));
  if (!p) return std::nullopt;
  if (is_computed_float(a->dtype()) && rule.reals != nullptr) {
    const auto out = zip<double, double>(a->dims(), *a->to_reals(), b->dims(), *b->to_reals(), p->dims,
                                         p->count, rule.reals);
    return out ? from_reals(a->dtype(), p->dims, *out) : std::nullopt;
  }
  if (is_exact_integer(a->dtype()) && a->dtype() != ir::DType::boolean && rule.ints != nullptr) {
    const auto out = zip<int64_t, int64_t>(a->dims(), *a->to_ints(), b->dims(), *b->to_ints(), p->dims,
                                           p->count, rule.ints);
    return out ? from_ints(a->dtype(), p->dims, *out) : std::nullopt;
  }
  return std::nullopt;
}

Evaluated one(std::optional<ir::Tensor> tensor) {
  if (!tensor) return std::nullopt;
  return std::vector<ir::Tensor>{std::move(*tensor)};
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

Evaluated arithmetic(const Evaluation& e) {
  static const std::unordered_map<std::string_view, BinaryRule> rules = {
      {"Add", {wrap_add, [](double a, double b) { return std::optional(a + b); }}},
      {"Sub", {wrap_subtract, [](double a, double b) { return std::optional(a - b); }}},
      {"Mul", {wrap_multiply, [](double a, double b) { return std::optional(a * b); }}},
      {"Div", {truncating_divide, [](double a, double b) { return std::optional(a / b); }}},
  };
  if (e.inputs.size() != 2) return std::nullopt;
  return one(binary(e, e.input(0), e.input(1), rules.at(e.op_type)));
}

Evaluated modulo(const Evaluation& e) {
  if (e.inputs.size() != 2) return std::nullopt;
  const bool c_rule = e.integer("fmod", 0) != 0;
  const BinaryRule rule = {
      c_rule ? c_modulo : ir::floor_modulo,
      c_rule ? RealRule([](double a, double b) { return std::optional(std::fmod(a, b)); }) : nullptr};
  return one(binary(e, e.input(0), e.input(1), rule));
}

// The exponent may be of another dtype than the base.
Evaluated pow_of(const Evaluation& e) {
  const ir::Tensor* a = e.input(0);
  const ir::Tensor* b = e.input(1);
  if (a == nullptr || b == nullptr || e.inputs.size() != 2) return std::nullopt;
  if (a->dtype() == b->dtype()) {
    return one(binary(e, a, b, {power, [](double x, double y) { return std::optional(std::pow(x, y)); }}));
  }
  const auto dims = broadcast(a->dims(), b->dims());
  if (!dims || !is_computed_float(a->dtype())) return std::nullopt;
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
  static const std::unordered_map<std::string_view, BinaryRule> rules = {
      {"Min",
       {[](int64_t a, int64_t b) { return std::optional(std::min(a, b)); },
        [](double a, double b) { return std::optional(smallest(a, b)); }}},
      {"Max",
       {[](int64_t a, int64_t b) { return std::optional(std::max(a, b)); },
        [](double a, double b) { return std::optional(largest(a, b)); }}},
      {"Sum", {nullptr, [](double a, double b) { return std::optional(a + b); }}},
  };
  const BinaryRule& rule = rules.at(e.op_type);
  if (e.input(0) == nullptr) return std::nullopt;
  std::optional<ir::Tensor> out = *e.input(0);
  for (size_t i = 1; i < e.inputs.size() && out; ++i) {
    const ir::Tensor left = std::move(*out);
    out = binary(e, &left, e.input(i), rule);
  }
  return one(std::move(out));
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

Evaluated comparison(const Evaluation& e) {
  if (e.inputs.size() != 2) return std::nullopt;
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
  return one(from_ints(ir::DType::boolean, p->dims, run(*p->a->to_ints(), *p->b->to_ints())));
}

Evaluated logical(const Evaluation& e) {
  if (e.inputs.size() != 2) return std::nullopt;
  const auto p = pair_of(e, e.input(0), e.input(1), 1);
  if (!p || p->a->dtype() != ir::DType::boolean) return std::nullopt;
  const auto combine = [&](int64_t a, int64_t b) {
    const bool x = a != 0, y = b != 0;
    return std::optional<int64_t>(e.op_type == "And" ? x && y : e.op_type == "Or" ? x || y : x != y);
  };
  const auto out = zip<int64_t, int64_t>(p->a->dims(), *p->a->to_ints(), p->b->dims(), *p->b->to_ints(),
                                         p->dims, p->count, combine);
  return one(from_ints(ir::DType::boolean, p->dims, *out));
}

Evaluated logical_not(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  if (x == nullptr || e.inputs.size() != 1 || x->dtype() != ir::DType::boolean) return std::nullopt;
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
  const ir::Tensor* x = e.input(0);
  if (x == nullptr || e.inputs.size() != 1 || !is_computed_float(x->dtype())) return std::nullopt;
  const Function f = functions.at(e.op_type);
  auto values = *x->to_reals();
  for (double& v : values) v = f(v);
  return one(from_reals(x->dtype(), x->dims(), values));
}

Evaluated signed_function(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  if (x == nullptr || e.inputs.size() != 1) return std::nullopt;
  const std::string_view op = e.op_type;
  if (is_computed_float(x->dtype())) {
    auto values = *x->to_reals();
    for (double& v : values)
      v = op == "Neg" ? -v : op == "Abs" ? std::fabs(v) : op == "Sign" ? sign(v) : relu(v);
    return one(from_reals(x->dtype(), x->dims(), values));
  }
  if (!is_exact_integer(x->dtype()) || x->dtype() == ir::DType::boolean) return std::nullopt;
  auto values = *x->to_ints();
  for (int64_t& v : values) {
    const auto negated = static_cast<int64_t>(0 - static_cast<uint64_t>(v));
    v = op == "Neg"    ? negated
        : op == "Abs"  ? (v < 0 ? negated : v)
        : op == "Sign" ? (v > 0) - (v < 0)
                       : std::max<int64_t>(v, 0);
  }
  return one(from_ints(x->dtype(), x->dims(), values));
}

Evaluated clip(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  if (x == nullptr || e.attribute("min") != nullptr || e.attribute("max") != nullptr) return std::nullopt;
  std::optional<ir::Tensor> out = *x;
  for (size_t i = 1; i <= 2 && out; ++i) {
    const ir::Tensor* bound = e.input(i);
    if (bound == nullptr) continue;
    if (bound->count() != 1) return std::nullopt;
    const std::vector<const ir::Tensor*> inputs = {&*out, bound};
    const Evaluation of_two{ir::AttributeReader({}), i == 1 ? "Max" : "Min", inputs, e.opset, 1, e.max_bytes};
    const auto limited = variadic(of_two);
    out = limited ? std::optional((*limited)[0].reshaped(x->dims())) : std::nullopt;
  }
  return one(std::move(out));
}

Evaluated is_nan(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
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

Evaluated cast(const Evaluation& e) {
  const ir::Tensor* x = e.input(0);
  const auto to = static_cast<ir::DType>(e.integer("to", 0));
  if (x == nullptr || !count_within(x->dims(), ir::size_of(to), e.max_bytes)) return std::nullopt;
  if (to == x->dtype()) return one(*x);
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

EvaluationRule find_elementwise(std::string_view op_type) {
  static const std::unordered_map<std::string_view, EvaluationRule> rules = {
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
  const auto found = rules.find(op_type);
  return found == rules.end() ? nullptr : found->second;
}

}  // namespace onnxport
