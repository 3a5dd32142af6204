// Attributes read by name.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/ir/graph.h"

namespace onnxport::ir {

// A view: the attributes must outlive it.
class AttributeReader {
 public:
  explicit AttributeReader(std::span<const Attribute> attributes) : attributes_(attributes) {}

  std::span<const Attribute> attributes() const { return attributes_; }
  // Null when there is none of that name.
  const AttributeValue* attribute(std::string_view name) const;
  // A bool or a dtype counts as its number; anything else is `otherwise`, as is an absent attribute.
  int64_t integer(std::string_view name, int64_t otherwise) const;
  std::optional<std::vector<int64_t>> integers(std::string_view name) const;
  std::string_view string(std::string_view name, std::string_view otherwise) const;

 private:
  std::span<const Attribute> attributes_;
};

}  // namespace onnxport::ir
