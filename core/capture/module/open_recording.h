// A model that is whatever one thread runs between two calls: one run, at one size.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/capture/module/call_site.h"
#include "core/capture/module/module_graph.h"
#include "core/capture/module/module_state.h"
#include "core/torch_interface/live_model.h"
#include "onnxport/callable.h"

namespace onnxport {

class OpenRecording final : public LiveModel {
 public:
  // Begins to record this thread, which refers to the recording until it ends. Throws Error P601 for what is no tensor.
  OpenRecording(std::vector<NamedTensor> inputs, std::vector<NamedTensor> state);
  ~OpenRecording() override;
  OpenRecording(const OpenRecording&) = delete;
  OpenRecording& operator=(const OpenRecording&) = delete;

  // Whether this thread may end it, or it has ended.
  bool may_go() const { return open_ == nullptr || thread_ == std::this_thread::get_id(); }

  // Throws Error P601, P603, P604, P609; what it throws, capture() will.
  void end(const std::vector<NamedTensor>& outputs);

  Captured capture(const CaptureOptions& options) const override;
  std::vector<std::optional<ir::Tensor>> samples() const override;

 private:
  void finish(const std::vector<NamedTensor>& outputs);
  void keep(const std::vector<NamedTensor>& outputs);

  const std::vector<NamedTensor> inputs_, tensors_;
  ModuleState state_;
  mutable CallSites sites_;
  mutable std::mutex mutex_;     // of sites_, which remember what they found
  std::vector<ModuleRun> runs_;  // one
  std::shared_ptr<void> open_;   // null: ended
  std::thread::id thread_ = std::this_thread::get_id();
  std::optional<Error> error_;
};

}  // namespace onnxport
