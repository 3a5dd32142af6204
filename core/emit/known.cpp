#include "core/emit/known.h"

namespace onnxport {

const ir::Shape* Known::shape(size_t i) const {
  const ir::Value* value = input(i);
  if (value == nullptr || !value->type().is_tensor() || !value->type().shape()) return nullptr;
  return &*value->type().shape();
}

const std::vector<ir::Dim>* Known::contents(size_t i) const {
  const ir::Value* value = input(i);
  return value == nullptr ? nullptr : contents_(value);
}

std::optional<std::vector<int64_t>> Known::ints(size_t i) const {
  const std::vector<ir::Dim>* dims = contents(i);
  if (dims == nullptr) return std::nullopt;
  std::vector<int64_t> out;
  for (const ir::Dim& dim : *dims) {
    if (!dim.is_constant()) return std::nullopt;
    out.push_back(dim.value());
  }
  return out;
}

const ir::AttributeValue* Known::attribute(std::string_view name) const {
  for (const ir::Attribute& a : node_.attributes) {
    if (a.name == name) return &a.value;
  }
  return nullptr;
}

int64_t Known::integer(std::string_view name, int64_t otherwise) const {
  const ir::AttributeValue* value = attribute(name);
  if (value == nullptr) return otherwise;
  if (const auto* i = std::get_if<int64_t>(value)) return *i;
  if (const auto* b = std::get_if<bool>(value)) return *b ? 1 : 0;
  if (const auto* d = std::get_if<ir::DType>(value)) return static_cast<int64_t>(*d);
  return otherwise;
}

std::optional<std::vector<int64_t>> Known::integers(std::string_view name) const {
  const ir::AttributeValue* value = attribute(name);
  const auto* list = value == nullptr ? nullptr : std::get_if<std::vector<int64_t>>(value);
  return list == nullptr ? std::nullopt : std::optional(*list);
}

std::string_view Known::string(std::string_view name, std::string_view otherwise) const {
  const ir::AttributeValue* value = attribute(name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? otherwise : std::string_view(*text);
}

std::optional<std::vector<int64_t>> Known::ints_of(size_t input_index,
                                                   std::string_view attribute_name) const {
  auto given = integers(attribute_name);
  return given ? given : ints(input_index);
}

ir::Dim Known::smaller(const ir::Dim& a, const ir::Dim& b) const {
  const ir::Bounds difference = bounds(a - b);
  if (difference.max <= 0) return a;
  if (difference.min >= 0) return b;
  return min(a, b);
}

ir::Dim Known::larger(const ir::Dim& a, const ir::Dim& b) const {
  const ir::Bounds difference = bounds(a - b);
  if (difference.max <= 0) return b;
  if (difference.min >= 0) return a;
  return max(a, b);
}

}  // namespace onnxport
