// Records what a composite kernel calls, by a fallback on a dispatch key that is on only while recording.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <string>
#include <unordered_map>
#include <vector>

namespace onnxport {

// An argument or result as recorded: a tensor by number, any other value as it is, or a list of those.
struct RecordedItem {
  enum class Kind { tensor, value, list } kind = Kind::value;
  size_t tensor = 0;
  c10::IValue value{};
  std::vector<RecordedItem> items{};
};

struct RecordedCall {
  const c10::FunctionSchema* schema = nullptr;  // lives as long as libtorch's registry
  std::vector<RecordedItem> arguments{};
  std::vector<RecordedItem> results{};
};

class Recording {
 public:
  // Runs the composite kernel behind `key` on the stack and records the calls it makes.
  // Throws Error T531 when a call needs the tensors' contents; libtorch's own errors pass.
  void run(const c10::OperatorHandle& op, c10::DispatchKey key, c10::Stack& stack);

  // Numbers a tensor that exists before the recording starts.
  size_t number(const at::Tensor& tensor);
  RecordedItem item(const c10::IValue& value);

  const std::vector<RecordedCall>& calls() const { return calls_; }
  const at::Tensor& tensor(size_t index) const { return tensors_[index]; }
  // Operators that were run on zeros in memory, because libtorch has no C++ shape rule for them.
  const std::vector<std::string>& stand_ins() const { return stand_ins_; }

  // Called by the fallback.
  void record(const c10::OperatorHandle& op, c10::Stack& stack);

 private:
  void execute(const c10::OperatorHandle& op, c10::Stack& stack);
  void execute_on_zeros(const c10::OperatorHandle& op, c10::Stack& stack);

  std::vector<RecordedCall> calls_;
  std::vector<at::Tensor> tensors_;  // kept alive, so that an address means one tensor
  std::unordered_map<const void*, size_t> numbers_;
  std::vector<std::string> stand_ins_;
};

}  // namespace onnxport
