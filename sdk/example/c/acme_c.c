/* The same mapping in C99, over the header alone: cc -std=c99 -shared -fPIC acme_c.c -o libacme_c.so */
#include <string.h>

#include "onnxport/abi.h"

static const onnxport_op_api* op;
static const onnxport_emit_api* emit;

static onnxport_str text(const char* s) {
  onnxport_str out;
  out.data = s;
  out.size = strlen(s);
  return out;
}

/* acme::scaled_tanh(Tensor x, float scale=1) -> Tensor */
static int32_t scaled_tanh(onnxport_context* c, const void* user) {
  const onnxport_value x = op->arg_value(c, op->arg(c, text("x")));
  onnxport_attr scale;
  onnxport_value y = 0;
  (void)user;
  memset(&scale, 0, sizeof scale);
  scale.name = text("scale");
  scale.kind = ONNXPORT_ATTR_FLOAT;
  scale.f = op->arg_real(c, op->arg(c, text("scale")));
  /* After a failed call all others do nothing: only the last needs to be looked at. */
  emit->node(c, text("com.acme"), text("ScaledTanh"), &x, 1, &scale, 1, sizeof scale, &y, 1);
  emit->set_type_like(c, y, x);
  return op->set_results(c, &y, 1);
}

static const void* get_interface(const onnxport_plugin* self, onnxport_str id) {
  static const onnxport_mapping mappings[] = {{{"acme::scaled_tanh", 17}, 0, 0, 0, 0, scaled_tanh, NULL}};
  static const onnxport_mapping_api api = {sizeof api, 1, mappings, sizeof mappings[0]};
  (void)self;
  return id.size == 18 && memcmp(id.data, "onnxport.mapping/1", 18) == 0 ? &api : NULL;
}

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host);
const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const onnxport_plugin plugin = {sizeof plugin, ONNXPORT_ABI_MAJOR, 0, {"com.acme.c", 10}, {"1.0.0", 5}, get_interface, NULL};
  op = host->get_interface(host, text("onnxport.op/1"));
  emit = host->get_interface(host, text("onnxport.emit/1"));
  return op != NULL && emit != NULL ? &plugin : NULL;
}
