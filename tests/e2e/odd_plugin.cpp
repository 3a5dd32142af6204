// A plugin over the C header alone that breaks one promise of the ABI: which one -DBREAKS says.
#include <cstring>

#include "onnxport/abi.h"

namespace {

const onnxport_host* host = nullptr;
const onnxport_op_api* op = nullptr;
const onnxport_emit_api* emit = nullptr;

onnxport_str text(const char* s) { return {s, std::strlen(s)}; }

struct Failed {};

int32_t map(onnxport_context* c, const void*) {
  const onnxport_value x = op->arg_value(c, op->arg(c, text("x")));
  onnxport_value y = 0;
  // BREAKS 3: what it emits depends on the host's release.
  const char* name = BREAKS == 3 && host->abi_minor != 0 ? "Neg" : "Relu";
  const int32_t status = emit->node(c, text(""), text(name), &x, 1, nullptr, 0, 0, &y, 1);
  if (BREAKS == 4 && status != ONNXPORT_OK) throw Failed();
  const int32_t given = op->set_results(c, &y, 1);
  return BREAKS == 5 ? ONNXPORT_OK : given;
}

const void* get_interface(const onnxport_plugin*, onnxport_str id) {
  static const onnxport_mapping mappings[] = {{{"acme::f", 7}, 0, 0, 0, 0, map, nullptr}};
  static const onnxport_mapping_api mapping = {sizeof mapping, 1, mappings, sizeof mappings[0]};
  if (id.size == 18 && std::memcmp(id.data, "onnxport.mapping/1", 18) == 0) return &mapping;
  return BREAKS == 6 && id.size == 21 ? &mapping : nullptr;
}

}  // namespace

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* asking) {
  static const onnxport_plugin plugins[] = {{sizeof(onnxport_plugin),
                                             ONNXPORT_ABI_MAJOR,
                                             0,
                                             {"com.acme.odd", 12},
                                             {"1.0.0", 5},
                                             get_interface,
                                             nullptr},
                                            {sizeof(onnxport_plugin),
                                             ONNXPORT_ABI_MAJOR,
                                             0,
                                             {"com.acme.odd", 12},
                                             {"1.0.0", 5},
                                             get_interface,
                                             nullptr}};
  static int times = 0;
  if (BREAKS == 2 && asking->abi_minor > ONNXPORT_ABI_MINOR) return nullptr;
  host = asking;
  op = static_cast<const onnxport_op_api*>(asking->get_interface(asking, text("onnxport.op/1")));
  emit = static_cast<const onnxport_emit_api*>(asking->get_interface(asking, text("onnxport.emit/1")));
  if (op == nullptr || emit == nullptr) return nullptr;
  return &plugins[BREAKS == 1 ? times++ % 2 : 0];
}
