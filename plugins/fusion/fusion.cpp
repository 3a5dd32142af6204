// Built-in rewrites of graphs, over the interface that every plugin has.
#include "fusion.h"

using namespace onnxport;

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const Plugin plugin(host, {"org.onnxport.fusion", "0.1.0"}, {}, {},
                             {{"fold-batch-normalization", "optimize", fusion::batch_normalization_rules()},
                              {"unstack", "optimize", fusion::stack_rules()}});
  return plugin.table();
}
