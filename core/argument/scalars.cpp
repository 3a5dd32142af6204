#include "core/argument/scalars.h"

#include <algorithm>
#include <cmath>

#include "core/argument/scalars_internal.h"

namespace onnxport {

namespace scalars {

std::optional<int64_t> as_int(const Argument& c) {
  if (const auto* i = c.as<int64_t>()) return *i;
  if (const auto* b = c.as<bool>()) return *b ? 1 : 0;
  if (const auto* d = c.as<ir::DType>()) return torch_scalar_type(*d);
  return std::nullopt;
}

bool is_integer_kind(const Argument& c) { return as_int(c).has_value(); }

std::optional<double> as_real(const Argument& c) {
  if (const auto* d = c.as<double>()) return *d;
  if (const auto i = as_int(c)) return static_cast<double>(*i);
  return std::nullopt;
}

std::optional<int64_t> real_to_int(double value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (!(value >= -kLimit && value < kLimit)) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::optional<int> order(const Argument& a, const Argument& b) {
  const auto ia = as_int(a);
  const auto ib = as_int(b);
  if (ia && ib) return *ia < *ib ? -1 : *ia > *ib ? 1 : 0;
  const auto ra = as_real(a);
  const auto rb = as_real(b);
  if (ra && rb) {
    if (std::isnan(*ra) || std::isnan(*rb)) return std::nullopt;
    return *ra < *rb ? -1 : *ra > *rb ? 1 : 0;
  }
  if (const auto* sa = a.as<std::string>(), *sb = b.as<std::string>(); sa != nullptr && sb != nullptr) {
    const int c = sa->compare(*sb);
    return c < 0 ? -1 : c > 0 ? 1 : 0;
  }
  if (a.list() == nullptr || b.list() == nullptr) return std::nullopt;
  const std::span<const Argument> la = a.items();
  const std::span<const Argument> lb = b.items();
  for (size_t i = 0; i < la.size() && i < lb.size(); ++i) {
    const auto c = order(la[i], lb[i]);
    if (!c || *c != 0) return c;
  }
  return la.size() < lb.size() ? -1 : la.size() > lb.size() ? 1 : 0;
}

Result comparison(std::string_view name, Arguments arguments) {
  if (arguments.size() != 2) return std::nullopt;
  const Argument& a = arguments[0];
  const Argument& b = arguments[1];
  if (name == "aten::eq") return Argument{equal(a, b)};
  if (name == "aten::ne") return Argument{!equal(a, b)};
  if (name == "aten::__is__" || name == "aten::__isnot__") {
    if (!a.is_none() && !b.is_none()) return std::nullopt;  // identity of other values is not ours to know
    const bool same = a.is_none() && b.is_none();
    return Argument{same == (name == "aten::__is__")};
  }
  const bool ordering = name == "aten::lt" || name == "aten::le" || name == "aten::gt" || name == "aten::ge";
  if (!ordering) return std::nullopt;
  const auto c = order(a, b);
  // Nothing is before or after NaN.
  if (!c) return as_real(a) && as_real(b) ? Result(Argument{false}) : std::nullopt;
  if (name == "aten::lt") return Argument{*c < 0};
  if (name == "aten::le") return Argument{*c <= 0};
  if (name == "aten::gt") return Argument{*c > 0};
  return Argument{*c >= 0};
}

}  // namespace scalars

bool equal(const Argument& a, const Argument& b) {
  const auto ia = scalars::as_int(a);
  const auto ib = scalars::as_int(b);
  if (ia && ib) return *ia == *ib;
  const auto ra = scalars::as_real(a);
  const auto rb = scalars::as_real(b);
  if (ra && rb) return *ra == *rb;
  const auto* ca = a.as<std::complex<double>>();
  const auto* cb = b.as<std::complex<double>>();
  if ((ca != nullptr || ra) && (cb != nullptr || rb)) {
    return (ca != nullptr ? *ca : std::complex<double>(*ra)) ==
           (cb != nullptr ? *cb : std::complex<double>(*rb));
  }
  if (a.list() == nullptr || b.list() == nullptr) return identical(a, b);
  const std::span<const Argument> la = a.items();
  const std::span<const Argument> lb = b.items();
  if (a.list()->form() != b.list()->form() || la.size() != lb.size()) return false;
  if (a.list()->form() != ArgumentList::Form::dict)
    return std::equal(la.begin(), la.end(), lb.begin(), equal);
  for (size_t i = 0; i + 1 < la.size(); i += 2) {  // in any order
    const Argument* other = scalars::find_item(lb, la[i]);
    if (other == nullptr || !equal(la[i + 1], *other)) return false;
  }
  return true;
}

std::optional<Argument> evaluate_scalar(std::string_view op, std::span<const Argument> arguments) {
  const size_t dot = op.find('.');
  const std::string_view name = op.substr(0, dot);
  const std::string_view overload = dot == std::string_view::npos ? std::string_view() : op.substr(dot + 1);
  // Lists first: add, mul and min mean something else there.
  if (auto out = scalars::lists(name, arguments)) return out;
  if (!std::all_of(arguments.begin(), arguments.end(), [](const Argument& a) { return a.is_known(); }))
    return std::nullopt;
  if (auto out = scalars::list_contents(name, arguments)) return out;
  if (auto out = scalars::strings(name, arguments)) return out;
  if (auto out = scalars::arithmetic(name, overload, arguments)) return out;
  if (auto out = scalars::comparison(name, arguments)) return out;
  return scalars::mathematics(name, arguments);
}

}  // namespace onnxport
