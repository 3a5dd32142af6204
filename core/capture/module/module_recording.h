// One run of a live model, recorded.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "core/capture/module/call_site.h"
#include "core/capture/module/module_state.h"
#include "core/libtorch/recorder.h"

namespace onnxport {

class ModuleRecording final : public Recording {
 public:
  ModuleRecording(ModuleState& state, CallSites& sites) : state_(state), sites_(sites) {}

  // Contents that C++ code gave a tensor without an operator, as they were when an operator first read them; undefined: none.
  at::Tensor contents(size_t tensor) const;
  // The call made a tensor that C++ code then filled.
  bool is_filled_by_code(const RecordedCall& call) const;
  // Values of tensors that C++ code asked for.
  const std::optional<Error>& read() const { return read_; }
  // The sizes of what operators returned that find elements, or take those under a mask: they depend on contents.
  const std::vector<std::vector<int64_t>>& found_sizes() const { return found_sizes_; }
  // An operator whose results depend on chance was called; its name.
  const std::string& random() const { return random_; }
  // Where forward was when it threw: in an operator, or after its last one.
  struct Reached {
    bool inside = false;
    Location place;
  };
  Reached reached() const;
  // Forward returned the tensor: its caller reads it.
  void returned(const at::Tensor& tensor) { look_at(tensor, Use::read); }
  // What was taken for granted of the inputs; empty: nothing.
  const std::string& assumed() const { return assumed_; }

 protected:
  void before(RecordedCall& call, const c10::IValue* first) override;
  void answered(const RecordedCall& call, c10::IValue& answer) override;
  void after(RecordedCall& call) override;

 private:
  enum class Use : uint8_t { read, overwrite, view };
  void look_at(const at::Tensor& tensor, Use use);

  ModuleState& state_;
  CallSites& sites_;
  std::string running_;  // the operator that was called last
  std::vector<void*> frames_;
  bool returned_ = false;
  // Made without contents, and neither written by an operator nor read yet; by storage, since views share it.
  struct Blank {
    size_t number = 0;
    at::Tensor alias;
  };
  std::unordered_map<const void*, Blank> blank_;
  std::unordered_map<size_t, at::Tensor> contents_;
  bool finds_ = false;  // the call that runs
  std::vector<std::vector<int64_t>> found_sizes_;
  std::optional<Error> read_;
  std::string random_, assumed_;
};

}  // namespace onnxport
