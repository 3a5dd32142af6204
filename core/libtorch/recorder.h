// Records what a composite kernel, or any code, calls, by a fallback on a dispatch key that is on only while recording.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace onnxport {

// An argument or result as recorded: a tensor by number, any other value as it is, or a list of those.
struct RecordedItem {
  enum class Kind { tensor, value, list } kind = Kind::value;
  size_t tensor = 0;
  std::vector<int64_t> sizes{};  // of the tensor, at that time
  c10::IValue value{};
  c10::TypePtr type{};  // of a list
  std::vector<RecordedItem> items{};
};

struct RecordedCall {
  const c10::FunctionSchema* schema = nullptr;  // lives as long as libtorch's registry
  std::vector<RecordedItem> arguments{};
  std::vector<RecordedItem> results{};
  std::vector<void*> frames{};  // who called, innermost first; only where a derived recording notes them
};

class Recording {
 public:
  virtual ~Recording() = default;

  // Runs the composite kernel behind `key` on the stack and records the calls it makes.
  // Throws Error T531 when a call needs the tensors' contents; libtorch's own errors pass.
  void run(const c10::OperatorHandle& op, c10::DispatchKey key, c10::Stack& stack);

  // Runs any code of this thread and records the calls it makes. Gradients are off.
  void run(const std::function<void()>& code);

  // Records what this thread calls, until the handle goes, which has to be on the same thread.
  std::shared_ptr<void> open();

  // Numbers a tensor that exists before the recording starts, and keeps it.
  size_t number(const at::Tensor& tensor);
  RecordedItem item(const c10::IValue& value);

  const std::vector<RecordedCall>& calls() const { return calls_; }
  // Undefined for what an operator returned and nobody holds any more.
  at::Tensor tensor(size_t index) const;
  // Operators that were run on zeros in memory, because libtorch has no C++ shape rule for them.
  const std::vector<std::string>& stand_ins() const { return stand_ins_; }

  // Called by the fallback.
  void record(const c10::OperatorHandle& op, c10::Stack& stack);

 protected:
  // Before a call is run; `first` is its first argument on the stack.
  virtual void before(RecordedCall& /*call*/, const c10::IValue* /*first*/) {}
  // Whether the tensor has a number.
  bool knows(const at::Tensor& tensor) const { return numbers_.contains(tensor.unsafeGetTensorImpl()); }
  // Gives a tensor without a number that of one in the same place and form: data() and its kin make such without an operator.
  // Whether there is one.
  bool number_as_twin(const at::Tensor& tensor);
  // After a call that returns no tensor, whose answer C++ code reads; it may be another one.
  virtual void answered(const RecordedCall& /*call*/, c10::IValue& /*answer*/) {}
  // After any other call was run and noted.
  virtual void after(RecordedCall& /*call*/) {}

 private:
  RecordedItem result(const c10::IValue& value);
  void execute(const c10::OperatorHandle& op, c10::Stack& stack);
  void execute_on_zeros(const c10::OperatorHandle& op, c10::Stack& stack);

  std::vector<RecordedCall> calls_;
  // An address means one tensor as long as somebody refers to it. What operators return is referred to weakly: their callers may
  // change only what nobody else holds (torch::ones gives such a tensor another identity), and activations can go.
  struct Known {
    at::Tensor kept;
    c10::weak_intrusive_ptr<c10::TensorImpl> seen;
    // Where it lies; the address means one storage as long as it is referred to.
    c10::weak_intrusive_ptr<c10::StorageImpl> storage;
    std::vector<int64_t> sizes, strides;
    int64_t offset = 0;
    at::ScalarType type = at::kFloat;
  };
  std::vector<Known> tensors_;
  std::unordered_map<const void*, size_t> numbers_;
  std::unordered_map<const void*, std::vector<size_t>> by_storage_;
  std::vector<at::Tensor> twins_;  // kept, as their addresses are in numbers_
  std::vector<std::string> stand_ins_;
  bool of_code_ = false;  // of real tensors: nothing stands in for what cannot be computed
};

}  // namespace onnxport
