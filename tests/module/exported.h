// A live module exported, compared with libtorch in ONNX Runtime at two sizes, in the words of its errors where it is refused.
#pragma once

#include <torch/torch.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "onnxport/module.h"

namespace onnxport::testing {

inline std::filesystem::path scratch_file() {
  return std::filesystem::temp_directory_path() / ("onnxport_module_" + std::to_string(::getpid()) + ".onnx");
}

// "" when the file gives libtorch's numbers; else what was thrown.
inline std::string verified(const Source& source, const std::vector<std::string>& inputs,
                            ExportOptions options = {}) {
  options.inputs = inputs;
  options.verify.enabled = true;
  std::string out;
  try {
    export_file(source, scratch_file(), options);
  } catch (const std::exception& e) {
    out = e.what();
  }
  std::filesystem::remove(scratch_file());
  return out;
}

template <typename Module>
std::string verified(Module& module, std::vector<c10::IValue> examples,
                     const std::vector<std::string>& inputs, const ExportOptions& options = {}) {
  return verified(module_source(module, std::move(examples)), inputs, options);
}

// A module around a function: for what a forward may do.
template <typename Function>
struct Written : torch::nn::Module {
  explicit Written(Function function) : function(std::move(function)) {}
  torch::Tensor forward(const torch::Tensor& x) { return function(*this, x); }

  torch::nn::Linear linear{this->register_module("linear", torch::nn::Linear(4, 4))};
  torch::Tensor calls{this->register_buffer("calls", torch::zeros({4}))};
  Function function;
};

}  // namespace onnxport::testing
