#include "core/onnx/read_model.h"

#include <algorithm>
#include <limits>
#include <map>
#include <system_error>
#include <unordered_map>

#include "core/archive/mapped_file.h"
#include "core/onnx/convert.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

Location location_of(const std::filesystem::path& file) {
  Location place;
  place.file = file.string();
  return place;
}

std::shared_ptr<const MappedFile> map_file(const std::filesystem::path& file) {
  try {
    return MappedFile::open(file);
  } catch (const std::system_error& e) {
    throw Error("I121", "cannot be read: " + e.code().message(), location_of(file),
                "check the path and its permissions");
  }
}

// External data of one model: each file is mapped once.
class ExternalData {
 public:
  explicit ExternalData(std::filesystem::path model) : model_(std::move(model)) {}

  ir::Tensor tensor(const pb::TensorProto& proto) {
    std::string location;
    std::optional<uint64_t> offset = 0;
    std::optional<uint64_t> length;
    for (const auto& entry : proto.external_data()) {
      if (entry.key() == "location") location = entry.value();
      if (entry.key() == "offset") offset = number(entry.value());
      if (entry.key() == "length") length = number(entry.value());
    }
    const std::filesystem::path relative(location);
    if (location.empty() || relative.is_absolute()) refuse(proto, "names no file beside the model");
    for (const auto& part : relative) {
      if (part == "..") refuse(proto, "names a file outside the model's folder, '" + location + "'");
    }
    const File& file = open(model_.parent_path() / relative);
    const auto bytes = file.mapped->bytes();
    if (!offset || *offset > bytes.size()) refuse(proto, "starts behind the end of '" + location + "'");
    const uint64_t size = length.value_or(bytes.size() - *offset);
    if (size > bytes.size() - *offset) refuse(proto, "ends behind the end of '" + location + "'");
    try {
      return ir::Tensor(static_cast<ir::DType>(proto.data_type()), {proto.dims().begin(), proto.dims().end()},
                        bytes.subspan(*offset, size), file.mapped, ir::FileRegion{file.path, *offset});
    } catch (const std::invalid_argument&) {
      refuse(proto, "has another number of bytes in '" + location + "' than its dims say");
    }
  }

 private:
  struct File {
    std::shared_ptr<const MappedFile> mapped;
    std::shared_ptr<const std::string> path;
  };

  static std::optional<uint64_t> number(const std::string& text) {
    if (text.empty() || text.size() > 19 || text.find_first_not_of("0123456789") != std::string::npos)
      return {};
    return std::stoull(text);
  }

  const File& open(const std::filesystem::path& path) {
    File& file = files_[path.string()];
    if (!file.mapped) file = {map_file(path), std::make_shared<const std::string>(path.string())};
    return file;
  }

  [[noreturn]] void refuse(const pb::TensorProto& proto, const std::string& why) const {
    throw Error("I124", "the external data of '" + proto.name() + "' " + why, location_of(model_),
                "keep the data file beside the model, as it was written");
  }

  std::filesystem::path model_;
  std::map<std::string, File> files_;
};

// Names to values, inner scopes over outer ones.
class Scope {
 public:
  explicit Scope(const Scope* outer) : outer_(outer) {}
  bool define(const std::string& name, ir::Value* value) { return values_.try_emplace(name, value).second; }
  ir::Value* find(const std::string& name) const {
    const auto it = values_.find(name);
    if (it != values_.end()) return it->second;
    return outer_ == nullptr ? nullptr : outer_->find(name);
  }
  bool defines(const std::string& name) const { return values_.contains(name); }

 private:
  const Scope* outer_;
  std::unordered_map<std::string, ir::Value*> values_;
};

class GraphReader {
 public:
  GraphReader(const pb::ModelProto& model, const std::filesystem::path& file)
      : model_(model),
        file_(file),
        external_(file),
        graph_(std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx)) {}

  std::unique_ptr<ir::Graph> graph() {
    graph_->ir_version = static_cast<int>(std::clamp<int64_t>(model_.ir_version(), 0, 1 << 20));
    for (const auto& import : model_.opset_import()) {
      const std::string domain = import.domain() == "ai.onnx" ? "" : import.domain();
      graph_->opsets[domain] = static_cast<int>(std::clamp<int64_t>(import.version(), 0, 1 << 20));
    }
    for (const auto& entry : model_.metadata_props()) graph_->metadata[entry.key()] = entry.value();
    for (const auto& f : model_.functions()) {
      graph_->functions.push_back({f.domain(), f.name(), f.SerializeAsString()});
    }
    if (!model_.graph().name().empty()) graph_->graph_name = model_.graph().name();
    Scope scope(nullptr);
    read_block(model_.graph(), graph_->body(), scope);
    for (const ir::Value* input : graph_->body().parameters()) {
      graph_->input_names.emplace_back(input->name().text());
    }
    for (const auto& output : model_.graph().output()) graph_->output_names.push_back(output.name());
    return std::move(graph_);
  }

 private:
  static constexpr int kDeepest = 64;  // graphs in graphs

  [[noreturn]] void malformed(const std::string& what) const {
    throw Error("I123", what, location_of(file_),
                "the file is damaged or was written wrongly: run onnx.checker on it");
  }

  void define(Scope& scope, const std::string& name, ir::Value* value) {
    if (!scope.define(name, value)) malformed("the name '" + name + "' is defined twice");
  }

  void read_block(const pb::GraphProto& proto, ir::Block& block, Scope& scope) {
    if (++depth_ > kDeepest) malformed("graphs are nested more than 64 deep");
    std::unordered_map<std::string, const pb::TypeProto*> types;
    for (const auto& info : proto.value_info()) types[info.name()] = &info.type();
    for (const auto& info : proto.output()) types[info.name()] = &info.type();
    for (const pb::TensorProto& tensor : proto.initializer()) {
      ir::Value* value = graph_->add_initializer(tensor.name(), read_tensor(tensor));
      value->set_type(value->constant()->type());
      define(scope, tensor.name(), value);
    }
    if (proto.sparse_initializer_size() > 0) unsupported("sparse initializers");
    for (const auto& input : proto.input()) {
      if (scope.defines(input.name())) continue;  // an initializer that is listed as an input too
      define(scope, input.name(),
             block.add_parameter(onnx::to_type(input.type()), graph_->intern(input.name())));
    }
    for (const pb::NodeProto& node : proto.node()) read_node(node, block, scope, types);
    for (const auto& output : proto.output()) {
      ir::Value* value = scope.find(output.name());
      if (value == nullptr) malformed("the output '" + output.name() + "' is made by no node");
      block.add_result(value);
    }
    --depth_;
  }

  void read_node(const pb::NodeProto& proto, ir::Block& block, Scope& scope,
                 const std::unordered_map<std::string, const pb::TypeProto*>& types) {
    const bool standard = proto.domain().empty() || proto.domain() == "ai.onnx";
    std::vector<ir::Value*> operands;
    for (const std::string& input : proto.input()) {
      operands.push_back(input.empty() ? nullptr : scope.find(input));
      if (!input.empty() && operands.back() == nullptr) {
        malformed("'" + proto.name() + "' (" + proto.op_type() + ") reads '" + input +
                  "', which nothing before it makes");
      }
    }
    ir::Node* node =
        graph_->create(standard ? proto.op_type() : proto.domain() + "::" + proto.op_type(), operands);
    node->set_name(graph_->intern(proto.name()));
    node->set_provenance(provenance(proto));
    graph_->append(block, node);
    for (const pb::AttributeProto& attribute : proto.attribute()) {
      node->set_attribute(graph_->intern(attribute.name()), read_attribute(attribute, *node, scope));
    }
    for (const std::string& name : proto.output()) {
      const auto type = types.find(name);
      ir::Value* output = node->add_output(type == types.end() ? ir::Type() : onnx::to_type(*type->second));
      if (name.empty()) continue;  // not asked for
      output->set_name(graph_->intern(name));
      define(scope, name, output);
    }
  }

  const ir::Provenance* provenance(const pb::NodeProto& proto) {
    ir::Provenance from;
    for (const auto& entry : proto.metadata_props()) {
      if (entry.key() == "onnxport.module") from.module_path = entry.value();
      if (entry.key() == "onnxport.source") from.source = entry.value();
      if (entry.key() == "onnxport.value") from.original_name = entry.value();
    }
    const bool any = !from.module_path.empty() || !from.source.empty() || !from.original_name.empty();
    return any ? graph_->keep(std::move(from)) : nullptr;
  }

  ir::AttributeValue read_attribute(const pb::AttributeProto& proto, ir::Node& node, const Scope& scope) {
    switch (proto.type()) {
      case pb::AttributeProto::TENSOR:
        return read_tensor(proto.t());
      case pb::AttributeProto::GRAPH: {
        ir::Block* block = node.add_block();
        Scope inner(&scope);
        read_block(proto.g(), *block, inner);
        return block;
      }
      case pb::AttributeProto::GRAPHS:
      case pb::AttributeProto::TENSORS:
      case pb::AttributeProto::SPARSE_TENSOR:
      case pb::AttributeProto::SPARSE_TENSORS:
      case pb::AttributeProto::TYPE_PROTO:
      case pb::AttributeProto::TYPE_PROTOS:
      case pb::AttributeProto::UNDEFINED:
        unsupported("the attribute '" + proto.name() + "' of " + std::string(node.op_text()));
      default:
        return onnx::to_attribute_value(proto);
    }
  }

  ir::Tensor read_tensor(const pb::TensorProto& tensor) {
    if (tensor.data_location() == pb::TensorProto::EXTERNAL) return external_.tensor(tensor);
    try {
      return onnx::to_tensor(tensor);
    } catch (const Error& e) {
      Diagnostic d = e.diagnostics().front();
      d.place = location_of(file_);
      throw Error(std::move(d));
    }
  }

  [[noreturn]] void unsupported(const std::string& what) const {
    throw Error("I125", what + ": not read by this version", location_of(file_));
  }

  const pb::ModelProto& model_;
  const std::filesystem::path& file_;
  ExternalData external_;
  std::unique_ptr<ir::Graph> graph_;
  int depth_ = 0;
};

template <typename Proto>
Proto parse(const std::filesystem::path& file, const char* kind) {
  const auto mapped = map_file(file);
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
  return GraphReader(model, file).graph();
}

ir::Tensor read_tensor_file(const std::filesystem::path& file, std::string* name) {
  const auto proto = parse<pb::TensorProto>(file, "ONNX tensor (TensorProto)");
  if (name != nullptr) *name = proto.name();
  try {
    if (proto.data_location() == pb::TensorProto::EXTERNAL) return ExternalData(file).tensor(proto);
    return onnx::to_tensor(proto);
  } catch (const Error& e) {
    Diagnostic d = e.diagnostics().front();
    d.place = location_of(file);
    throw Error(std::move(d));
  }
}

}  // namespace onnxport
