// Needs a later minor of the ABI than any host has.
#include "onnxport/abi.h"

namespace {
const void* no_interfaces(const onnxport_plugin*, onnxport_str) { return nullptr; }
}  // namespace

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host*) {
  static const onnxport_plugin plugin = {sizeof plugin, ONNXPORT_ABI_MAJOR, 999,    {"com.test.plugin", 15},
                                         {"1.0.0", 5},  no_interfaces,      nullptr};
  return &plugin;
}
