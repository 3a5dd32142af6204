#include "core/onnx/model_facts.h"

namespace onnxport::onnx {

bool is_constant_node(const GraphFacts& facts, const ir::Value& value) {
  constexpr uint64_t kLargest = uint64_t{64} << 10;
  const ir::Tensor* tensor = value.constant();
  return tensor != nullptr && tensor->byte_size() <= kLargest && tensor->dtype() <= ir::DType::c128 &&
         facts.constants.contains(&value);
}

}  // namespace onnxport::onnx
