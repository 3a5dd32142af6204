#include "core/onnx/model_facts.h"

namespace onnxport::onnx {

namespace {

// Before opset 9 a Constant holds floats alone; an initializer holds anything.
bool constant_takes(ir::DType dtype, const ir::Graph& graph) {
  const auto opset = graph.opsets.find("");
  return opset == graph.opsets.end() || opset->second >= 9 || dtype == ir::DType::f32 ||
         dtype == ir::DType::f64 || dtype == ir::DType::f16;
}

}  // namespace

bool is_constant_node(const GraphFacts& facts, const ir::Value& value, const ir::Graph& graph) {
  constexpr uint64_t kLargest = uint64_t{64} << 10;
  const ir::Tensor* tensor = value.constant();
  return tensor != nullptr && tensor->byte_size() <= kLargest && tensor->dtype() <= ir::DType::c128 &&
         facts.constants.contains(&value) && constant_takes(tensor->dtype(), graph);
}

}  // namespace onnxport::onnx
