// One attempt of one mapping, rule or inference: what the opaque onnxport_context is on the host's side.
#pragma once

#include <cstring>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/host/host.h"
#include "core/host/host_calls.h"
#include "core/onnx/inference.h"

// The ABI names the type in the global namespace.
struct onnxport_context {
  onnxport_context(onnxport::GraphBuilder& builder_, int target_opset_);
  ~onnxport_context();
  onnxport_context(const onnxport_context&) = delete;
  onnxport_context& operator=(const onnxport_context&) = delete;

  // The innermost attempts of this thread that are under way; a pointer that is none of them is no context.
  static bool is_active(const onnxport_context* context);

  // ---- handles: 12 bits of generation, 20 bits of index + 1 ----
  struct Slot {
    onnxport::ir::Value* value = nullptr;
    const onnxport::Argument* known = nullptr;  // the number it was made of, if any: casts of it stay exact
    bool is_number = false;
  };
  onnxport_value handle(onnxport::ir::Value* value, bool is_number = false,
                        const onnxport::Argument* known = nullptr);
  // Null, and a failed context (T505), for a handle that is not of this attempt. 0 is null without failure.
  const Slot* slot(onnxport_value handle);
  onnxport::ir::Value* value(onnxport_value handle);  // null for 0 and for a bad one
  // A value for use in a node here: what a finished block computed stays inside it.
  onnxport::ir::Value* usable(onnxport_value handle);
  onnxport_arg arg_handle(const onnxport::Argument* argument);
  const onnxport::Argument* arg(onnxport_arg handle);
  onnxport_dim dim_handle(const onnxport::ir::Dim& dim);  // 0 for an unknown one
  onnxport::ir::Dim dim(onnxport_dim handle);             // unknown for 0 and for a bad one
  onnxport_node node_handle(onnxport::ir::Node* node);    // one node, one handle
  onnxport::ir::Node* node(onnxport_node handle);
  onnxport_node root_handle();                       // of the node that a rule or an inference looks at
  int64_t block_number(onnxport::ir::Block* block);  // of a block that a node of the graph has

  // ---- state ----
  bool ok() const { return !failed && !declined; }
  // The first cause stays. Without a code it is the plugin's own words.
  void fail(std::string message);
  void fail(std::string_view code, std::string message, std::string hint = {});
  void fail(onnxport::Diagnostic why);
  void decline(onnxport::Diagnostic why);
  // A defect of the plugin (T505).
  void misuse(std::string message);
  // That the mapping asked for an argument that the schema does not have: what it computes from, or an option of another overload.
  void note_missing(std::string_view name) {
    lacks_subject = lacks_subject || name == "self" || name == "input";
  }
  // At the beginning of each call that gives a value or a status, by which the plugin learns that it failed: it fails when
  // that is wanted, by throwing.
  void may_fail() const { counts(onnxport::HostCalls::Which::telling); }
  void counts(onnxport::HostCalls::Which which) const;

  onnxport::GraphBuilder& builder;
  int target_opset = 0;
  const onnxport::Call* call = nullptr;    // of a mapping
  onnxport::Registry* registry = nullptr;  // what its manifest promises, and its options
  std::string plugin_id;
  onnxport::HostCalls* calls = nullptr;            // that are counted; null: nobody does
  onnxport::ir::Node* root = nullptr;              // of a rule
  const onnxport::onnx::NodeView* view = nullptr;  // of an inference, whose node is not there yet
  bool lacks_subject = false;  // what the mapping computes from is no argument of this overload
  bool failed = false;
  bool declined = false;
  bool finished = false;                             // results were given, or a node was replaced
  bool results_given = false;                        // by set_results
  uint64_t room_for_constants = uint64_t{64} << 20;  // bytes that may still be made by weight.create
  onnxport::Diagnostic cause;                        // of failed or declined
  std::vector<onnxport::Diagnostic> notes;
  std::vector<onnxport::Argument> results;
  std::vector<onnxport::Replacement> replacements;
  std::vector<onnxport::ir::Type> types;                                // of an inference
  std::vector<std::optional<std::vector<onnxport::ir::Dim>>> elements;  // of an inference
  std::vector<onnxport::ir::Block*> blocks;                             // by the number a plugin knows
  size_t open_blocks = 0;
  std::vector<onnxport::ir::Block*> used_blocks;          // that a node emitted here took
  std::unordered_set<const onnxport::ir::Node*> emitted;  // here: whose types may be stated
  std::map<std::string, int, std::less<>> domains;        // of what was emitted, and their versions
  // Nodes that may lose blocks to emitted ones, and what they had, in order: given back when the attempt fails.
  struct Lender {
    onnxport::ir::Node* node = nullptr;
    std::vector<onnxport::ir::Block*> blocks;
  };
  std::vector<Lender> lenders;
  // Where nodes were put, in turn.
  struct Place {
    onnxport::ir::Node* before = nullptr;  // null: at the end of a block
    onnxport::GraphBuilder::Mark mark;
  };
  std::vector<Place> places;
  std::unordered_set<const onnxport::ir::Value*> early;  // read by the root, or by what computes that

  // What pointers handed out point to; dies with the attempt.
  std::deque<onnxport::Argument> bounds;
  std::deque<std::vector<double>> reals;
  std::deque<std::vector<onnxport_str>> strings;
  std::deque<std::string> texts;
  std::deque<onnxport_tensor> tensors;
  std::deque<onnxport::ir::Tensor> dense;  // copies of constants that have strides
  std::deque<std::vector<std::byte>> bytes;
  std::deque<std::vector<onnxport_dim>> dim_lists;

 private:
  template <typename T>
  uint32_t issue(std::vector<T>& slots, T slot, const char* what);
  template <typename T>
  const T* find(const std::vector<T>& slots, uint32_t handle, const char* what);

  uint32_t generation_;
  onnxport_node root_handle_ = 0;
  onnxport_context* outer_;  // the attempt that this one runs inside
  std::vector<Slot> slots_;
  std::vector<const onnxport::Argument*> args_;
  std::vector<onnxport::ir::Dim> dims_;
  std::vector<onnxport::ir::Node*> nodes_;
  std::unordered_map<const onnxport::ir::Node*, onnxport_node> node_handles_;
};

namespace onnxport {

// Every function of the host's tables runs inside this: a null or foreign context, a failed one, and whatever the
// host throws end in `otherwise`.
template <typename T, typename Body>
T guarded(onnxport_context* context, T otherwise, Body body) {
  if (!onnxport_context::is_active(context) || context->failed) return otherwise;
  try {
    context->counts(HostCalls::Which::all);
    return body();
  } catch (const Error& e) {
    context->fail(e.diagnostics().front());
  } catch (const std::exception& e) {
    context->fail(e.what());
  }
  return otherwise;
}

// ---- what a plugin hands over, checked: each throws Error T505 ----

inline constexpr uint64_t kMostItems = 1u << 20;  // of any list

[[noreturn]] void misused(std::string message);
template <typename T>
std::span<const T> array(const T* data, uint64_t count, const char* what) {
  if (count == 0) return {};
  if (data == nullptr) misused(std::to_string(count) + " " + what + " at a null pointer");
  if (count > kMostItems) misused(std::to_string(count) + " " + what);
  return {data, static_cast<size_t>(count)};
}
// Row `i` of structs that lie `size` apart; what an older plugin's lack is zero.
template <typename T>
T row(const T* first, uint64_t size, size_t i) {
  T out{};
  std::memcpy(&out, reinterpret_cast<const std::byte*>(first) + i * size,
              static_cast<size_t>(size < sizeof(T) ? size : sizeof(T)));
  return out;
}
// A struct that starts with its own size.
template <typename T>
T sized(const T* source, uint32_t least, const char* what) {
  if (source == nullptr) misused(std::string(what) + " at a null pointer");
  uint32_t size = 0;
  std::memcpy(&size, source, sizeof size);
  if (size < least) misused(std::string(what) + " of " + std::to_string(size) + " bytes");
  return row(source, size, 0);
}
std::string_view bytes_of(onnxport_str s, const char* what);  // any
std::string_view text_of(onnxport_str s, const char* what);   // UTF-8
inline onnxport_str to_abi(std::string_view s) { return {s.data(), s.size()}; }

// Writes as much of `value` as the caller, whose struct has `size` bytes, knows.
template <typename T>
void write_sized(T* out, uint64_t size, const T& value) {
  std::memcpy(out, &value, static_cast<size_t>(size < sizeof(T) ? size : sizeof(T)));
}

ir::Tensor read_tensor(const onnxport_tensor* tensor);
// How many bytes a tensor has.
uint64_t tensor_bytes(ir::DType dtype, std::span<const int64_t> dims);
ir::Type read_type(onnxport_context& context, const onnxport_type* type);
std::optional<ir::Shape> read_dims(onnxport_context& context, const onnxport_dim* dims, int64_t rank);
std::vector<ir::Attribute> read_attributes(onnxport_context& context, const onnxport_attr* attrs,
                                           uint32_t count, uint64_t size);
Diagnostic read_message(onnxport_context& context, const onnxport_message* message, std::string_view family);
// Ours as the ABI's; what it points to lives in the context. False for what the ABI has no kind for.
bool write_attribute(onnxport_context& context, const ir::Attribute& attribute, onnxport_attr& out);
onnxport_tensor write_tensor(onnxport_context& context, const ir::Tensor& tensor);

extern const onnxport_op_api kOpApi;
extern const onnxport_graph_api kGraphApi;
extern const onnxport_dim_api kDimApi;
extern const onnxport_emit_api kEmitApi;
extern const onnxport_diag_api kDiagApi;
extern const onnxport_options_api kOptionsApi;
extern const onnxport_rewrite_api kRewriteApi;
extern const onnxport_match_api kMatchApi;
extern const onnxport_weight_api kWeightApi;
extern const onnxport_onnx_body_api kOnnxBodyApi;
extern const onnxport_infer_result_api kInferResultApi;

// What a manifest alone maps (manifest_run.cpp).
Outcome run_manifest_mapping(const Candidate& candidate, const Call& call, GraphBuilder& builder,
                             Registry& registry);

}  // namespace onnxport
