#include <cmath>
#include <functional>
#include <numeric>

#include "core/argument/scalars_internal.h"
#include "core/ir/integers.h"

namespace onnxport::scalars {

namespace {

using Complex = std::complex<double>;

std::optional<Complex> as_complex(const Argument& c) {
  if (const auto* v = c.as<Complex>()) return *v;
  if (const auto r = as_real(c)) return Complex(*r);
  return std::nullopt;
}

Result constant(std::optional<int64_t> value) { return value ? Result(Argument{*value}) : std::nullopt; }

std::optional<int64_t> power(int64_t base, int64_t exponent) {
  if (exponent < 0) return std::nullopt;
  int64_t out = 1;
  while (true) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(out, base, &out)) return std::nullopt;
    exponent >>= 1;
    if (exponent == 0) return out;
    if (__builtin_mul_overflow(base, base, &base)) return std::nullopt;
  }
}
std::optional<int64_t> shift_left(int64_t a, int64_t b) {
  return b < 0 || b > 62 ? std::nullopt : ir::checked_multiply(a, int64_t{1} << b);
}
std::optional<int64_t> shift_right(int64_t a, int64_t b) {
  if (b < 0) return std::nullopt;
  return a >> std::min<int64_t>(b, 63);
}

double real_remainder(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

struct Binary {
  std::string_view name;
  std::optional<int64_t> (*integers)(int64_t, int64_t);  // null: ints count as reals
  double (*reals)(double, double);                       // null: ints only
};

const Binary* find_binary(std::string_view name) {
  static constexpr Binary kBinaries[] = {
      {"aten::add", &ir::checked_add, [](double a, double b) { return a + b; }},
      {"aten::sub", &ir::checked_subtract, [](double a, double b) { return a - b; }},
      {"aten::mul", &ir::checked_multiply, [](double a, double b) { return a * b; }},
      {"aten::div", nullptr, [](double a, double b) { return a / b; }},
      {"aten::floordiv", &ir::floor_divide, [](double a, double b) { return std::floor(a / b); }},
      {"aten::remainder", &ir::floor_modulo, &real_remainder},
      {"aten::fmod", nullptr, [](double a, double b) { return std::fmod(a, b); }},
      {"aten::mathremainder", nullptr, [](double a, double b) { return std::remainder(a, b); }},
      {"aten::pow", nullptr, [](double a, double b) { return std::pow(a, b); }},
      {"aten::atan2", nullptr, [](double a, double b) { return std::atan2(a, b); }},
      {"aten::copysign", nullptr, [](double a, double b) { return std::copysign(a, b); }},
      {"aten::__lshift__", &shift_left, nullptr},
      {"aten::__rshift__", &shift_right, nullptr},
      {"prim::min", [](int64_t a, int64_t b) { return std::optional(std::min(a, b)); },
       [](double a, double b) { return b < a ? b : a; }},
      {"prim::max", [](int64_t a, int64_t b) { return std::optional(std::max(a, b)); },
       [](double a, double b) { return a < b ? b : a; }},
  };
  for (const Binary& b : kBinaries) {
    if (b.name == name) return &b;
  }
  return nullptr;
}

Result complex_binary(std::string_view name, const Argument& a, const Argument& b) {
  if (a.as<Complex>() == nullptr && b.as<Complex>() == nullptr) return std::nullopt;
  const auto x = as_complex(a);
  const auto y = as_complex(b);
  if (!x || !y) return std::nullopt;
  if (name == "aten::add") return Argument{*x + *y};
  if (name == "aten::sub") return Argument{*x - *y};
  if (name == "aten::mul") return Argument{*x * *y};
  if (name == "aten::div") return Argument{*x / *y};
  if (name == "aten::pow") return Argument{std::pow(*x, *y)};
  return std::nullopt;
}

Result logic(std::string_view name, const Argument& a, const Argument& b) {
  const bool is_and = name == "aten::__and__";
  const bool is_or = name == "aten::__or__";
  if (!is_and && !is_or && name != "aten::__xor__") return std::nullopt;
  const auto x = as_int(a);
  const auto y = as_int(b);
  if (!x || !y) return std::nullopt;
  const int64_t out = is_and ? *x & *y : is_or ? *x | *y : *x ^ *y;
  if (a.as<bool>() != nullptr && b.as<bool>() != nullptr) return Argument{out != 0};
  return Argument{out};
}

Result binary(std::string_view name, std::string_view overload, const Argument& a, const Argument& b) {
  if (name == "aten::pow" && overload == "int_to_int" && is_integer_kind(a) && is_integer_kind(b)) {
    return constant(power(*as_int(a), *as_int(b)));
  }
  if (auto out = logic(name, a, b)) return out;
  if (auto out = complex_binary(name, a, b)) return out;
  const Binary* op = find_binary(name);
  if (op == nullptr) return std::nullopt;
  const bool both_integers = is_integer_kind(a) && is_integer_kind(b);
  if (both_integers && op->integers != nullptr) return constant(op->integers(*as_int(a), *as_int(b)));
  const auto x = as_real(a);
  const auto y = as_real(b);
  if (!x || !y || op->reals == nullptr) return std::nullopt;
  const bool by_zero = *y == 0 && (name == "aten::floordiv" || name == "aten::remainder" ||
                                   name == "aten::fmod" || (name == "aten::div" && both_integers));
  return by_zero ? std::nullopt : Result(Argument{op->reals(*x, *y)});
}

Result divmod(const Argument& a, const Argument& b) {
  Result quotient = binary("aten::floordiv", {}, a, b);
  Result rest = binary("aten::remainder", {}, a, b);
  if (!quotient || !rest) return std::nullopt;
  return Argument::list_of({std::move(*quotient), std::move(*rest)}, ArgumentList::Form::tuple);
}

Result conversion(std::string_view name, const Argument& a) {
  const auto i = as_int(a);
  const auto r = as_real(a);
  if (name == "aten::Int" || name == "aten::IntImplicit") {
    return i ? Result(Argument{*i}) : r ? constant(real_to_int(*r)) : std::nullopt;
  }
  if (name == "aten::Float" || name == "aten::FloatImplicit") return r ? Result(Argument{*r}) : std::nullopt;
  if (name == "aten::Bool") return r ? Result(Argument{*r != 0}) : std::nullopt;
  if (name == "aten::__not__")
    return a.as<bool>() != nullptr ? Result(Argument{!*a.as<bool>()}) : std::nullopt;
  if (name == "aten::ScalarImplicit") return r ? Result(a) : std::nullopt;
  return std::nullopt;
}

Result unary(std::string_view name, const Argument& a) {
  if (auto out = conversion(name, a)) return out;
  const auto i = as_int(a);
  const auto r = as_real(a);
  if (name == "aten::neg") {
    if (const auto* c = a.as<Complex>()) return Argument{-*c};
    return i ? constant(ir::checked_subtract(0, *i)) : r ? Result(Argument{-*r}) : std::nullopt;
  }
  if (name == "prim::abs") {
    if (const auto* c = a.as<Complex>()) return Argument{std::abs(*c)};
    if (i) return constant(*i < 0 ? ir::checked_subtract(0, *i) : *i);
    return r ? Result(Argument{std::fabs(*r)}) : std::nullopt;
  }
  if (name == "aten::floor")
    return i ? constant(*i) : r ? constant(real_to_int(std::floor(*r))) : std::nullopt;
  if (name == "aten::ceil") return i ? constant(*i) : r ? constant(real_to_int(std::ceil(*r))) : std::nullopt;
  return std::nullopt;
}

Result range(std::string_view name, Arguments arguments) {
  const auto a = as_int(arguments[0]);
  const auto b = as_int(arguments[1]);
  const auto c = as_int(arguments[2]);
  if (!a || !b || !c) return std::nullopt;
  if (name == "aten::__derive_index") {  // start + index * step
    const auto product = ir::checked_multiply(*a, *c);
    return product ? constant(ir::checked_add(*b, *product)) : std::nullopt;
  }
  if (name != "aten::__range_length" || *c == 0) return std::nullopt;
  const auto span = *c > 0 ? ir::checked_subtract(*b, *a) : ir::checked_subtract(*a, *b);
  if (!span || *c == INT64_MIN) return std::nullopt;
  return Argument{*span <= 0 ? int64_t{0} : (*span - 1) / std::abs(*c) + 1};
}

}  // namespace

Result arithmetic(std::string_view name, std::string_view overload, Arguments arguments) {
  if (arguments.size() == 1) return unary(name, arguments[0]);
  if (arguments.size() == 3) return range(name, arguments);
  if (arguments.size() != 2) return std::nullopt;
  if (name == "aten::divmod") return divmod(arguments[0], arguments[1]);
  if (name == "aten::Complex") {
    const auto x = as_real(arguments[0]);
    const auto y = as_real(arguments[1]);
    return x && y ? Result(Argument{Complex(*x, *y)}) : std::nullopt;
  }
  if (name == "aten::gcd") {
    const auto x = as_int(arguments[0]);
    const auto y = as_int(arguments[1]);
    if (!x || !y || *x == INT64_MIN || *y == INT64_MIN) return std::nullopt;
    return Argument{std::gcd(*x, *y)};
  }
  return binary(name, overload, arguments[0], arguments[1]);
}

Result mathematics(std::string_view name, Arguments arguments) {
  using Function = double (*)(double);
  static constexpr std::pair<std::string_view, Function> kFunctions[] = {
      {"aten::sqrt", [](double x) { return std::sqrt(x); }},
      {"aten::exp", [](double x) { return std::exp(x); }},
      {"aten::expm1", [](double x) { return std::expm1(x); }},
      {"aten::log", [](double x) { return std::log(x); }},
      {"aten::log10", [](double x) { return std::log10(x); }},
      {"aten::log2", [](double x) { return std::log2(x); }},
      {"aten::log1p", [](double x) { return std::log1p(x); }},
      {"aten::sin", [](double x) { return std::sin(x); }},
      {"aten::cos", [](double x) { return std::cos(x); }},
      {"aten::tan", [](double x) { return std::tan(x); }},
      {"aten::asin", [](double x) { return std::asin(x); }},
      {"aten::acos", [](double x) { return std::acos(x); }},
      {"aten::atan", [](double x) { return std::atan(x); }},
      {"aten::sinh", [](double x) { return std::sinh(x); }},
      {"aten::cosh", [](double x) { return std::cosh(x); }},
      {"aten::tanh", [](double x) { return std::tanh(x); }},
      {"aten::asinh", [](double x) { return std::asinh(x); }},
      {"aten::acosh", [](double x) { return std::acosh(x); }},
      {"aten::atanh", [](double x) { return std::atanh(x); }},
      {"aten::erf", [](double x) { return std::erf(x); }},
      {"aten::erfc", [](double x) { return std::erfc(x); }},
      {"aten::gamma", [](double x) { return std::tgamma(x); }},
      {"aten::fabs", [](double x) { return std::fabs(x); }},
      {"aten::degrees", [](double x) { return x * 180.0 / 3.14159265358979323846; }},
      {"aten::radians", [](double x) { return x * 3.14159265358979323846 / 180.0; }},
      {"aten::round", [](double x) { return std::nearbyint(x); }},  // halves to even, as Python
  };
  if (name == "aten::log" && arguments.size() == 2) {
    const auto x = as_real(arguments[0]);
    const auto base = as_real(arguments[1]);
    return x && base ? Result(Argument{std::log(*x) / std::log(*base)}) : std::nullopt;
  }
  const auto x = arguments.size() == 1 ? as_real(arguments[0]) : std::nullopt;
  if (!x) return std::nullopt;
  if (name == "aten::isnan") return Argument{std::isnan(*x)};
  if (name == "aten::isinf") return Argument{std::isinf(*x)};
  if (name == "aten::isfinite") return Argument{std::isfinite(*x)};
  if (name == "aten::factorial") {
    const auto n = as_int(arguments[0]);
    if (!n || *n < 0 || *n > 20) return std::nullopt;
    int64_t out = 1;
    for (int64_t i = 2; i <= *n; ++i) out *= i;
    return Argument{out};
  }
  for (const auto& [function, evaluate] : kFunctions) {
    if (function == name) return Argument{evaluate(*x)};
  }
  return std::nullopt;
}

}  // namespace onnxport::scalars
