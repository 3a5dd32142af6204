/* Every member where version 1.0 had it, every size at least that of 1.0, every constant what it says: checked by the
 * compiler, in C11 and, as layout.cpp, in C++17. */
#include <assert.h>
#include <stddef.h>

#include "onnxport/abi.h"

#define LAYOUT(type, member, offset) static_assert(offsetof(type, member) == (offset), #type "." #member " has moved");
#define SIZE(type, size) static_assert(sizeof(type) >= (size), #type " has shrunk");
#include "layout_1_0.inc"
#undef LAYOUT
#undef SIZE


/* The constants are the sizes that version 1.0 had. */
#define SIZE(type, size) enum { type##_had = (size) };
#define LAYOUT(type, member, offset)
#include "layout_1_0.inc"
#define SAME(type, constant) static_assert((int)(constant) == (int)type##_had, #constant);
SAME(onnxport_tensor, ONNXPORT_TENSOR_1_0_SIZE)
SAME(onnxport_type, ONNXPORT_TYPE_1_0_SIZE)
SAME(onnxport_attr, ONNXPORT_ATTR_1_0_SIZE)
SAME(onnxport_block_param, ONNXPORT_BLOCK_PARAM_1_0_SIZE)
SAME(onnxport_message, ONNXPORT_MESSAGE_1_0_SIZE)
SAME(onnxport_host, ONNXPORT_HOST_1_0_SIZE)
SAME(onnxport_op_api, ONNXPORT_OP_API_1_0_SIZE)
SAME(onnxport_graph_api, ONNXPORT_GRAPH_API_1_0_SIZE)
SAME(onnxport_dim_api, ONNXPORT_DIM_API_1_0_SIZE)
SAME(onnxport_emit_api, ONNXPORT_EMIT_API_1_0_SIZE)
SAME(onnxport_diag_api, ONNXPORT_DIAG_API_1_0_SIZE)
SAME(onnxport_options_api, ONNXPORT_OPTIONS_API_1_0_SIZE)
SAME(onnxport_rewrite_api, ONNXPORT_REWRITE_API_1_0_SIZE)
SAME(onnxport_match_api, ONNXPORT_MATCH_API_1_0_SIZE)
SAME(onnxport_onnx_body_api, ONNXPORT_ONNX_BODY_API_1_0_SIZE)
SAME(onnxport_infer_result_api, ONNXPORT_INFER_RESULT_API_1_0_SIZE)
SAME(onnxport_mapping, ONNXPORT_MAPPING_1_0_SIZE)
SAME(onnxport_mapping_api, ONNXPORT_MAPPING_API_1_0_SIZE)
SAME(onnxport_param, ONNXPORT_PARAM_1_0_SIZE)
SAME(onnxport_attr_def, ONNXPORT_ATTR_DEF_1_0_SIZE)
SAME(onnxport_op_def, ONNXPORT_OP_DEF_1_0_SIZE)
SAME(onnxport_rule, ONNXPORT_RULE_1_0_SIZE)
SAME(onnxport_opset, ONNXPORT_OPSET_1_0_SIZE)
SAME(onnxport_opset_api, ONNXPORT_OPSET_API_1_0_SIZE)
SAME(onnxport_pass, ONNXPORT_PASS_1_0_SIZE)
SAME(onnxport_pass_api, ONNXPORT_PASS_API_1_0_SIZE)
SAME(onnxport_inference, ONNXPORT_INFERENCE_1_0_SIZE)
SAME(onnxport_infer_api, ONNXPORT_INFER_API_1_0_SIZE)
SAME(onnxport_plugin, ONNXPORT_PLUGIN_1_0_SIZE)

int onnxport_layout_holds(void);
int onnxport_layout_holds(void) { return 1; }
