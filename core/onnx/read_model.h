// ONNX files into the IR: models and single tensors.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/ir/graph.h"

namespace onnxport {

// Reads an ONNX file into the ONNX dialect (external data mapped). Throws Error I12x.
std::unique_ptr<ir::Graph> read_model(const std::filesystem::path& file);
// Reads a TensorProto file (input_0.pb …); `name` gets the tensor's. Throws Error I12x.
ir::Tensor read_tensor_file(const std::filesystem::path& file, std::string* name = nullptr);

}  // namespace onnxport
