// Says it is another plugin than its manifest.
#include "onnxport/abi.h"

namespace {
const void* no_interfaces(const onnxport_plugin*, onnxport_str) { return nullptr; }
}  // namespace

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host*) {
  static const onnxport_plugin plugin = {sizeof plugin, ONNXPORT_ABI_MAJOR, 0,      {"com.other.plugin", 16},
                                         {"1.0.0", 5},  no_interfaces,      nullptr};
  return &plugin;
}
