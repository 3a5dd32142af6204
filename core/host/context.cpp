#include "core/host/context.h"

#include <atomic>

using onnxport::Argument;

namespace {

constexpr const char* kReportToPublisher = "this is a defect of the plugin: report it to its publisher";
constexpr uint32_t kIndexBits = 20;
constexpr uint32_t kIndexMask = (1u << kIndexBits) - 1;

uint32_t next_generation() {
  static std::atomic<uint32_t> counter{0};
  return 1 + counter++ % ((1u << (32 - kIndexBits)) - 1);
}

}  // namespace

onnxport_context::onnxport_context(onnxport::GraphBuilder& builder_, int target_opset_)
    : builder(builder_), target_opset(target_opset_), generation_(next_generation()) {}

onnxport_value onnxport_context::handle(onnxport::ir::Value* value, bool is_number, const Argument* known) {
  if (value == nullptr) return 0;
  if (slots_.size() >= kIndexMask) {
    fail("T505", "the plugin asked for more values than one operator may make", kReportToPublisher);
    return 0;
  }
  slots_.push_back({value, known, is_number});
  return (generation_ << kIndexBits) | static_cast<uint32_t>(slots_.size());
}

const onnxport_context::Slot* onnxport_context::slot(onnxport_value handle) {
  if (handle == 0) return nullptr;
  const uint32_t index = handle & kIndexMask;
  if ((handle >> kIndexBits) != generation_ || index == 0 || index > slots_.size()) {
    fail("T505", "the plugin used a value handle that is not of this call", kReportToPublisher);
    return nullptr;
  }
  return &slots_[index - 1];
}

onnxport::ir::Value* onnxport_context::value(onnxport_value handle) {
  const Slot* found = slot(handle);
  return found == nullptr ? nullptr : found->value;
}

onnxport_arg onnxport_context::arg_handle(const Argument* bound) {
  if (args_.size() >= kIndexMask) {
    fail("T505", "the plugin asked for more arguments than one operator may read", kReportToPublisher);
    return 0;
  }
  args_.push_back(bound);
  return (generation_ << kIndexBits) | static_cast<uint32_t>(args_.size());
}

const Argument* onnxport_context::arg(onnxport_arg handle) {
  const uint32_t index = handle & kIndexMask;
  if ((handle >> kIndexBits) != generation_ || index == 0 || index > args_.size()) {
    fail("T505", "the plugin used an argument handle that is not of this call", kReportToPublisher);
    return nullptr;
  }
  return args_[index - 1];
}

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

void onnxport_context::decline(std::string message) {
  if (failed || declined) return;
  declined = true;
  cause = {};
  cause.message = std::move(message);
}
