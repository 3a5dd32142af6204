/* onnxport plugin ABI, version 1.
 *
 * C99, self-contained. A plugin is a shared library that exports ONE function of constant name:
 *
 *     const onnxport_plugin *onnxport_plugin_query(const onnxport_host *host);
 *
 * It returns static data and does no work: no I/O, no threads; it may be called more than once. Everything
 * else is reached through interfaces, which are asked for by string id and are append-only tables that start
 * with their own size. A breaking change is a new id ("onnxport.emit/2"), never a new meaning of an old one.
 *
 * Rules of the border
 *   - Handles are 32-bit, issued and validated by the host, and die with the call that they were given to.
 * Handle 0 is "absent": the omitted ONNX input, the None argument, and the poison value that a failed call
 * returns. After the first failed host call the context is failed: later calls do nothing and return 0, and
 * the first cause is what the user reads.
 *   - Text is {pointer, length}, UTF-8, not terminated, valid until the call returns. Nothing allocated is
 * handed over.
 *   - No exception crosses. Status codes are int32, see ONNXPORT_OK and its neighbours.
 *   - A mapping or rule is a pure function of its context; the host calls it from one thread per export,
 * possibly from many threads for many exports at once.
 */
#ifndef ONNXPORT_ABI_H
#define ONNXPORT_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ONNXPORT_ABI_MAJOR 1
#define ONNXPORT_ABI_MINOR 0

#if defined(_WIN32)
#define ONNXPORT_EXPORT __declspec(dllexport)
#else
#define ONNXPORT_EXPORT __attribute__((visibility("default")))
#endif

/* ---- status
 * ------------------------------------------------------------------------------------------------------ */

#define ONNXPORT_OK 0       /* done */
#define ONNXPORT_DECLINED 1 /* not my case: the next candidate is tried (a reason was given through diag) */
#define ONNXPORT_FAILED 2   /* stop: this cannot be exported (a reason was given through diag) */

/* ---- plain data
 * -------------------------------------------------------------------------------------------------- */

typedef struct onnxport_str {
  const char* data;
  uint64_t size;
} onnxport_str;

typedef uint32_t onnxport_value; /* an ONNX value of the graph being built; 0 = absent */
typedef uint32_t
    onnxport_arg; /* an argument of a torch operator or an element of one; 0 = no such argument */

/* Element types: the numbers of ONNX's TensorProto.DataType. */
#define ONNXPORT_UNDEFINED 0
#define ONNXPORT_F32 1
#define ONNXPORT_U8 2
#define ONNXPORT_I8 3
#define ONNXPORT_U16 4
#define ONNXPORT_I16 5
#define ONNXPORT_I32 6
#define ONNXPORT_I64 7
#define ONNXPORT_STRING 8
#define ONNXPORT_BOOL 9
#define ONNXPORT_F16 10
#define ONNXPORT_F64 11
#define ONNXPORT_U32 12
#define ONNXPORT_U64 13
#define ONNXPORT_C64 14
#define ONNXPORT_C128 15
#define ONNXPORT_BF16 16

/* A dense tensor, row-major, little-endian; bool is one byte. */
typedef struct onnxport_tensor {
  int32_t dtype;
  uint32_t rank;
  const int64_t* dims;
  const void* data;
  uint64_t bytes;
} onnxport_tensor;

#define ONNXPORT_ATTR_INT 1
#define ONNXPORT_ATTR_FLOAT 2
#define ONNXPORT_ATTR_STRING 3
#define ONNXPORT_ATTR_TENSOR 4
#define ONNXPORT_ATTR_INTS 5
#define ONNXPORT_ATTR_FLOATS 6
#define ONNXPORT_ATTR_STRINGS 7
#define ONNXPORT_ATTR_BLOCK 8 /* i = the number that end_block returned */

/* One attribute of an ONNX node. Only the members that `kind` names are read or written. */
typedef struct onnxport_attr {
  onnxport_str name;
  int32_t kind;
  uint32_t count; /* of ints, floats, strings */
  int64_t i;
  double f;
  onnxport_str s;
  const int64_t* ints;
  const double* floats;
  const onnxport_str* strings;
  const onnxport_tensor* tensor;
} onnxport_attr;

/* What an argument of a torch operator is. */
#define ONNXPORT_ARG_NONE 0
#define ONNXPORT_ARG_VALUE 1 /* a value known at run time only: tensor, or int/float/bool scalar */
#define ONNXPORT_ARG_INT 2
#define ONNXPORT_ARG_REAL 3
#define ONNXPORT_ARG_BOOL 4
#define ONNXPORT_ARG_STRING 5
#define ONNXPORT_ARG_DTYPE 6 /* read by arg_int: an ONNXPORT_F32 … number */
#define ONNXPORT_ARG_LIST 7
#define ONNXPORT_ARG_SEQUENCE \
  8 /* a list whose length is known at run time only; arg_value gives an ONNX Sequence */

typedef struct onnxport_context onnxport_context; /* one attempt of one mapping or rule */
typedef struct onnxport_host onnxport_host;

/* ---- what the host offers
 * ---------------------------------------------------------------------------------------- */

struct onnxport_host {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  /* The table of interface `id`, or NULL. Tables live as long as the process. */
  const void* (*get_interface)(const onnxport_host* host, onnxport_str id);
};

/* "onnxport.op/1": the torch operator being mapped. */
typedef struct onnxport_op_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Qualified name with overload, "aten::add.Tensor". */
  onnxport_str (*name)(onnxport_context*);
  /* The argument of that schema name, its default where the call gave none; 0 and no failure where the schema
   * has no such argument. */
  onnxport_arg (*arg)(onnxport_context*, onnxport_str name);
  int32_t (*arg_kind)(onnxport_context*, onnxport_arg);
  int64_t (*arg_int)(onnxport_context*, onnxport_arg); /* INT, BOOL, DTYPE */
  double (*arg_real)(onnxport_context*, onnxport_arg); /* REAL, INT, BOOL */
  onnxport_str (*arg_string)(onnxport_context*, onnxport_arg);
  uint32_t (*arg_size)(onnxport_context*, onnxport_arg); /* LIST: number of elements */
  onnxport_arg (*arg_item)(onnxport_context*, onnxport_arg, uint32_t index);
  /* The argument as an ONNX value: a number becomes a 0-d constant (i64, f32 default float, bool), a list of
   * ints or of int values one 1-D i64 value; None is 0. */
  onnxport_value (*arg_value)(onnxport_context*, onnxport_arg);
  /* torch's result dtype of these arguments (tensor, 0-d tensor and number categories; ONNXPORT_ARG_NONE is
   * skipped). */
  int32_t (*result_type)(onnxport_context*, const onnxport_arg* args, uint32_t count);
  uint32_t (*output_count)(onnxport_context*);
  /* Whether anything reads result `index`. */
  int32_t (*output_used)(onnxport_context*, uint32_t index);
  /* The element type the model's file records for result `index`, or ONNXPORT_UNDEFINED. */
  int32_t (*output_dtype)(onnxport_context*, uint32_t index);
  /* The mapping's results, in order; 0 for an unused one. Called once, last. */
  int32_t (*set_results)(onnxport_context*, const onnxport_value* values, uint32_t count);
  /* Result `index` is a list of these values (torch's Tensor[] results). */
  int32_t (*set_list_result)(onnxport_context*, uint32_t index, const onnxport_value* values, uint32_t count);
  /* 1 while the model is exported in training mode. */
  int32_t (*training)(onnxport_context*);
} onnxport_op_api;

/* "onnxport.graph/1": what is known of ONNX values. */
typedef struct onnxport_graph_api {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*dtype)(onnxport_context*, onnxport_value);
  int32_t (*rank)(onnxport_context*, onnxport_value);               /* -1: unknown */
  int64_t (*dim)(onnxport_context*, onnxport_value, uint32_t axis); /* the static size, or -1 */
  /* 1 if the two dims are known to be equal, static or not. */
  int32_t (*same_dim)(onnxport_context*, onnxport_value a, uint32_t axis_a, onnxport_value b,
                      uint32_t axis_b);
  /* Fills `out` and returns 1 when the value is a constant; its data lives as long as the context. */
  int32_t (*constant)(onnxport_context*, onnxport_value, onnxport_tensor* out);
  /* 1 if the value stands for a complex torch tensor (real, with a last axis of 2). rank and dim count that
   * axis. */
  int32_t (*is_complex)(onnxport_context*, onnxport_value);
  /* 1 if the value is a Python number in the model (int, float or bool), not a tensor: it promotes weakly. */
  int32_t (*is_number)(onnxport_context*, onnxport_value);
  /* The ai.onnx opset the export ends at, and the one that nodes emitted now are read in. */
  int32_t (*target_opset)(onnxport_context*);
  int32_t (*current_opset)(onnxport_context*);
} onnxport_graph_api;

/* "onnxport.emit/1": adding nodes. Every value has its type at once: the host runs ONNX's own inference. */
typedef struct onnxport_emit_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Adds a node and writes its output handles. domain "" is ai.onnx. 0 among `inputs` is an omitted input. */
  int32_t (*node)(onnxport_context*, onnxport_str domain, onnxport_str op_type, const onnxport_value* inputs,
                  uint32_t input_count, const onnxport_attr* attrs, uint32_t attr_count,
                  onnxport_value* outputs, uint32_t output_count);
  /* A constant; equal small constants are one value. The bytes are copied. */
  onnxport_value (*constant)(onnxport_context*, const onnxport_tensor*);
  /* Size of one axis as a 0-d i64 value: a constant when static, else read at run time. */
  onnxport_value (*dim)(onnxport_context*, onnxport_value, uint32_t axis);
  /* 0-d or 1-D i64 values joined to one 1-D value; a constant when all are. */
  onnxport_value (*shape)(onnxport_context*, const onnxport_value* parts, uint32_t count);
  /* Opens a block (a graph attribute's body). Its parameters take the element types and ranks given (rank -1:
   * unknown; dims: NULL, or rank numbers with -1 for unknown) and their handles are written to `params`.
   * Nodes go into it until end_block, which returns the block's number for ONNXPORT_ATTR_BLOCK, or -1. Outer
   * values may be used inside. */
  int32_t (*begin_block)(onnxport_context*, const int32_t* dtypes, const int32_t* ranks,
                         const onnxport_str* names, uint32_t count, onnxport_value* params);
  int64_t (*end_block)(onnxport_context*, const onnxport_value* results, uint32_t count);
  /* The same value, flagged as standing for a complex tensor (last axis of 2) or not. */
  onnxport_value (*set_complex)(onnxport_context*, onnxport_value, int32_t is_complex);
  /* States a result's type where ONNX has no inference for the node (custom domains). dims: -1 for unknown.
   */
  int32_t (*set_type)(onnxport_context*, onnxport_value, int32_t dtype, int32_t rank, const int64_t* dims);
} onnxport_emit_api;

/* "onnxport.diag/1": words for the user. */
typedef struct onnxport_diag_api {
  uint32_t struct_size;
  uint32_t reserved;
  void (*decline)(onnxport_context*, onnxport_str reason);
  void (*fail)(onnxport_context*, onnxport_str reason);
  void (*note)(onnxport_context*, onnxport_str text); /* shown by --verbose */
} onnxport_diag_api;

/* "onnxport.rewrite/1": the ONNX node that an opset rule or a pass looks at. */
typedef struct onnxport_rewrite_api {
  uint32_t struct_size;
  uint32_t reserved;
  onnxport_str (*domain)(onnxport_context*);
  onnxport_str (*op_type)(onnxport_context*);
  uint32_t (*input_count)(onnxport_context*);
  onnxport_value (*input)(onnxport_context*, uint32_t index); /* 0: omitted or beyond the last */
  uint32_t (*output_count)(onnxport_context*);
  onnxport_value (*output)(onnxport_context*, uint32_t index); /* for its type; 0: omitted */
  int32_t (*output_used)(onnxport_context*, uint32_t index);
  uint32_t (*attr_count)(onnxport_context*);
  /* Fills `out` with attribute `index` and returns 1. Data lives as long as the context; a graph attribute
   * has kind ONNXPORT_ATTR_BLOCK and may be handed to emit.node as it is. */
  int32_t (*attr)(onnxport_context*, uint32_t index, onnxport_attr* out);
  /* The node's outputs are these values from now on; the node goes. Called once, last. */
  int32_t (*replace)(onnxport_context*, const onnxport_value* values, uint32_t count);
} onnxport_rewrite_api;

/* "onnxport.onnx_body/1": official function bodies, some of which ONNX builds from the node's types. */
typedef struct onnxport_onnx_body_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Emits the body of the node being rewritten, written for an opset <= `opset`, and writes its outputs.
   * DECLINED where ONNX has none. */
  int32_t (*emit_body)(onnxport_context*, int32_t opset, onnxport_value* outputs, uint32_t output_count);
} onnxport_onnx_body_api;

/* ---- what a plugin offers
 * ---------------------------------------------------------------------------------------- */

typedef int32_t (*onnxport_translate_fn)(onnxport_context*, const void* user);

#define ONNXPORT_TAKES_COMPLEX 1u /* the mapping understands values that stand for complex tensors */
#define ONNXPORT_ONLY_COMPLEX 2u  /* it is not asked where no argument is complex */

/* One mapping. `torch_op` is "ns::name" (every overload) or "ns::name.overload" (that one; it wins). */
typedef struct onnxport_mapping {
  onnxport_str torch_op;
  int32_t min_opset; /* target opsets for which it is a candidate; 0, 0: all */
  int32_t max_opset;
  uint32_t flags;
  uint32_t reserved;
  onnxport_translate_fn translate;
  const void* user; /* handed back to translate */
} onnxport_mapping;

/* "onnxport.mapping/1" */
typedef struct onnxport_mapping_api {
  uint32_t struct_size;
  uint32_t count;
  const onnxport_mapping* mappings;
  uint64_t mapping_size; /* sizeof(onnxport_mapping) of the plugin's build */
} onnxport_mapping_api;

/* Legality of one operator at one opset. */
#define ONNXPORT_PARAM_SINGLE 0
#define ONNXPORT_PARAM_OPTIONAL 1
#define ONNXPORT_PARAM_VARIADIC 2

typedef struct onnxport_param {
  const char* name;
  int32_t option;
  int32_t reserved;
  uint64_t types; /* bit n: element type n allowed as tensor; 0: the set is not of plain tensors (any) */
} onnxport_param;

typedef struct onnxport_attr_def {
  const char* name;
  int32_t kind; /* ONNXPORT_ATTR_… ; 0: other */
  int32_t required;
  int32_t has_default;
  int32_t reserved;
  int64_t i;
  double f;
  const char* s;
} onnxport_attr_def;

typedef struct onnxport_op_def {
  const char* name;
  int32_t since_version;
  int32_t deprecated;
  int32_t has_body; /* 1: an official function body, 2: one that depends on input types */
  uint32_t input_count;
  uint32_t output_count;
  uint32_t attr_count;
  const onnxport_param* inputs;
  const onnxport_param* outputs;
  const onnxport_attr_def* attrs;
} onnxport_op_def;

/* A rewrite of nodes domain::op_type. For an opset step the node is not legal at the neighbour as it stands.
 */
typedef struct onnxport_rule {
  onnxport_str domain; /* "" = ai.onnx */
  onnxport_str op_type;
  onnxport_translate_fn rewrite;
  const void* user;
} onnxport_rule;

/* "onnxport.opset/1": one opset of ai.onnx. */
typedef struct onnxport_opset_api {
  uint32_t struct_size;
  int32_t version;
  int32_t ir_version; /* of the ONNX release that introduced it */
  uint32_t op_count;
  const onnxport_op_def* ops; /* every operator legal at `version`, by name */
  uint64_t op_size;
  const onnxport_rule* down; /* version -> version - 1 */
  const onnxport_rule* up;   /* version - 1 -> version */
  uint32_t down_count;
  uint32_t up_count;
  uint64_t rule_size;
} onnxport_opset_api;

/* "onnxport.pass/1": named rewrites at a stage ("translate": on the pivot, before legalize; "legalize": after
 * it). */
typedef struct onnxport_pass {
  onnxport_str name;
  onnxport_str stage;
  const onnxport_rule* rules;
  uint32_t rule_count;
  uint32_t reserved;
} onnxport_pass;

typedef struct onnxport_pass_api {
  uint32_t struct_size;
  uint32_t count;
  const onnxport_pass* passes;
  uint64_t pass_size;
  uint64_t rule_size;
} onnxport_pass_api;

typedef struct onnxport_plugin {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t min_abi_minor; /* the lowest host minor that suffices */
  onnxport_str id;        /* must equal the manifest's */
  onnxport_str version;
  const void* (*get_interface)(onnxport_str id);
} onnxport_plugin;

#define ONNXPORT_QUERY_SYMBOL "onnxport_plugin_query"
typedef const onnxport_plugin* (*onnxport_plugin_query_fn)(const onnxport_host*);

#ifdef __cplusplus
}
#endif
#endif /* ONNXPORT_ABI_H */
