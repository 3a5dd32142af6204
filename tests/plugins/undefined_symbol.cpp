// Needs a function that no library offers.
#include "onnxport/abi.h"

extern "C" const onnxport_plugin* acme_table_that_nobody_defines();

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host*) {
  return acme_table_that_nobody_defines();
}
