// Small TorchScript models, made and saved by the tests themselves.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/torch_interface/torch_interface.h"

extern "C" onnxport::TorchInterface* onnxport_torch_interface();

namespace onnxport::testing {

// A folder that goes when the test does.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

torch::jit::Module module_of(const std::string& code);
// weight f32[out,in] and bias f32[out], with numbers that differ.
torch::jit::Module linear(int64_t in, int64_t out);
// Copies an archive; `edit` may change the text of each code record.
void rewrite_code(const std::filesystem::path& from, const std::filesystem::path& to,
                  const std::function<std::string(std::string)>& edit);

InputSpec input(const std::string& name, const std::string& type);
InputSpec fixed(const std::string& name, ir::AttributeValue value);
Captured capture(const std::filesystem::path& file, std::vector<InputSpec> inputs,
                 CaptureOptions options = {});
// The codes of the Error that `action` throws; empty when it throws none.
std::vector<std::string> codes(const std::function<void()>& action);
std::string message(const std::function<void()>& action);

Argument value(const at::Tensor& tensor);
at::Tensor tensor(const Argument& value);
std::vector<std::string> operators(const ir::Graph& graph);

}  // namespace onnxport::testing
