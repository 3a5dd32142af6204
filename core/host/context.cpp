#include "core/host/context.h"

#include <algorithm>
#include <atomic>

using onnxport::Argument;

namespace {

constexpr const char* kReportToPublisher = "this is a defect of the plugin: report it to its publisher";
constexpr uint32_t kIndexBits = 20;
constexpr uint32_t kIndexMask = (1u << kIndexBits) - 1;

thread_local onnxport_context* innermost = nullptr;

uint32_t next_generation() {
  static std::atomic<uint32_t> counter{0};
  return 1 + counter++ % ((1u << (32 - kIndexBits)) - 1);
}

}  // namespace

onnxport_context::onnxport_context(onnxport::GraphBuilder& builder_, int target_opset_)
    : builder(builder_), target_opset(target_opset_), generation_(next_generation()), outer_(innermost) {
  innermost = this;
}

onnxport_context::~onnxport_context() { innermost = outer_; }

bool onnxport_context::is_active(const onnxport_context* context) {
  for (const onnxport_context* c = innermost; c != nullptr; c = c->outer_) {
    if (c == context) return true;
  }
  return false;
}

// ---- handles ----

template <typename T>
uint32_t onnxport_context::issue(std::vector<T>& slots, T slot, const char* what) {
  if (slots.size() >= kIndexMask) {
    misuse(std::string("the plugin asked for more ") + what + " than one call may have");
    return 0;
  }
  slots.push_back(std::move(slot));
  return (generation_ << kIndexBits) | static_cast<uint32_t>(slots.size());
}

template <typename T>
const T* onnxport_context::find(const std::vector<T>& slots, uint32_t handle, const char* what) {
  if (handle == 0) return nullptr;
  const uint32_t index = handle & kIndexMask;
  if ((handle >> kIndexBits) != generation_ || index == 0 || index > slots.size()) {
    misuse(std::string("the plugin used ") + what + " that is not of this call");
    return nullptr;
  }
  return &slots[index - 1];
}

onnxport_value onnxport_context::handle(onnxport::ir::Value* value, bool is_number, const Argument* known) {
  return value == nullptr ? 0 : issue(slots_, Slot{value, known, is_number}, "values");
}

const onnxport_context::Slot* onnxport_context::slot(onnxport_value handle) {
  return find(slots_, handle, "a value handle");
}

onnxport::ir::Value* onnxport_context::value(onnxport_value handle) {
  const Slot* found = slot(handle);
  return found == nullptr ? nullptr : found->value;
}

onnxport::ir::Value* onnxport_context::usable(onnxport_value handle) {
  onnxport::ir::Value* v = value(handle);
  if (v == nullptr) return nullptr;
  const onnxport::ir::Block* home = v->producer() != nullptr ? v->producer()->parent() : v->block();
  if (home != nullptr && std::find(blocks.begin(), blocks.end(), home) != blocks.end()) {
    misuse("a value of a finished block is used outside of it");
  }
  return v;
}

onnxport_arg onnxport_context::arg_handle(const Argument* argument) {
  return issue(args_, argument, "arguments");
}

const Argument* onnxport_context::arg(onnxport_arg handle) {
  const Argument* const* found = find(args_, handle, "an argument handle");
  return found == nullptr ? nullptr : *found;
}

onnxport_dim onnxport_context::dim_handle(const onnxport::ir::Dim& dim) {
  return dim.is_unknown() ? 0 : issue(dims_, dim, "sizes");
}

onnxport::ir::Dim onnxport_context::dim(onnxport_dim handle) {
  const onnxport::ir::Dim* found = find(dims_, handle, "a size handle");
  return found == nullptr ? onnxport::ir::Dim() : *found;
}

onnxport_node onnxport_context::node_handle(onnxport::ir::Node* node) {
  if (node == nullptr) return 0;
  const auto known = node_handles_.find(node);
  if (known != node_handles_.end()) return known->second;
  const onnxport_node made = issue(nodes_, node, "nodes");
  node_handles_.emplace(node, made);
  return made;
}

onnxport::ir::Node* onnxport_context::node(onnxport_node handle) {
  onnxport::ir::Node* const* found = find(nodes_, handle, "a node handle");
  return found == nullptr ? nullptr : *found;
}

onnxport_node onnxport_context::root_handle() {
  if (root != nullptr) return node_handle(root);
  // The node of an inference is not there yet: a handle without one.
  if (view != nullptr && root_handle_ == 0) {
    root_handle_ = issue(nodes_, static_cast<onnxport::ir::Node*>(nullptr), "nodes");
  }
  return root_handle_;
}

int64_t onnxport_context::block_number(onnxport::ir::Block* block) {
  const auto known = std::find(blocks.begin(), blocks.end(), block);
  if (known != blocks.end()) return known - blocks.begin();
  blocks.push_back(block);
  onnxport::ir::Node* owner = block->owner();
  const auto is_owner = [&](const Lender& lender) { return lender.node == owner; };
  if (owner != nullptr && std::none_of(lenders.begin(), lenders.end(), is_owner))
    lenders.push_back({owner, {owner->blocks().begin(), owner->blocks().end()}});
  return static_cast<int64_t>(blocks.size()) - 1;
}

// ---- state ----

void onnxport_context::fail(onnxport::Diagnostic why) {
  if (failed) return;
  failed = true;
  cause = std::move(why);
}

void onnxport_context::fail(std::string_view code, std::string message, std::string hint) {
  onnxport::Diagnostic why;
  why.code = code;
  why.message = std::move(message);
  why.hint = std::move(hint);
  fail(std::move(why));
}

void onnxport_context::fail(std::string message) { fail("", std::move(message)); }

void onnxport_context::misuse(std::string message) { fail("T505", std::move(message), kReportToPublisher); }

void onnxport_context::counts(onnxport::HostCalls::Which which) const {
  if (calls == nullptr || calls->which() != which || !calls->next()) return;
  throw onnxport::Error(onnxport::kFailedOnPurpose,
                        "this call of the host fails on purpose, to see what the plugin makes of it");
}

void onnxport_context::decline(onnxport::Diagnostic why) {
  if (failed || declined) return;
  declined = true;
  cause = std::move(why);
}
