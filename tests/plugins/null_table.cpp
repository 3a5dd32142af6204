// Says that it has a mapping, and where: nowhere.
#include <string_view>

#include "onnxport/abi.h"

namespace {

const void* interface_of(const onnxport_plugin*, onnxport_str id) {
  static const onnxport_mapping_api api = {sizeof api, 1, nullptr, sizeof(onnxport_mapping)};
  return std::string_view(id.data, id.size) == "onnxport.mapping/1" ? &api : nullptr;
}

}  // namespace

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host*) {
  static const onnxport_plugin plugin = {sizeof plugin, ONNXPORT_ABI_MAJOR, 0,      {"com.test.plugin", 15},
                                         {"1.0.0", 5},  interface_of,       nullptr};
  return &plugin;
}
