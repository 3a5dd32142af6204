// A plugin whose tables are made by Python (sdk/python/onnxport/_bridge.py): a library is all that a host opens, and Python has
// none of its own. One caller at a time: Python holds a lock around the export.
#include "onnxport/abi.h"

namespace {

onnxport_plugin_query_fn served = nullptr;

}  // namespace

extern "C" ONNXPORT_EXPORT void onnxport_python_serve(onnxport_plugin_query_fn query) { served = query; }

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  return served == nullptr ? nullptr : served(host);
}
