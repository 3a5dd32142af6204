#include "core/passes/pattern_conditions.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/plugin/manifest_values.h"

namespace onnxport {
namespace {

// Attributes that are numbers, one or a list.
struct Numbers {
  std::vector<double> values;
  bool is_list = false;
};

template <typename Variant>
std::optional<Numbers> numbers_of(const Variant& value) {
  return std::visit(
      [](const auto& v) -> std::optional<Numbers> {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_arithmetic_v<T>) {
          return Numbers{{static_cast<double>(v)}, false};
        } else if constexpr (std::is_same_v<T, ir::DType>) {
          return Numbers{{static_cast<double>(v)}, false};
        } else if constexpr (std::is_same_v<T, std::vector<int64_t>> ||
                             std::is_same_v<T, std::vector<double>>) {
          return Numbers{{v.begin(), v.end()}, true};
        } else {
          return std::nullopt;
        }
      },
      value);
}

bool equal(const Numbers& a, const Numbers& b) {
  // A list may be written with fewer digits than a float has, or with more.
  return a.is_list == b.is_list &&
         std::equal(
             a.values.begin(), a.values.end(), b.values.begin(), b.values.end(),
             [](double x, double y) { return x == y || static_cast<float>(x) == static_cast<float>(y); });
}

template <typename T, typename Variant>
const T* value_as(const Variant& value) {
  return std::get_if<T>(&value);
}

double precision_of(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::f16:
      return 1e-3;
    case ir::DType::bf16:
      return 1e-2;
    default:
      return ir::is_floating(dtype) ? 1e-6 : 0.0;
  }
}

bool near(double wanted, double given, double tolerance) {
  return wanted == given || std::abs(given - wanted) <= tolerance * std::max(1.0, std::abs(wanted));
}

std::optional<std::vector<double>> elements_of(const ir::Tensor& tensor) {
  if (auto reals = tensor.to_reals()) return reals;
  if (const auto ints = tensor.to_ints()) return std::vector<double>(ints->begin(), ints->end());
  return std::nullopt;
}

template <typename Visit>
bool each_dim(const ValueCondition& condition, const ir::Value& value, Visit&& visit) {
  if (!condition.dims) return true;
  const auto& shape = value.type().shape();
  if (!value.type().is_tensor() || !shape || shape->size() != condition.dims->size()) return false;
  for (size_t i = 0; i < shape->size(); ++i) {
    const std::string& wanted = (*condition.dims)[i];
    if (wanted != "?" && !visit(wanted, (*shape)[i])) return false;
  }
  return true;
}

}  // namespace

bool same_attribute(const ir::AttributeValue& a, const ir::AttributeValue& b) {
  const auto x = numbers_of(a), y = numbers_of(b);
  if (x && y) return equal(*x, *y);
  if (const auto* s = value_as<std::string>(a), *t = value_as<std::string>(b); s != nullptr && t != nullptr)
    return *s == *t;
  if (const auto* s = value_as<std::vector<std::string>>(a), *t = value_as<std::vector<std::string>>(b);
      s != nullptr && t != nullptr)
    return *s == *t;
  if (const auto* s = value_as<ir::Tensor>(a), *t = value_as<ir::Tensor>(b); s != nullptr && t != nullptr)
    return same_contents(*s, *t);
  return false;
}

bool is_one_of(const ir::AttributeValue& value, const std::vector<ManifestAttribute::Literal>& allowed) {
  const auto given = numbers_of(value);
  return std::any_of(allowed.begin(), allowed.end(), [&](const ManifestAttribute::Literal& literal) {
    const auto wanted = numbers_of(literal);
    if (given && wanted) return equal(*wanted, *given);
    if (const auto* s = value_as<std::string>(literal), *t = value_as<std::string>(value);
        s != nullptr && t != nullptr)
      return *s == *t;
    const auto *s = value_as<std::vector<std::string>>(literal),
               *t = value_as<std::vector<std::string>>(value);
    return s != nullptr && t != nullptr && *s == *t;
  });
}

bool same_contents(const ir::Tensor& wanted, const ir::Tensor& given) {
  const bool scalar = wanted.count() == 1 && wanted.dims().size() <= 1;
  const bool fits = scalar ? given.count() == 1 && given.dims().size() <= 1 : wanted.dims() == given.dims();
  if (!fits || ir::is_floating(wanted.dtype()) != ir::is_floating(given.dtype())) return false;
  const auto x = elements_of(wanted), y = elements_of(given);
  const double tolerance = precision_of(given.dtype());
  return x && y && std::equal(x->begin(), x->end(), y->begin(), y->end(), [&](double a, double b) {
           return near(a, b, tolerance);
         });
}

bool holds(const ValueCondition& c, const ir::Value& value) {
  const ir::Type& type = value.type();
  const auto among = [](const auto& list, const auto& item) {
    return list.empty() || std::find(list.begin(), list.end(), item) != list.end();
  };
  if (c.constant && *c.constant != value.is_constant()) return false;
  if (!among(c.ranks, type.rank()) || !among(c.dtypes, type.dtype())) return false;
  if (c.number) {
    if (!value.is_constant() || value.constant()->count() != 1) return false;
    const auto element = elements_of(*value.constant());
    const double tolerance = c.tolerance > 0 ? c.tolerance : precision_of(type.dtype());
    if (!element || !near(*c.number, element->front(), tolerance)) return false;
  }
  return each_dim(c, value, [](const std::string& wanted, const ir::Dim& dim) {
    const auto number = parse_whole(wanted);
    return !number || (dim.is_constant() && dim.value() == *number);
  });
}

bool sizes_agree(const ValueCondition& c, const ir::Value& value,
                 std::map<std::string, ir::Dim, std::less<>>& sizes) {
  return each_dim(c, value, [&](const std::string& wanted, const ir::Dim& dim) {
    if (parse_whole(wanted)) return true;
    const auto [first, is_new] = sizes.try_emplace(wanted, dim);
    return is_new || first->second == dim;
  });
}

bool same_shape(const ir::Value& a, const ir::Value& b) {
  return a.type().shape() && b.type().shape() && *a.type().shape() == *b.type().shape();
}

}  // namespace onnxport
