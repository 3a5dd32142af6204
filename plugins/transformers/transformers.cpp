// The custom operators of Hugging Face's transformers, written against ONNX opset 23.
#include "../aten/grouped_mm.hpp"

namespace onnxport::transformers {
namespace {

// transformers::grouped_mm_fallback(Tensor input, Tensor weight, Tensor offs) -> Tensor
// The rows of `input` are sorted by expert; `offs` says where those of each expert end.
Value grouped_mm_fallback(Op& op) { return grouped_matmul(op, op["input"], op["weight"], op["offs"]); }

}  // namespace
}  // namespace onnxport::transformers

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  using namespace onnxport::transformers;
  static const onnxport::Plugin plugin(host, {"org.onnxport.transformers", "0.1.0"},
                                       {{"transformers::grouped_mm_fallback", grouped_mm_fallback}});
  return plugin.table();
}
