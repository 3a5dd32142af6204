/* onnxport plugin ABI, version 1.0. Frozen: from here on it only grows, see docs/abi.md.
 *
 * C99, self-contained. A plugin is a shared library that exports ONE function of constant name:
 *
 *     const onnxport_plugin *onnxport_plugin_query(const onnxport_host *host);
 *
 * It returns static data and does no work: no I/O, no threads; it may be called more than once. Everything
 * else is reached through interfaces, which are asked for by string id and are append-only tables that start
 * with their own size.
 *
 * What may change, and what may not (docs/abi.md)
 *   - Members are appended, never removed, moved or given another meaning. What breaks that is a new id
 *     ("onnxport.emit/2"), beside the old one.
 *   - ONNXPORT_..._1_0_SIZE is what a table or struct had in version 1.0. Whoever reads one accepts anything at
 *     least that long, and reads a member that came later only where the given size reaches that far.
 *   - Structs in an array lie as far apart as the size that travels with the array says, not as sizeof says.
 *   - onnxport_str and the handles are as they are for ever.
 *
 * Rules of the border
 *   - Handles are 32-bit, issued and validated by the host, and die with the call that they were given to. A
 *     handle of another call is refused with all but certainty: it carries 12 bits that differ between calls.
 *     Handle 0 is "absent": the omitted ONNX input, the None argument, the unknown size, and the poison value
 *     that a failed call returns. After the first failed host call the context is failed: later calls do nothing
 *     and return 0, and the first cause is what the user reads.
 *   - Text is {pointer, length}, UTF-8, not terminated, valid until the call returns. String attributes of nodes
 *     may hold any bytes. The texts of opset tables, which are constants, are C strings. Nothing allocated is
 *     handed over.
 *   - No exception crosses. Status codes are int32, see ONNXPORT_OK and its neighbours.
 *   - A mapping, rule or inference is a pure function of its context; the host calls it from one thread per
 *     export, possibly from many threads for many exports at once.
 *   - A null pointer with a count that is not 0, a null context, a size below that of 1.0: the call fails, or the
 *     library is refused; nothing is read.
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

/* The oldest host minor that a plugin is to run in: what came later is not declared. Define it before the first
 * include, for the whole plugin. */
#ifndef ONNXPORT_TARGET_ABI_MINOR
#define ONNXPORT_TARGET_ABI_MINOR 0
#endif
#if ONNXPORT_TARGET_ABI_MINOR > ONNXPORT_ABI_MINOR
#error "ONNXPORT_TARGET_ABI_MINOR is newer than this header"
#endif

#if defined(_WIN32)
#define ONNXPORT_EXPORT __declspec(dllexport)
#else
#define ONNXPORT_EXPORT __attribute__((visibility("default")))
#endif

/* ---- status ---------------------------------------------------------------------------------------------- */

#define ONNXPORT_OK 0       /* done */
#define ONNXPORT_DECLINED 1 /* not my case: the next candidate is tried (a reason was given through diag) */
#define ONNXPORT_FAILED 2   /* stop: this cannot be exported (a reason was given through diag) */

/* ---- plain data ------------------------------------------------------------------------------------------ */

typedef struct onnxport_str {
  const char* data;
  uint64_t size;
} onnxport_str;

typedef uint32_t onnxport_value; /* an ONNX value of the graph being built; 0 = absent */
typedef uint32_t onnxport_arg;   /* an argument of a torch operator or an element of one; 0 = no such argument */
typedef uint32_t onnxport_dim;   /* the size of an axis: a number or an expression of names; 0 = unknown */
typedef uint32_t onnxport_node;  /* a node of the graph that a rule looks at; 0 = none */

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
#define ONNXPORT_F8E4M3FN 17
#define ONNXPORT_F8E4M3FNUZ 18
#define ONNXPORT_F8E5M2 19
#define ONNXPORT_F8E5M2FNUZ 20
#define ONNXPORT_U4 21
#define ONNXPORT_I4 22
#define ONNXPORT_F4E2M1 23
#define ONNXPORT_F8E8M0 24
#define ONNXPORT_U2 25
#define ONNXPORT_I2 26

/* A dense tensor, row-major, little-endian; bool is one byte. Elements of 4 and of 2 bits are packed, the first in
 * the lowest bits: (elements * bits + 7) / 8 bytes. */
typedef struct onnxport_tensor {
  uint32_t struct_size;
  int32_t dtype;
  uint32_t rank;
  uint32_t reserved;
  const int64_t* dims;
  const void* data;
  uint64_t bytes;
} onnxport_tensor;
#define ONNXPORT_TENSOR_1_0_SIZE 40

#define ONNXPORT_TYPE_TENSOR 1
#define ONNXPORT_TYPE_SEQUENCE 2 /* of tensors of that element type, rank and dims */
#define ONNXPORT_TYPE_OPTIONAL 3 /* such a tensor, or nothing */

/* The type of a value. */
typedef struct onnxport_type {
  uint32_t struct_size;
  int32_t kind; /* ONNXPORT_TYPE_… */
  int32_t dtype;
  int32_t rank;             /* -1: unknown */
  const onnxport_dim* dims; /* rank of them; NULL: all unknown */
  int32_t is_complex;       /* 1: stands for a complex tensor (real, with a last axis of 2 that rank counts) */
  int32_t reserved;
} onnxport_type;
#define ONNXPORT_TYPE_1_0_SIZE 32

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
#define ONNXPORT_ATTR_1_0_SIZE 88

/* One parameter of a block. */
typedef struct onnxport_block_param {
  onnxport_str name;
  const onnxport_type* type; /* NULL: the type of `like` */
  onnxport_value like;
  uint32_t reserved;
} onnxport_block_param;
#define ONNXPORT_BLOCK_PARAM_1_0_SIZE 32

#define ONNXPORT_NOTE 0    /* shown by --verbose */
#define ONNXPORT_WARNING 1 /* always shown */

/* Words for the user. */
typedef struct onnxport_message {
  uint32_t struct_size;
  int32_t severity;  /* of diag.tell: ONNXPORT_NOTE or ONNXPORT_WARNING */
  onnxport_str code; /* the plugin's own: up to 32 letters, digits, '-', '_', '.'; empty: none */
  onnxport_str text; /* what, with expected and found */
  onnxport_str hint; /* what to do next; empty: nothing is known */
} onnxport_message;
#define ONNXPORT_MESSAGE_1_0_SIZE 56

/* What an argument of a torch operator is. */
#define ONNXPORT_ARG_NONE 0
#define ONNXPORT_ARG_VALUE 1 /* a value known at run time only: tensor, or int/float/bool scalar */
#define ONNXPORT_ARG_INT 2
#define ONNXPORT_ARG_REAL 3
#define ONNXPORT_ARG_BOOL 4
#define ONNXPORT_ARG_STRING 5
#define ONNXPORT_ARG_DTYPE 6 /* read by arg_int: an ONNXPORT_F32 … number */
#define ONNXPORT_ARG_LIST 7
#define ONNXPORT_ARG_SEQUENCE 8 /* a list whose length is known at run time only; arg_value gives a Sequence */

typedef struct onnxport_context onnxport_context; /* one attempt of one mapping, rule or inference */
typedef struct onnxport_host onnxport_host;
typedef struct onnxport_plugin onnxport_plugin;

/* ---- what the host offers -------------------------------------------------------------------------------- */

struct onnxport_host {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  onnxport_str version; /* of onnxport, "1.2.3" */
  /* The table of interface `id`, or NULL. Tables live as long as the process. */
  const void* (*get_interface)(const onnxport_host* host, onnxport_str id);
};
#define ONNXPORT_HOST_1_0_SIZE 32

/* "onnxport.op/1": the torch operator being mapped. */
typedef struct onnxport_op_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Qualified name with overload, "aten::add.Tensor". */
  onnxport_str (*name)(onnxport_context*);
  /* The argument of that schema name, its default where the call gave none; 0 and no failure where the schema
   * has no such argument. */
  onnxport_arg (*arg)(onnxport_context*, onnxport_str name);
  /* The schema's arguments, in order. */
  uint32_t (*arg_count)(onnxport_context*);
  onnxport_str (*arg_name)(onnxport_context*, uint32_t index);
  int32_t (*arg_kind)(onnxport_context*, onnxport_arg); /* 0 is NONE */
  /* The readers of constants fail the context when the argument is of another kind. */
  int64_t (*arg_int)(onnxport_context*, onnxport_arg); /* INT, BOOL, DTYPE */
  double (*arg_real)(onnxport_context*, onnxport_arg); /* REAL, INT, BOOL */
  onnxport_str (*arg_string)(onnxport_context*, onnxport_arg);
  uint32_t (*arg_size)(onnxport_context*, onnxport_arg); /* LIST: number of elements */
  onnxport_arg (*arg_item)(onnxport_context*, onnxport_arg, uint32_t index);
  /* The argument as an ONNX value: a number becomes a 0-d constant (i64, f32 default float, bool), a list of
   * ints or of int values one 1-D i64 value; None is 0. */
  onnxport_value (*arg_value)(onnxport_context*, onnxport_arg);
  /* torch's result dtype of these arguments (tensor, 0-d tensor and number categories; 0 and None are skipped). */
  int32_t (*result_type)(onnxport_context*, const onnxport_arg* args, uint32_t count);
  uint32_t (*output_count)(onnxport_context*);
  /* Whether anything reads result `index`. */
  int32_t (*output_used)(onnxport_context*, uint32_t index);
  /* The element type that the model's file records for result `index`, or ONNXPORT_UNDEFINED. */
  int32_t (*output_dtype)(onnxport_context*, uint32_t index);
  /* The mapping's results, in order; 0 for an unused one and for one that is a list. Called once, last but for
   * set_list_result. */
  int32_t (*set_results)(onnxport_context*, const onnxport_value* values, uint32_t count);
  /* Result `index` is a list of these values (torch's Tensor[] results). Called once for each such result; alone
   * where all results are lists. */
  int32_t (*set_list_result)(onnxport_context*, uint32_t index, const onnxport_value* values, uint32_t count);
  /* 1 while the model is exported in training mode. */
  int32_t (*training)(onnxport_context*);
} onnxport_op_api;
#define ONNXPORT_OP_API_1_0_SIZE 152

/* "onnxport.graph/1": what is known of ONNX values. */
typedef struct onnxport_graph_api {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*dtype)(onnxport_context*, onnxport_value);
  int32_t (*rank)(onnxport_context*, onnxport_value);               /* -1: unknown */
  int64_t (*dim)(onnxport_context*, onnxport_value, uint32_t axis); /* the static size, or -1 */
  /* 1 if the two dims are known to be equal, static or not. */
  int32_t (*same_dim)(onnxport_context*, onnxport_value a, uint32_t axis_a, onnxport_value b, uint32_t axis_b);
  /* Fills `out`, whose struct_size the caller sets, and returns 1. */
  int32_t (*type)(onnxport_context*, onnxport_value, onnxport_type* out);
  /* Fills `out`, whose struct_size the caller sets, and returns 1 when the value is a constant; its data lives as
   * long as the context. */
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
#define ONNXPORT_GRAPH_API_1_0_SIZE 88

/* "onnxport.dim/1": sizes of axes, symbolic ones too. Arithmetic is exact and canonical: (2*seq+1)-1 equals 2*seq.
 * Of an unknown size (0) everything is unknown; that is no failure. */
typedef struct onnxport_dim_api {
  uint32_t struct_size;
  uint32_t reserved;
  onnxport_dim (*number)(onnxport_context*, int64_t);
  /* The size of an axis; 0 where the rank is unknown. */
  onnxport_dim (*of_axis)(onnxport_context*, onnxport_value, uint32_t axis);
  /* What element `index` of a 0-d or 1-D integer value is known to be: shape arithmetic is followed. */
  onnxport_dim (*of_element)(onnxport_context*, onnxport_value, uint32_t index);
  /* An int argument, known now or at run time. */
  onnxport_dim (*of_arg)(onnxport_context*, onnxport_arg);
  /* A size that nothing is known of, but that it equals itself. */
  onnxport_dim (*fresh)(onnxport_context*);
  onnxport_dim (*add)(onnxport_context*, onnxport_dim, onnxport_dim);
  onnxport_dim (*sub)(onnxport_context*, onnxport_dim, onnxport_dim);
  onnxport_dim (*mul)(onnxport_context*, onnxport_dim, onnxport_dim);
  onnxport_dim (*floor_div)(onnxport_context*, onnxport_dim, onnxport_dim); /* towards minus infinity */
  onnxport_dim (*mod)(onnxport_context*, onnxport_dim, onnxport_dim);       /* the sign of the divisor */
  onnxport_dim (*min)(onnxport_context*, onnxport_dim, onnxport_dim);
  onnxport_dim (*max)(onnxport_context*, onnxport_dim, onnxport_dim);
  /* 1 if the two are known to be equal. */
  int32_t (*equal)(onnxport_context*, onnxport_dim, onnxport_dim);
  /* The number, or -1 for one that is symbolic, unknown or negative. */
  int64_t (*static_size)(onnxport_context*, onnxport_dim);
  /* "2*batch+1", for messages; "?" for an unknown one. Lives as long as the context. */
  onnxport_str (*text)(onnxport_context*, onnxport_dim);
} onnxport_dim_api;
#define ONNXPORT_DIM_API_1_0_SIZE 128

/* "onnxport.emit/1": adding nodes. Every value has its type at once: the host runs ONNX's own inference, or the
 * plugins' for what ONNX does not know. Not in an inference. */
typedef struct onnxport_emit_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Adds a node and writes its output handles. domain "" is ai.onnx. 0 among `inputs` is an omitted input.
   * attr_size: sizeof(onnxport_attr) of the caller. */
  int32_t (*node)(onnxport_context*, onnxport_str domain, onnxport_str op_type, const onnxport_value* inputs,
                  uint32_t input_count, const onnxport_attr* attrs, uint32_t attr_count, uint64_t attr_size,
                  onnxport_value* outputs, uint32_t output_count);
  /* A constant; equal small constants are one value. The bytes are copied. */
  onnxport_value (*constant)(onnxport_context*, const onnxport_tensor*);
  /* Size of one axis as a 0-d i64 value: a constant when static, else read at run time. */
  onnxport_value (*dim)(onnxport_context*, onnxport_value, uint32_t axis);
  /* 0-d or 1-D i64 values joined to one 1-D value; a constant when all are. */
  onnxport_value (*shape)(onnxport_context*, const onnxport_value* parts, uint32_t count);
  /* Opens a block (a graph attribute's body) and writes the handles of its parameters to `values`. Nodes go into
   * it until end_block, which returns the block's number for ONNXPORT_ATTR_BLOCK, or -1. Outer values may be used
   * inside. Blocks nest, 30 deep. param_size: sizeof(onnxport_block_param) of the caller. */
  int32_t (*begin_block)(onnxport_context*, const onnxport_block_param* params, uint32_t count,
                         uint64_t param_size, onnxport_value* values);
  int64_t (*end_block)(onnxport_context*, const onnxport_value* results, uint32_t count);
  /* The same value, flagged as standing for a complex tensor (last axis of 2) or not. */
  onnxport_value (*set_complex)(onnxport_context*, onnxport_value, int32_t is_complex);
  /* State the type of what a node emitted here gives, where ONNX has no inference for it (custom domains): whole,
   * as that of another value, or its dims alone (NULL: all unknown). */
  int32_t (*set_type)(onnxport_context*, onnxport_value, const onnxport_type*);
  int32_t (*set_type_like)(onnxport_context*, onnxport_value, onnxport_value like);
  int32_t (*set_shape)(onnxport_context*, onnxport_value, const onnxport_dim* dims, uint32_t rank);
} onnxport_emit_api;
#define ONNXPORT_EMIT_API_1_0_SIZE 88

/* "onnxport.diag/1": words for the user. */
typedef struct onnxport_diag_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Why the status returned next is ONNXPORT_DECLINED or ONNXPORT_FAILED. The first cause stays. */
  void (*decline)(onnxport_context*, const onnxport_message*);
  void (*fail)(onnxport_context*, const onnxport_message*);
  /* A note or a warning; the user gets it whether the attempt succeeds or not. */
  void (*tell)(onnxport_context*, const onnxport_message*);
} onnxport_diag_api;
#define ONNXPORT_DIAG_API_1_0_SIZE 32

/* "onnxport.options/1": what the user set for this plugin. */
typedef struct onnxport_options_api {
  uint32_t struct_size;
  uint32_t reserved;
  uint32_t (*count)(onnxport_context*);
  onnxport_str (*name)(onnxport_context*, uint32_t index);
  int32_t (*has)(onnxport_context*, onnxport_str name);
  /* The value as text, and read as a number or a bool ("true", "false"): of one that is not set `otherwise`; of
   * one that is no such thing the context fails. */
  onnxport_str (*text)(onnxport_context*, onnxport_str name, onnxport_str otherwise);
  int64_t (*integer)(onnxport_context*, onnxport_str name, int64_t otherwise);
  double (*real)(onnxport_context*, onnxport_str name, double otherwise);
  int32_t (*boolean)(onnxport_context*, onnxport_str name, int32_t otherwise);
} onnxport_options_api;
#define ONNXPORT_OPTIONS_API_1_0_SIZE 64

/* "onnxport.rewrite/1": the ONNX node that a rule or an inference looks at (the root), any other node that it has
 * found through match, and their replacement. */
typedef struct onnxport_rewrite_api {
  uint32_t struct_size;
  uint32_t reserved;
  onnxport_node (*root)(onnxport_context*);
  onnxport_str (*domain)(onnxport_context*, onnxport_node); /* "": ai.onnx */
  onnxport_str (*op_type)(onnxport_context*, onnxport_node);
  uint32_t (*input_count)(onnxport_context*, onnxport_node);
  onnxport_value (*input)(onnxport_context*, onnxport_node, uint32_t index); /* 0: omitted or beyond the last */
  uint32_t (*output_count)(onnxport_context*, onnxport_node);
  onnxport_value (*output)(onnxport_context*, onnxport_node, uint32_t index); /* 0: beyond the last */
  int32_t (*output_used)(onnxport_context*, onnxport_node, uint32_t index);
  uint32_t (*attr_count)(onnxport_context*, onnxport_node);
  /* Fills `out` with attribute `index` and returns 1. Data lives as long as the context; a graph attribute
   * has kind ONNXPORT_ATTR_BLOCK and may be handed to emit.node as it is. attr_size: sizeof(onnxport_attr) of the
   * caller. */
  int32_t (*attr)(onnxport_context*, onnxport_node, uint32_t index, onnxport_attr* out, uint64_t attr_size);
  /* The same by name; 0 where the node has none of it. */
  int32_t (*find_attr)(onnxport_context*, onnxport_node, onnxport_str name, onnxport_attr* out,
                       uint64_t attr_size);
  /* The node's outputs are these values from now on; the node goes. 0, or fewer values, for outputs that nothing
   * reads. Once for each node, the root or one found through match; an opset rule replaces its root. What would
   * change a value's element type, rank or sizes, or read a value before it is computed, is refused. */
  int32_t (*replace)(onnxport_context*, onnxport_node, const onnxport_value* values, uint32_t count);
} onnxport_rewrite_api;
#define ONNXPORT_REWRITE_API_1_0_SIZE 104

/* "onnxport.match/1": the neighbours of a node, for patterns of several. */
typedef struct onnxport_match_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Who computes the value; 0 for an input of the graph, a constant and a parameter of a block. */
  onnxport_node (*producer)(onnxport_context*, onnxport_value);
  /* Every reading of the value counts: inputs of nodes, in blocks too, and results of the graph or of a block. */
  uint32_t (*use_count)(onnxport_context*, onnxport_value);
  /* Who reads it as its use `index` (in no particular order), and as which input; 0 where that use is a result. */
  onnxport_node (*user)(onnxport_context*, onnxport_value, uint32_t index);
  uint32_t (*user_input)(onnxport_context*, onnxport_value, uint32_t index);
  /* 1 if the value is a result of the graph or of a block; an input of the graph. */
  int32_t (*is_output)(onnxport_context*, onnxport_value);
  int32_t (*is_input)(onnxport_context*, onnxport_value);
  /* Nodes emitted from now on go before that one, and are of its module. At first that is the root. */
  int32_t (*insert_before)(onnxport_context*, onnxport_node);
} onnxport_match_api;
#define ONNXPORT_MATCH_API_1_0_SIZE 64

/* "onnxport.weight/1": constants that are too large to be copied more than once. The one interface that a host of
 * 1.0 may lack: whoever needs it declines without it. */
typedef struct onnxport_weight_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* A new constant of zeros in place of the constant `model`, whose name in the model it takes (0: none). `*data`
   * points to its bytes, which the plugin writes before it emits a node that reads the constant, and not later.
   * 0 where the element type or the dims are none. */
  onnxport_value (*create)(onnxport_context*, int32_t dtype, uint32_t rank, const int64_t* dims,
                           onnxport_value model, void** data);
} onnxport_weight_api;
#define ONNXPORT_WEIGHT_API_1_0_SIZE 16

/* "onnxport.onnx_body/1": official function bodies, some of which ONNX builds from the node's types. */
typedef struct onnxport_onnx_body_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Emits the body of the node being rewritten, written for an opset <= `opset`, and writes its outputs.
   * DECLINED where ONNX has none. */
  int32_t (*emit_body)(onnxport_context*, int32_t opset, onnxport_value* outputs, uint32_t output_count);
} onnxport_onnx_body_api;
#define ONNXPORT_ONNX_BODY_API_1_0_SIZE 16

/* "onnxport.infer_result/1": what an inference says of the node it looks at (rewrite.root). An output that nothing
 * is said of has an unknown type. */
typedef struct onnxport_infer_result_api {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*set_type)(onnxport_context*, uint32_t output, const onnxport_type*);
  int32_t (*set_type_like)(onnxport_context*, uint32_t output, onnxport_value like);
  /* What a 0-d or 1-D integer output holds, element by element, where that is known: shapes are followed on. */
  int32_t (*set_elements)(onnxport_context*, uint32_t output, const onnxport_dim* elements, uint32_t count);
} onnxport_infer_result_api;
#define ONNXPORT_INFER_RESULT_API_1_0_SIZE 32

/* ---- what a plugin offers -------------------------------------------------------------------------------- */

/* A mapping, rule or inference. `user` is what its row says. Returns a status. */
typedef int32_t (*onnxport_translate_fn)(onnxport_context*, const void* user);

#define ONNXPORT_TAKES_COMPLEX 1u /* the mapping understands values that stand for complex tensors */
#define ONNXPORT_ONLY_COMPLEX 2u  /* it is not asked where no argument is complex */

/* One mapping. `torch_op` is "ns::name" (every overload) or "ns::name.overload" (that one; it wins). */
typedef struct onnxport_mapping {
  onnxport_str torch_op;
  int32_t min_opset; /* target opsets for which it is a candidate; 0: from the first, to the last */
  int32_t max_opset;
  uint32_t flags;
  uint32_t reserved;
  onnxport_translate_fn translate;
  const void* user; /* handed back to translate */
} onnxport_mapping;
#define ONNXPORT_MAPPING_1_0_SIZE 48

/* "onnxport.mapping/1" */
typedef struct onnxport_mapping_api {
  uint32_t struct_size;
  uint32_t count;
  const onnxport_mapping* mappings;
  uint64_t mapping_size; /* sizeof(onnxport_mapping) of the plugin's build */
} onnxport_mapping_api;
#define ONNXPORT_MAPPING_API_1_0_SIZE 24

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
#define ONNXPORT_PARAM_1_0_SIZE 24

typedef struct onnxport_attr_def {
  const char* name;
  int32_t kind; /* ONNXPORT_ATTR_… ; 0: other */
  int32_t required;
  int32_t has_default;
  uint32_t count; /* of the default of a list */
  int64_t i;      /* the default, by kind */
  double f;
  const char* s;
  const int64_t* ints;
  const double* floats;
  const char* const* strings;
} onnxport_attr_def;
#define ONNXPORT_ATTR_DEF_1_0_SIZE 72

#define ONNXPORT_BODY_NONE 0
#define ONNXPORT_BODY_OFFICIAL 1         /* in the ONNX library */
#define ONNXPORT_BODY_OFFICIAL_BY_TYPE 2 /* there too, and it depends on input types */
#define ONNXPORT_BODY_TEXT 3             /* in `body` */

typedef struct onnxport_op_def {
  const char* name;
  int32_t since_version;
  int32_t deprecated;
  int32_t has_body; /* ONNXPORT_BODY_… */
  uint32_t input_count;
  uint32_t output_count;
  uint32_t attr_count;
  const onnxport_param* inputs;
  const onnxport_param* outputs;
  const onnxport_attr_def* attrs;
  /* The operator in terms of others as ONNX text, "(x) => (y) { s = Sigmoid (x)  y = Mul (x, s) }", written in
   * the opset that the table is of; of another domain's table in ai.onnx `body_opset`. "@name" is an attribute. */
  const char* body;
  int32_t body_opset;
  int32_t reserved;
} onnxport_op_def;
#define ONNXPORT_OP_DEF_1_0_SIZE 72

/* A rewrite of nodes domain::op_type. For an opset step the node is not legal at the neighbour as it stands. */
typedef struct onnxport_rule {
  onnxport_str domain; /* "" = ai.onnx */
  onnxport_str op_type;
  onnxport_translate_fn rewrite;
  const void* user;
} onnxport_rule;
#define ONNXPORT_RULE_1_0_SIZE 48

/* One opset of one domain: what is legal there, and how nodes get there from the neighbour. */
typedef struct onnxport_opset {
  onnxport_str domain; /* "" = ai.onnx */
  int32_t version;
  int32_t ir_version;         /* of ai.onnx: of the ONNX release that introduced it; else 0 */
  const onnxport_op_def* ops; /* every operator legal at `version`, by name */
  const onnxport_rule* down;  /* version -> version - 1 */
  const onnxport_rule* up;    /* version - 1 -> version */
  uint32_t op_count;
  uint32_t down_count;
  uint32_t up_count;
  uint32_t reserved;
} onnxport_opset;
#define ONNXPORT_OPSET_1_0_SIZE 64

/* "onnxport.opset/1": any number of opsets. The sizes are those of the plugin's build. */
typedef struct onnxport_opset_api {
  uint32_t struct_size;
  uint32_t count;
  const onnxport_opset* opsets;
  uint64_t opset_size;
  uint64_t op_size;
  uint64_t param_size;
  uint64_t attr_def_size;
  uint64_t rule_size;
} onnxport_opset_api;
#define ONNXPORT_OPSET_API_1_0_SIZE 56

/* A named set of rewrites at a stage: "translate" (on the pivot), "optimize" (on the pivot, after folding) or
 * "target" (after legalize). */
typedef struct onnxport_pass {
  onnxport_str name;
  onnxport_str stage;
  const onnxport_rule* rules;
  uint32_t rule_count;
  uint32_t reserved;
} onnxport_pass;
#define ONNXPORT_PASS_1_0_SIZE 48

/* "onnxport.pass/1" */
typedef struct onnxport_pass_api {
  uint32_t struct_size;
  uint32_t count;
  const onnxport_pass* passes;
  uint64_t pass_size;
  uint64_t rule_size;
} onnxport_pass_api;
#define ONNXPORT_PASS_API_1_0_SIZE 32

/* The types of what an operator gives, for one that the ONNX library does not know: of a domain that the manifest
 * lists, or of an opset that the plugin brings. It reads through rewrite, graph and dim, and answers through
 * infer_result. */
typedef struct onnxport_inference {
  onnxport_str domain; /* "" = ai.onnx */
  onnxport_str op_type;
  onnxport_translate_fn infer;
  const void* user;
} onnxport_inference;
#define ONNXPORT_INFERENCE_1_0_SIZE 48

/* "onnxport.infer/1" */
typedef struct onnxport_infer_api {
  uint32_t struct_size;
  uint32_t count;
  const onnxport_inference* inferences;
  uint64_t inference_size;
} onnxport_infer_api;
#define ONNXPORT_INFER_API_1_0_SIZE 24

struct onnxport_plugin {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t min_abi_minor; /* the lowest host minor that suffices */
  onnxport_str id;        /* must equal the manifest's */
  onnxport_str version;
  /* The plugin's table of interface `id`, or NULL. */
  const void* (*get_interface)(const onnxport_plugin* self, onnxport_str id);
  const void* user; /* the plugin's own */
};
#define ONNXPORT_PLUGIN_1_0_SIZE 56

#define ONNXPORT_QUERY_SYMBOL "onnxport_plugin_query"
typedef const onnxport_plugin* (*onnxport_plugin_query_fn)(const onnxport_host*);

#ifdef __cplusplus
}
#endif
#endif /* ONNXPORT_ABI_H */
