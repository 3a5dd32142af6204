// The fusions of ONNX Runtime's own operators that need more than a pattern.
#include "fusions.h"

using namespace onnxport;

namespace ort {

Value flat_heads(Node& node, const Value& by_head) {
  const NodeRef transpose = node.producer(by_head);
  if (!transpose.is("Transpose") || transpose.integers("perm") != std::vector<int64_t>{0, 2, 1, 3}) return {};
  const NodeRef reshape = node.producer(transpose.input(0));
  if (!reshape.is("Reshape") || reshape.integer("allowzero", 0) != 0) return {};
  const Value flat = reshape.input(0), apart = reshape.output(0);
  if (!flat.has_rank() || flat.rank() != 3 || !apart.has_rank() || apart.rank() != 4) return {};
  const auto heads = apart.static_dim(2), features = apart.static_dim(3), width = flat.static_dim(2);
  const bool same = heads && features && width && *heads * *features == *width &&
                    node.same_dim(flat, 0, apart, 0) && node.same_dim(flat, 1, apart, 1);
  return same ? flat : Value();
}

}  // namespace ort

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.onnxruntime", "0.1.0"}, {}, {},
                             {{"ort-rotary-embedding", "optimize", ort::rotary_embedding_rules()},
                              {"ort-multi-head-attention", "optimize", ort::multi_head_attention_rules()}});
  return plugin.table();
}
