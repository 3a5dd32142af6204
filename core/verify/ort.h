// ONNX Runtime through its C API, opened at run time: nothing of it is linked.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/ir/tensor.h"

namespace onnxport {

// One loaded model on the CPU provider, deterministic single-threaded by default.
class OrtSession {
 public:
  // Throws Error V802 when no ONNX Runtime is found (ONNXPORT_ORT_LIBRARY names one), V804 when it refuses the model.
  explicit OrtSession(const std::filesystem::path& model,
                      std::span<const std::filesystem::path> custom_libraries = {});
  ~OrtSession();
  OrtSession(const OrtSession&) = delete;
  OrtSession& operator=(const OrtSession&) = delete;

  const std::vector<std::string>& input_names() const;
  const std::vector<std::string>& output_names() const;
  // Inputs by name; results in the order of output_names(). Throws Error V804 with ONNX Runtime's own words.
  std::vector<ir::Tensor> run(const std::vector<std::pair<std::string, ir::Tensor>>& inputs);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace onnxport
