// A model that lives in this process: a module, or any code, that is recorded while it runs.
#pragma once

#include <optional>
#include <vector>

#include "core/torch_interface/torch_interface.h"

namespace onnxport {

class LiveModel {
 public:
  virtual ~LiveModel() = default;
  // Runs the model and records it. Throws Error P6xx.
  virtual Captured capture(const CaptureOptions& options) const = 0;
  // What it was run on, parallel to the inputs of its graph.
  virtual std::vector<std::optional<ir::Tensor>> samples() const = 0;
};

}  // namespace onnxport
