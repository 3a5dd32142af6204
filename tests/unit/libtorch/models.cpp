#include "unit/libtorch/models.h"

#include <ATen/ops/arange.h>
#include <caffe2/serialize/inline_container.h>
#include <stdlib.h>

#include "core/libtorch/convert.h"
#include "core/libtorch/ivalue.h"

namespace onnxport::testing {

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "onnxport-XXXXXX").string();
  path_ = mkdtemp(name.data());
}

Folder::~Folder() { std::filesystem::remove_all(path_); }

torch::jit::Module module_of(const std::string& code) {
  torch::jit::Module out("Model");
  out.define(code);
  return out;
}

torch::jit::Module linear(int64_t in, int64_t out) {
  torch::jit::Module module("Linear");
  const auto numbers = [](int64_t count) { return at::arange(count, at::kFloat).mul(0.25).sub(1).sin(); };
  module.register_parameter("weight", numbers(in * out).reshape({out, in}), false);
  module.register_parameter("bias", numbers(out), false);
  module.define("def forward(self, x):\n  return torch.addmm(self.bias, x, torch.t(self.weight))\n");
  return module;
}

void rewrite_code(const std::filesystem::path& from, const std::filesystem::path& to,
                  const std::function<std::string(std::string)>& edit) {
  caffe2::serialize::PyTorchStreamReader reader(from.string());
  caffe2::serialize::PyTorchStreamWriter writer(to.string());
  for (const std::string& name : reader.getAllRecords()) {
    if (name == "version" || name == "byteorder" || name.starts_with(".data/")) continue;
    const auto [data, size] = reader.getRecord(name);
    std::string text(static_cast<const char*>(data.get()), size);
    if (name.starts_with("code/") && name.ends_with(".py")) text = edit(std::move(text));
    writer.writeRecord(name, text.data(), text.size());
  }
  writer.writeEndOfFile();
}

InputSpec input(const std::string& name, const std::string& type) {
  InputSpec out;
  out.name = name;
  out.type = ir::Type::parse(type).value();
  return out;
}

InputSpec fixed(const std::string& name, ir::AttributeValue value) {
  InputSpec out;
  out.name = name;
  out.fixed = std::move(value);
  return out;
}

Captured capture(const std::filesystem::path& file, std::vector<InputSpec> inputs, CaptureOptions options) {
  options.inputs = std::move(inputs);
  return onnxport_torch_interface()->capture_torchscript(file, options);
}

std::vector<std::string> codes(const std::function<void()>& action) {
  std::vector<std::string> out;
  try {
    action();
  } catch (const Error& e) {
    for (const Diagnostic& d : e.diagnostics()) out.push_back(d.code);
  }
  return out;
}

std::string message(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

Argument value(const at::Tensor& tensor) { return from_ivalue(tensor); }
at::Tensor tensor(const Argument& value) { return to_ivalue(value).toTensor(); }

std::vector<std::string> operators(const ir::Graph& graph) {
  std::vector<std::string> out;
  for (const ir::Node* node : graph.body()) {
    if (!node->op_text().starts_with("prim::")) out.emplace_back(node->op_text());
  }
  return out;
}

}  // namespace onnxport::testing
