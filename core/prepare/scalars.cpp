#include "core/prepare/scalars.h"

#include <cmath>

#include "core/prepare/scalars_internal.h"

namespace onnxport {

namespace scalars {

std::optional<int64_t> as_int(const Constant& c) {
  if (const auto* i = c.as<int64_t>()) return *i;
  if (const auto* b = c.as<bool>()) return *b ? 1 : 0;
  if (const auto* d = c.as<ir::DType>()) return torch_scalar_type(*d);
  return std::nullopt;
}

bool is_integer_kind(const Constant& c) { return as_int(c).has_value(); }

std::optional<double> as_real(const Constant& c) {
  if (const auto* d = c.as<double>()) return *d;
  if (const auto i = as_int(c)) return static_cast<double>(*i);
  return std::nullopt;
}

std::optional<int64_t> real_to_int(double value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (!(value >= -kLimit && value < kLimit)) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::optional<int> order(const Constant& a, const Constant& b) {
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
  const ConstantList* la = a.list();
  const ConstantList* lb = b.list();
  if (la == nullptr || lb == nullptr) return std::nullopt;
  for (size_t i = 0; i < la->items.size() && i < lb->items.size(); ++i) {
    const auto c = order(la->items[i], lb->items[i]);
    if (!c || *c != 0) return c;
  }
  return la->items.size() < lb->items.size() ? -1 : la->items.size() > lb->items.size() ? 1 : 0;
}

Result comparison(std::string_view name, Arguments arguments) {
  if (arguments.size() != 2) return std::nullopt;
  const Constant& a = arguments[0];
  const Constant& b = arguments[1];
  if (name == "aten::eq") return Constant{equal(a, b)};
  if (name == "aten::ne") return Constant{!equal(a, b)};
  if (name == "aten::__is__" || name == "aten::__isnot__") {
    if (!a.is_none() && !b.is_none()) return std::nullopt;  // identity of other values is not ours to know
    const bool same = a.is_none() && b.is_none();
    return Constant{same == (name == "aten::__is__")};
  }
  const bool ordering = name == "aten::lt" || name == "aten::le" || name == "aten::gt" || name == "aten::ge";
  if (!ordering) return std::nullopt;
  const auto c = order(a, b);
  // Nothing is before or after NaN.
  if (!c) return as_real(a) && as_real(b) ? Result(Constant{false}) : std::nullopt;
  if (name == "aten::lt") return Constant{*c < 0};
  if (name == "aten::le") return Constant{*c <= 0};
  if (name == "aten::gt") return Constant{*c > 0};
  return Constant{*c >= 0};
}

}  // namespace scalars

bool equal(const Constant& a, const Constant& b) {
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
  if (a.value.index() != b.value.index()) return false;
  if (const auto* s = a.as<std::string>()) return *s == *b.as<std::string>();
  if (const ConstantList* la = a.list()) {
    const ConstantList* lb = b.list();
    if (la->items.size() != lb->items.size() || la->tuple != lb->tuple) return false;
    for (size_t i = 0; i < la->items.size(); ++i) {
      if (!equal(la->items[i], lb->items[i])) return false;
    }
    return true;
  }
  if (const auto* da = a.as<ConstantDict>()) {
    const auto* db = b.as<ConstantDict>();
    if (da->items.size() != db->items.size()) return false;
    for (const auto& [key, value] : da->items) {
      bool found = false;
      for (const auto& [other_key, other] : db->items)
        found = found || (other_key == key && equal(value, other));
      if (!found) return false;
    }
    return true;
  }
  return a.is_none();
}

std::optional<Constant> evaluate_scalar(std::string_view op, std::span<const Constant> arguments) {
  const size_t dot = op.find('.');
  const std::string_view name = op.substr(0, dot);
  const std::string_view overload = dot == std::string_view::npos ? std::string_view() : op.substr(dot + 1);
  // Lists first: add, mul and min mean something else there.
  if (auto out = scalars::lists(name, arguments)) return out;
  if (auto out = scalars::strings(name, arguments)) return out;
  if (auto out = scalars::arithmetic(name, overload, arguments)) return out;
  if (auto out = scalars::comparison(name, arguments)) return out;
  return scalars::mathematics(name, arguments);
}

}  // namespace onnxport
