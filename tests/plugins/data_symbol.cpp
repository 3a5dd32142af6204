// Exports data under the name of the entry.
#include "onnxport/abi.h"

extern "C" {
ONNXPORT_EXPORT extern const int onnxport_plugin_query[64];
const int onnxport_plugin_query[64] = {7};
}
