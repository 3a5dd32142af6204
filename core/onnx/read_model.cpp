#include "core/onnx/read_model.h"

#include <algorithm>
#include <limits>

#include "core/onnx/graph_reader.h"
#include "core/onnx/proto.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

Location location_of(const std::filesystem::path& file) {
  Location place;
  place.file = file.string();
  return place;
}

template <typename Proto>
Proto parse(const std::filesystem::path& file, const char* kind) {
  const auto mapped = onnx::map_file(file);
  const auto bytes = mapped->bytes();
  Proto proto;
  const bool small_enough = bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max());
  if (bytes.empty() || !small_enough || !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error("I122", std::string("is not an ") + kind, location_of(file),
                bytes.empty() ? "the file is empty" : "the file is of another kind, or was cut off");
  }
  return proto;
}

}  // namespace

std::unique_ptr<ir::Graph> read_model(const std::filesystem::path& file) {
  const auto model = parse<pb::ModelProto>(file, "ONNX model");
  if (!model.has_graph() || model.opset_import_size() == 0) {
    throw Error("I122", "is not an ONNX model: it has no graph or no opset", location_of(file));
  }
  auto graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx);
  graph->ir_version = static_cast<int>(std::clamp<int64_t>(model.ir_version(), 0, 1 << 20));
  for (const auto& import : model.opset_import()) {
    const std::string domain = import.domain() == "ai.onnx" ? "" : import.domain();
    graph->opsets[domain] = static_cast<int>(std::clamp<int64_t>(import.version(), 0, 1 << 20));
  }
  for (const auto& entry : model.metadata_props()) graph->metadata[entry.key()] = entry.value();
  for (const auto& f : model.functions())
    graph->functions.push_back({f.domain(), f.name(), f.SerializeAsString()});
  onnx::TensorReader tensors(file);
  onnx::GraphReader(tensors, *graph, nullptr).read(model.graph());
  return graph;
}

ir::Tensor read_tensor_file(const std::filesystem::path& file, std::string* name) {
  const auto proto = parse<pb::TensorProto>(file, "ONNX tensor (TensorProto)");
  if (name != nullptr) *name = proto.name();
  return onnx::TensorReader(file).tensor(proto);
}

}  // namespace onnxport
