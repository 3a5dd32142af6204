// One attempt of one mapping or rule: what the opaque onnxport_context is on the host's side.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/host/host.h"

// The ABI names the type in the global namespace.
struct onnxport_context {
  onnxport_context(onnxport::GraphBuilder& builder_, int target_opset_);

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
  onnxport_arg arg_handle(const onnxport::Argument* bound);
  const onnxport::Argument* arg(onnxport_arg handle);

  // ---- state ----
  bool ok() const { return !failed && !declined; }
  // The first cause stays. Without a code it is the plugin's own words.
  void fail(std::string message);
  void fail(std::string_view code, std::string message, std::string hint = {});
  void fail(onnxport::Diagnostic why);
  void decline(std::string message);
  // Runs `body`, turning what the host itself throws into a failed context. `otherwise` is returned then.
  template <typename T, typename Body>
  T guarded(T otherwise, Body body) {
    if (failed) return otherwise;
    try {
      return body();
    } catch (const onnxport::Error& e) {
      fail(e.diagnostics().front());
    } catch (const std::exception& e) {
      fail(e.what());
    }
    return otherwise;
  }

  onnxport::GraphBuilder& builder;
  int target_opset = 0;
  const onnxport::Call* call = nullptr;          // of a mapping
  const onnxport::Registry* registry = nullptr;  // of a mapping: what its manifest promises
  std::string plugin_id;
  onnxport::ir::Node* node = nullptr;  // of a rule
  bool failed = false;
  bool declined = false;
  bool finished = false;       // set_results or replace was called
  onnxport::Diagnostic cause;  // of failed or declined
  std::vector<std::string> notes;
  std::vector<onnxport::Argument> results;
  std::vector<onnxport::ir::Value*> replacements;
  std::vector<onnxport::ir::Block*> blocks;  // by the number a plugin knows
  size_t open_blocks = 0;

  // What pointers handed out point to; dies with the attempt.
  std::deque<onnxport::Argument> bounds;
  std::deque<std::vector<double>> reals;
  std::deque<std::vector<onnxport_str>> strings;
  std::deque<onnxport_tensor> tensors;
  std::deque<onnxport::ir::Tensor> dense;  // copies of constants that have strides
  std::deque<std::vector<std::byte>> bytes;

 private:
  uint32_t generation_;
  std::vector<Slot> slots_;
  std::vector<const onnxport::Argument*> args_;
};

namespace onnxport {

// Attributes of the ABI as ours. Throws Error T505 for a kind or block that is none.
std::vector<ir::Attribute> read_attributes(onnxport_context& context, const onnxport_attr* attrs,
                                           uint32_t count);
// Ours as the ABI's; what it points to lives in the context.
bool write_attribute(onnxport_context& context, const ir::Attribute& attribute, onnxport_attr& out);

extern const onnxport_op_api kOpApi;
extern const onnxport_graph_api kGraphApi;
extern const onnxport_emit_api kEmitApi;
extern const onnxport_diag_api kDiagApi;
extern const onnxport_rewrite_api kRewriteApi;
extern const onnxport_onnx_body_api kOnnxBodyApi;

// What a manifest alone maps (manifest_run.cpp).
Outcome run_manifest_mapping(const Candidate& candidate, const Call& call, GraphBuilder& builder,
                             Registry& registry);

}  // namespace onnxport
