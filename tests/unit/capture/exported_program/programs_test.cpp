#include "unit/capture/exported_program/programs.h"

#include "core/capture/exported_program/capture.h"

namespace onnxport::testing {
namespace {

std::string join(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

constexpr std::string_view kMeta = R"json({"dtype": 7, "sizes": [
  {"as_expr": {"expr_str": "Symbol('s0', integer=True)", "hint": {"as_int": 3}}}, {"as_int": 2}]})json";

}  // namespace

std::string tensor(std::string_view name) { return R"({"as_tensor": {"name": )" + in_quotes(name) + "}}"; }

std::string named(std::string_view name, std::string_view argument) {
  return R"({"name": )" + in_quotes(name) + R"(, "arg": )" + std::string(argument) + R"(, "kind": 1})";
}

std::string node(std::string_view target, const std::vector<std::string>& inputs,
                 const std::vector<std::string>& outputs) {
  std::vector<std::string> results;
  for (const std::string& name : outputs) results.push_back(tensor(name));
  return R"({"target": )" + in_quotes(target) + R"(, "inputs": [)" + join(inputs) + R"(], "outputs": [)" +
         join(results) + R"(], "metadata": {}})";
}

std::string ProgramText::text() const {
  std::vector<std::string> formal;
  std::vector<std::string> specs;
  std::vector<std::string> metas;
  for (const std::string& name : inputs) {
    formal.push_back(tensor(name));
    specs.push_back(R"({"user_input": {"arg": )" + tensor(name) + "}}");
    metas.push_back(in_quotes(name) + ": " + std::string(kMeta));
  }
  metas.push_back(R"("out": )" + std::string(kMeta));
  if (!values.empty()) metas.push_back(values);
  const std::string own_signature =
      R"({"input_specs": [)" + join(specs) +
      R"(], "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": "out"}}}}]})";
  return R"({"graph_module": {"graph": {"inputs": [)" + join(formal) + R"(], "outputs": )" + outputs +
         R"(, "nodes": [)" + join(nodes) + R"(], "tensor_values": {)" + join(metas) + R"(}}, "signature": )" +
         (signature.empty() ? own_signature : signature) + R"(}, "range_constraints": )" + ranges +
         R"(, "schema_version": )" + version + (extra.empty() ? "" : ", " + extra) + "}";
}

std::filesystem::path write_archive(const TemporaryFolder& folder, const Records& records) {
  ZipBytes zip;
  for (const auto& [name, bytes] : records) zip.add("p/" + name, bytes);
  return folder.write("p.pt2", zip.finish());
}

Captured capture(const Records& records, const CaptureOptions& options) {
  const TemporaryFolder folder;
  Captured out = capture_exported_program(write_archive(folder, records), options);
  for (const std::string& broken : ir::check_invariants(*out.graph)) ADD_FAILURE() << broken;
  return out;
}

Captured capture(const ProgramText& program, const CaptureOptions& options) {
  return capture(Records{{"models/model.json", program.text()}}, options);
}

std::vector<std::string> operators(const ir::Graph& graph) {
  std::vector<std::string> out;
  for (const ir::Node* n : graph.body()) {
    if (n->op() != "prim::Constant") out.emplace_back(n->op_text());
  }
  return out;
}

ir::AttributeValue constant_of(const ir::Value* value) {
  const ir::AttributeValue* found =
      value == nullptr || value->producer() == nullptr ? nullptr : value->producer()->attribute("value");
  if (found != nullptr) return *found;
  ADD_FAILURE() << "no constant";
  return std::string("no constant");
}

}  // namespace onnxport::testing
