// Small programs as torch.export.save writes them, made by the tests themselves.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/ir/graph.h"
#include "core/torch_interface/torch_interface.h"
#include "unit/archive/zip_bytes.h"
#include "unit/plugin/files.h"

namespace onnxport::testing {

using test::error_of;
using test::TemporaryFolder;

// A program of one graph. Every text is JSON.
struct ProgramText {
  std::string version = R"({"major": 8, "minor": 20})";
  std::vector<std::string> inputs;  // names of f32[s0,2] tensors
  std::vector<std::string> nodes;   // see node()
  std::string values;               // further members of tensor_values
  std::string outputs = R"([{"as_tensor": {"name": "out"}}])";
  std::string ranges = "{}";
  std::string signature;  // in place of the one that follows from inputs and outputs
  std::string extra;      // further members of the program

  std::string text() const;
};

// {"target": …}: `inputs` are node inputs, see named(); `outputs` are names of tensors.
std::string node(std::string_view target, const std::vector<std::string>& inputs,
                 const std::vector<std::string>& outputs = {"out"});
std::string named(std::string_view name, std::string_view argument);
// The argument {"as_tensor": {"name": …}}.
std::string tensor(std::string_view name);

using Records = std::map<std::string, std::string>;  // without the archive's own folder
std::filesystem::path write_archive(const TemporaryFolder& folder, const Records& records);
// Captures an archive of these records; "models/model.json" is the program.
Captured capture(const Records& records, const CaptureOptions& options = {});
Captured capture(const ProgramText& program, const CaptureOptions& options = {});
// The operators of the body, constants left out.
std::vector<std::string> operators(const ir::Graph& graph);
// The value of the prim::Constant that makes `value`.
ir::AttributeValue constant_of(const ir::Value* value);

}  // namespace onnxport::testing
