#include "core/onnx/model_file.h"

#include <algorithm>
#include <limits>
#include <set>

#include "core/onnx/graph_reader.h"
#include "core/onnx/wire.h"
#include "onnxport/errors.h"

namespace onnxport::onnx {

namespace {

constexpr size_t kLargestMessage = static_cast<size_t>(std::numeric_limits<int>::max());

Location location_of(const std::filesystem::path& file) {
  Location place;
  place.file = file.string();
  return place;
}

int version_of(const pb::OperatorSetIdProto& import) {
  return static_cast<int>(std::clamp<int64_t>(import.version(), 0, 1 << 20));
}

// Every tensor of the message, and of what it holds.
template <typename Visit>
void for_each_tensor(const pb::GraphProto& graph, const Visit& visit);

template <typename Visit>
void for_each_tensor(const pb::NodeProto& node, const Visit& visit) {
  for (const pb::AttributeProto& attribute : node.attribute()) {
    if (attribute.has_t()) visit(attribute.t());
    for (const pb::TensorProto& tensor : attribute.tensors()) visit(tensor);
    if (attribute.has_g()) for_each_tensor(attribute.g(), visit);
  }
}

template <typename Visit>
void for_each_tensor(const pb::GraphProto& graph, const Visit& visit) {
  for (const pb::TensorProto& tensor : graph.initializer()) visit(tensor);
  for (const pb::NodeProto& node : graph.node()) for_each_tensor(node, visit);
}

// What comes next relies on it: an If has two branches, names and links agree.
void check_sound(const ir::Graph& graph, const std::filesystem::path& file) {
  const std::vector<std::string> broken = ir::check_invariants(graph);
  if (broken.empty()) return;
  throw Error("I123", broken.front(), location_of(file),
              "the file is damaged or was written wrongly: run onnx.checker on it");
}

pb::ModelProto parse(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  const auto refuse = [&](const std::string& why) {
    throw Error("I122", "is not an ONNX model" + why, location_of(file),
                bytes.empty() ? "the file is empty" : "the file is of another kind, or was cut off");
  };
  if (bytes.empty()) refuse("");
  std::string nodes;
  try {
    nodes = without_raw_data(bytes);
  } catch (const Error& e) {
    Diagnostic d = e.diagnostics().front();
    d.place = location_of(file);
    throw Error(std::move(d));
  }
  if (nodes.size() > kLargestMessage) refuse(" that can be read: without its tensors it is above 2 GiB");
  pb::ModelProto out;
  if (!out.ParseFromArray(nodes.data(), static_cast<int>(nodes.size()))) refuse("");
  if (!out.has_graph() || out.opset_import_size() == 0) refuse(": it has no graph or no opset");
  return out;
}

}  // namespace

ModelFile::ModelFile(const std::filesystem::path& file, bool has_folder)
    : path_(file), has_folder_(has_folder), mapped_(map_file(file)), proto_(parse(file, mapped_->bytes())) {
  std::set<std::tuple<std::string, std::string, std::string>> names;
  for (const pb::FunctionProto& function : proto_.functions()) {
    const std::string name = function.domain() + "::" + function.name();
    if (function.domain().empty() || function.domain() == "ai.onnx") {
      throw Error(
          "I125",
          "the local function '" + function.name() + "' is of ONNX's own domain: not read by this version",
          location_of(path_), "give the function a domain of its own");
    }
    if (!names.emplace(function.domain(), function.name(), function.overload()).second) {
      throw Error("I123", "the local function '" + name + "' is defined twice", location_of(path_),
                  "the file was written wrongly: run onnx.checker on it");
    }
  }
}

int ModelFile::opset() const {
  for (const auto& import : proto_.opset_import()) {
    if (import.domain().empty() || import.domain() == "ai.onnx") return version_of(import);
  }
  return 0;
}

ModelForm ModelFile::read() const {
  TensorReader tensors(path_, mapped_, has_folder_);
  ModelForm out{std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx), {}};
  ir::Graph& graph = *out.graph;
  graph.ir_version = static_cast<int>(std::clamp<int64_t>(proto_.ir_version(), 0, 1 << 20));
  for (const auto& import : proto_.opset_import())
    graph.opsets[import.domain() == "ai.onnx" ? "" : import.domain()] = version_of(import);
  for (const auto& entry : proto_.metadata_props()) graph.metadata[entry.key()] = entry.value();
  GraphReader(tensors, graph, &out.facts.graph).read(proto_.graph());
  check_sound(graph, path_);
  pb::ModelProto& rest = out.facts.rest;
  rest.set_producer_name(proto_.producer_name());
  rest.set_producer_version(proto_.producer_version());
  rest.set_domain(proto_.domain());
  rest.set_model_version(proto_.model_version());
  rest.set_doc_string(proto_.doc_string());
  *rest.mutable_metadata_props() = proto_.metadata_props();
  *rest.mutable_training_info() = proto_.training_info();
  *rest.mutable_configuration() = proto_.configuration();
  for (const pb::FunctionProto& function : proto_.functions()) {
    LocalFunctionForm& form = out.facts.functions.emplace_back();
    form.graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx);
    GraphReader(tensors, *form.graph, &form.facts).read(function);
    check_sound(*form.graph, path_);
    form.rest = function;
    form.rest.clear_node();
  }
  return out;
}

LocalFunctionForm ModelFile::read_call(const pb::FunctionProto& function,
                                       const std::vector<pb::AttributeProto>& given) const {
  TensorReader tensors(path_, mapped_, has_folder_);
  LocalFunctionForm out;
  out.graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx);
  GraphReader(tensors, *out.graph, &out.facts).read(function, &given);
  check_sound(*out.graph, path_);
  return out;
}

std::vector<std::filesystem::path> ModelFile::data_files() const {
  std::set<std::string> locations;
  const auto note = [&](const pb::TensorProto& tensor) {
    if (tensor.data_location() != pb::TensorProto::EXTERNAL) return;
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") locations.insert(entry.value());
    }
  };
  for_each_tensor(proto_.graph(), note);
  for (const pb::FunctionProto& function : proto_.functions()) {
    for (const pb::NodeProto& node : function.node()) for_each_tensor(node, note);
  }
  std::vector<std::filesystem::path> out;
  for (const std::string& location : locations) out.push_back(path_.parent_path() / location);
  return out;
}

}  // namespace onnxport::onnx
