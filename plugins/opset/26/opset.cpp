#include "table.h"

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const onnxport::Plugin plugin(host, {"org.onnxport.opset.26", "0.1.0"}, {}, {opset_with()});
  return plugin.table();
}
