// Speaks the C ABI directly and breaks its rules: the host must answer with T504 and T505, never crash.
#include <stdexcept>
#include <string>

#include "onnxport/abi.h"

namespace {

struct Tables {
  const onnxport_op_api* op = nullptr;
  const onnxport_graph_api* graph = nullptr;
  const onnxport_emit_api* emit = nullptr;
};
Tables tables;
onnxport_value kept = 0;  // a handle that outlives its call, on purpose

onnxport_str text(const char* s) { return {s, std::char_traits<char>::length(s)}; }
onnxport_value input(onnxport_context* c) { return tables.op->arg_value(c, tables.op->arg(c, text("x"))); }

int32_t keeps_handle(onnxport_context* c, const void*) {
  kept = input(c);
  return tables.op->set_results(c, &kept, 1);
}
int32_t stale_handle(onnxport_context* c, const void*) { return tables.op->set_results(c, &kept, 1); }
int32_t forged_handle(onnxport_context* c, const void*) {
  for (const onnxport_value handle : {0xFFFFFFFFu, 1u, 0x7FFFu, input(c) + 1000}) {
    tables.graph->dtype(c, handle);
    tables.graph->rank(c, handle);
    tables.graph->dim(c, handle, 1u << 31);
    tables.emit->dim(c, handle, 7);
  }
  const onnxport_value x = input(c);
  return tables.op->set_results(c, &x, 1);
}
int32_t unclosed_block(onnxport_context* c, const void*) {
  const onnxport_type type = {sizeof type, ONNXPORT_TYPE_TENSOR, ONNXPORT_F32, 1, nullptr, 0, 0};
  const onnxport_block_param param = {text("p"), &type, 0, 0};
  onnxport_value value = 0;
  const onnxport_value x = input(c);
  tables.emit->begin_block(c, &param, 1, sizeof param, &value);
  return tables.op->set_results(c, &x, 1);
}
int32_t no_block(onnxport_context* c, const void*) {
  const onnxport_value x = input(c);
  tables.emit->end_block(c, &x, 1);
  return tables.op->set_results(c, &x, 1);
}
int32_t no_results(onnxport_context*, const void*) { return ONNXPORT_OK; }
int32_t bad_status(onnxport_context*, const void*) { return 77; }
int32_t bad_tensor(onnxport_context* c, const void*) {
  const int64_t dims[] = {int64_t{1} << 40, int64_t{1} << 40};
  const char byte = 0;
  const onnxport_tensor tensor = {sizeof tensor, ONNXPORT_F32, 2, 0, dims, &byte, 1};
  const onnxport_value v = tables.emit->constant(c, &tensor);
  return tables.op->set_results(c, &v, 1);
}
int32_t not_a_rule(onnxport_context* c, const void*);
int32_t throws(onnxport_context*, const void*) { throw std::runtime_error("crossed the border"); }
int32_t throws_int(onnxport_context*, const void*) { throw 42; }

const onnxport_rewrite_api* rewrite = nullptr;
const onnxport_onnx_body_api* body = nullptr;
int32_t not_a_rule(onnxport_context* c, const void*) {
  rewrite->input(c, rewrite->root(c), 3);
  onnxport_value v = 0;
  body->emit_body(c, 20, &v, 1);
  return rewrite->replace(c, 0, &v, 1);
}

onnxport_mapping mapping(const char* name, onnxport_translate_fn function) {
  return {text(name), 0, 0, 0, 0, function, nullptr};
}

const void* interface_of(const onnxport_plugin*, onnxport_str id) {
  static const onnxport_mapping mappings[] = {
      mapping("test::keeps_handle", keeps_handle),   mapping("test::stale_handle", stale_handle),
      mapping("test::forged_handle", forged_handle), mapping("test::unclosed_block", unclosed_block),
      mapping("test::no_block", no_block),           mapping("test::no_results", no_results),
      mapping("test::bad_status", bad_status),       mapping("test::bad_tensor", bad_tensor),
      mapping("test::not_a_rule", not_a_rule),       mapping("test::throws", throws),
      mapping("test::throws_int", throws_int)};
  static const onnxport_mapping_api api = {sizeof api, sizeof mappings / sizeof *mappings, mappings,
                                           sizeof(onnxport_mapping)};
  return std::string(id.data, id.size) == "onnxport.mapping/1" ? &api : nullptr;
}

}  // namespace

extern "C" ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  tables.op = static_cast<const onnxport_op_api*>(host->get_interface(host, text("onnxport.op/1")));
  tables.graph = static_cast<const onnxport_graph_api*>(host->get_interface(host, text("onnxport.graph/1")));
  tables.emit = static_cast<const onnxport_emit_api*>(host->get_interface(host, text("onnxport.emit/1")));
  rewrite = static_cast<const onnxport_rewrite_api*>(host->get_interface(host, text("onnxport.rewrite/1")));
  body = static_cast<const onnxport_onnx_body_api*>(host->get_interface(host, text("onnxport.onnx_body/1")));
  static const onnxport_plugin plugin = {sizeof plugin, ONNXPORT_ABI_MAJOR, 0,      text("com.test.plugin"),
                                         text("1.0.0"), interface_of,       nullptr};
  return &plugin;
}
