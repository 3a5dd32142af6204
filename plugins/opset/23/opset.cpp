#include "rules.h"
#include "table.h"

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const onnxport::Plugin plugin(host, {"org.onnxport.opset.23", "0.1.0"}, {},
                                       {opset_with({{"Attention", attention_to_22},
                                                    {"RMSNormalization", rms_normalization_to_22},
                                                    {"RotaryEmbedding", rotary_embedding_to_22}})});
  return plugin.table();
}
