// Refuses every host.
#include "onnxport/abi.h"

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host*) {
  return nullptr;
}
