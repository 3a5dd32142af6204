// Throws while being asked.
#include <stdexcept>

#include "onnxport/abi.h"

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host*) {
  throw std::runtime_error("not today");
}
