/* A plugin in C99, built from a frozen copy of the header of a release: reads arguments and options, emits nodes with attributes
 * and a block, states types with symbolic sizes, rewrites, infers, brings an opset. Today's host must run it unchanged. */
#include <string.h>

#include "onnxport/abi.h"

static const onnxport_op_api* op;
static const onnxport_graph_api* graph;
static const onnxport_dim_api* dim;
static const onnxport_emit_api* emit;
static const onnxport_diag_api* diag;
static const onnxport_rewrite_api* rewrite;
static const onnxport_match_api* match;
static const onnxport_infer_result_api* infer_result;

static onnxport_str text(const char* s) {
  onnxport_str out;
  out.data = s;
  out.size = strlen(s);
  return out;
}
static int is(onnxport_str s, const char* t) { return s.size == strlen(t) && memcmp(s.data, t, strlen(t)) == 0; }

/* acme::scaled(Tensor x, float scale) -> Tensor: [2*x.0+1, x.1] of com.acme::Scaled */
static int32_t scaled(onnxport_context* c, const void* user) {
  const onnxport_value x = op->arg_value(c, op->arg(c, text("x")));
  onnxport_attr attr;
  onnxport_value y = 0;
  onnxport_dim dims[2];
  onnxport_type type;
  (void)user;
  memset(&attr, 0, sizeof attr);
  attr.name = text("scale");
  attr.kind = ONNXPORT_ATTR_FLOAT;
  attr.f = op->arg_real(c, op->arg(c, text("scale")));
  if (emit->node(c, text("com.acme"), text("Scaled"), &x, 1, &attr, 1, sizeof attr, &y, 1) != ONNXPORT_OK)
    return ONNXPORT_FAILED;
  dims[0] = dim->add(c, dim->mul(c, dim->number(c, 2), dim->of_axis(c, x, 0)), dim->number(c, 1));
  dims[1] = dim->of_axis(c, x, 1);
  memset(&type, 0, sizeof type);
  type.struct_size = sizeof type;
  type.kind = ONNXPORT_TYPE_TENSOR;
  type.dtype = graph->dtype(c, x);
  type.rank = 2;
  type.dims = dims;
  if (emit->set_type(c, y, &type) != ONNXPORT_OK) return ONNXPORT_FAILED;
  return op->set_results(c, &y, 1);
}

static int32_t declines(onnxport_context* c, const void* user) {
  onnxport_message message;
  (void)user;
  memset(&message, 0, sizeof message);
  message.struct_size = sizeof message;
  message.text = text("not in C");
  diag->decline(c, &message);
  return ONNXPORT_DECLINED;
}

/* MatMul + Add -> com.acme::FusedLinear */
static int32_t fuse(onnxport_context* c, const void* user) {
  const onnxport_node add = rewrite->root(c);
  const onnxport_value t = rewrite->input(c, add, 0);
  const onnxport_node matmul = match->producer(c, t);
  onnxport_value in[3];
  onnxport_value y = 0;
  (void)user;
  if (matmul == 0 || !is(rewrite->op_type(c, matmul), "MatMul") || match->use_count(c, t) != 1) return declines(c, NULL);
  in[0] = rewrite->input(c, matmul, 0);
  in[1] = rewrite->input(c, matmul, 1);
  in[2] = rewrite->input(c, add, 1);
  if (emit->node(c, text("com.acme"), text("FusedLinear"), in, 3, NULL, 0, 0, &y, 1) != ONNXPORT_OK) return ONNXPORT_FAILED;
  return rewrite->replace(c, add, &y, 1);
}

/* com.acme::FusedLinear(x, w, b): [x.0, w.1] */
static int32_t infer(onnxport_context* c, const void* user) {
  const onnxport_node node = rewrite->root(c);
  onnxport_dim dims[2];
  onnxport_type type;
  (void)user;
  dims[0] = dim->of_axis(c, rewrite->input(c, node, 0), 0);
  dims[1] = dim->of_axis(c, rewrite->input(c, node, 1), 1);
  memset(&type, 0, sizeof type);
  type.struct_size = sizeof type;
  type.kind = ONNXPORT_TYPE_TENSOR;
  type.dtype = graph->dtype(c, rewrite->input(c, node, 0));
  type.rank = 2;
  type.dims = dims;
  return infer_result->set_type(c, 0, &type);
}

static const void* get_interface(const onnxport_plugin* self, onnxport_str id) {
  static const onnxport_mapping mappings[] = {{{"acme::scaled", 12}, 0, 0, 0, 0, scaled, NULL},
                                              {{"acme::declines", 14}, 0, 0, 0, 0, declines, NULL}};
  static const onnxport_mapping_api mapping_api = {sizeof mapping_api, 2, mappings, sizeof mappings[0]};
  static const onnxport_rule rules[] = {{{NULL, 0}, {"Add", 3}, fuse, NULL}};
  static const onnxport_pass passes[] = {{{"fuse-linear", 11}, {"optimize", 8}, rules, 1, 0}};
  static const onnxport_pass_api pass_api = {sizeof pass_api, 1, passes, sizeof passes[0], sizeof rules[0]};
  static const onnxport_inference inferences[] = {{{"com.acme", 8}, {"FusedLinear", 11}, infer, NULL}};
  static const onnxport_infer_api infer_api = {sizeof infer_api, 1, inferences, sizeof inferences[0]};
  static const onnxport_param in[] = {{"x", ONNXPORT_PARAM_SINGLE, 0, 0}, {"w", ONNXPORT_PARAM_SINGLE, 0, 0}, {"b", ONNXPORT_PARAM_OPTIONAL, 0, 0}};
  static const onnxport_attr_def attrs[] = {{"scale", ONNXPORT_ATTR_FLOAT, 1, 0, 0, 0, 0, NULL, NULL, NULL, NULL}};
  static const onnxport_op_def ops[] = {{"FusedLinear", 1, 0, 0, 3, 1, 0, in, in, NULL, NULL, 0, 0},
                                        {"Scaled", 1, 0, 0, 1, 1, 1, in, in, attrs, NULL, 0, 0}};
  static const onnxport_opset opsets[] = {{{"com.acme", 8}, 3, 0, ops, NULL, NULL, 2, 0, 0, 0}};
  static const onnxport_opset_api opset_api = {sizeof opset_api, 1, opsets, sizeof opsets[0], sizeof ops[0], sizeof in[0], sizeof attrs[0], sizeof rules[0]};
  (void)self;
  if (is(id, "onnxport.mapping/1")) return &mapping_api;
  if (is(id, "onnxport.pass/1")) return &pass_api;
  if (is(id, "onnxport.infer/1")) return &infer_api;
  if (is(id, "onnxport.opset/1")) return &opset_api;
  return NULL;
}

ONNXPORT_EXPORT const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host);
const onnxport_plugin* onnxport_plugin_query(const onnxport_host* host) {
  static const onnxport_plugin plugin = {sizeof plugin, ONNXPORT_ABI_MAJOR, 0, {"com.test.frozen", 15}, {"1.0.0", 5}, get_interface, NULL};
  op = host->get_interface(host, text("onnxport.op/1"));
  graph = host->get_interface(host, text("onnxport.graph/1"));
  dim = host->get_interface(host, text("onnxport.dim/1"));
  emit = host->get_interface(host, text("onnxport.emit/1"));
  diag = host->get_interface(host, text("onnxport.diag/1"));
  rewrite = host->get_interface(host, text("onnxport.rewrite/1"));
  match = host->get_interface(host, text("onnxport.match/1"));
  infer_result = host->get_interface(host, text("onnxport.infer_result/1"));
  return &plugin;
}
