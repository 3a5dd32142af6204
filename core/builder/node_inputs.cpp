#include "core/builder/node_inputs.h"

namespace onnxport {

const ir::Shape* NodeInputs::shape(size_t i) const {
  const ir::Value* value = input(i);
  if (value == nullptr || !value->type().is_tensor() || !value->type().shape()) return nullptr;
  return &*value->type().shape();
}

const std::vector<ir::Dim>* NodeInputs::shape_data(size_t i) const {
  const ir::Value* value = input(i);
  return value == nullptr ? nullptr : shape_data_(value);
}

std::optional<std::vector<int64_t>> NodeInputs::ints(size_t i) const {
  const std::vector<ir::Dim>* dims = shape_data(i);
  if (dims == nullptr) return std::nullopt;
  std::vector<int64_t> out;
  for (const ir::Dim& dim : *dims) {
    if (!dim.is_constant()) return std::nullopt;
    out.push_back(dim.value());
  }
  return out;
}

std::optional<std::vector<int64_t>> NodeInputs::ints_of(size_t input_index,
                                                        std::string_view attribute_name) const {
  auto given = integers(attribute_name);
  return given ? given : ints(input_index);
}

}  // namespace onnxport
