/* The header alone, as C99 with -pedantic -Wall -Wextra -Werror: a plugin in C that does nothing. */
#include "onnxport/abi.h"

static const void* get_interface(const onnxport_plugin* self, onnxport_str id) {
  (void)self;
  (void)id;
  return NULL;
}

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host);
const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const onnxport_plugin plugin = {sizeof(onnxport_plugin), ONNXPORT_ABI_MAJOR, ONNXPORT_TARGET_ABI_MINOR,
                                         {"com.test.c99", 12},    {"1.0.0", 5},       get_interface,
                                         NULL};
  return host != NULL && host->abi_major == ONNXPORT_ABI_MAJOR ? &plugin : NULL;
}
