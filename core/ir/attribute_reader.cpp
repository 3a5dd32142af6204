#include "core/ir/attribute_reader.h"

namespace onnxport::ir {

const AttributeValue* AttributeReader::attribute(std::string_view name) const {
  for (const Attribute& a : attributes_) {
    if (a.name == name) return &a.value;
  }
  return nullptr;
}

int64_t AttributeReader::integer(std::string_view name, int64_t otherwise) const {
  const AttributeValue* value = attribute(name);
  if (value == nullptr) return otherwise;
  if (const auto* i = std::get_if<int64_t>(value)) return *i;
  if (const auto* b = std::get_if<bool>(value)) return *b ? 1 : 0;
  if (const auto* d = std::get_if<DType>(value)) return static_cast<int64_t>(*d);
  return otherwise;
}

std::optional<std::vector<int64_t>> AttributeReader::integers(std::string_view name) const {
  const AttributeValue* value = attribute(name);
  const auto* list = value == nullptr ? nullptr : std::get_if<std::vector<int64_t>>(value);
  return list == nullptr ? std::nullopt : std::optional(*list);
}

std::string_view AttributeReader::string(std::string_view name, std::string_view otherwise) const {
  const AttributeValue* value = attribute(name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? otherwise : std::string_view(*text);
}

}  // namespace onnxport::ir
