#include "core/onnx/graph_reader.h"

#include <algorithm>

#include "core/onnx/convert.h"
#include "onnxport/errors.h"

namespace onnxport::onnx {

namespace {

constexpr int kDeepest = 64;  // graphs in graphs

bool is_standard(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

// The value of a Constant, where it is one that a tensor holds.
std::optional<ir::Tensor> constant_of(const pb::AttributeProto& attribute, TensorReader& tensors) {
  const std::string& name = attribute.name();
  if (name == "value" && attribute.has_t() && TensorReader::holds(attribute.t()))
    return tensors.tensor(attribute.t());
  if (name == "value_int") return ir::Tensor::scalar(attribute.i());
  if (name == "value_ints") return ir::Tensor::ints({attribute.ints().begin(), attribute.ints().end()});
  if (name == "value_float") return ir::Tensor::of<float>(ir::DType::f32, {}, {attribute.f()});
  if (name == "value_floats")
    return ir::Tensor::of<float>(ir::DType::f32, {attribute.floats_size()},
                                 {attribute.floats().begin(), attribute.floats().end()});
  return std::nullopt;
}

// The element before the last of torch's "['', 'encoder', 'encoder.layers.0', 'linear']": the module of the node.
std::string module_of_scopes(const std::string& scopes) {
  std::vector<std::string> names;
  for (size_t at = scopes.find('\''); at != std::string::npos;) {
    const size_t end = scopes.find('\'', at + 1);
    if (end == std::string::npos) break;
    names.push_back(scopes.substr(at + 1, end - at - 1));
    at = scopes.find('\'', end + 1);
  }
  return names.size() < 2 ? std::string() : names[names.size() - 2];
}

}  // namespace

std::string module_path_of(const pb::NodeProto& node) {
  for (const auto& entry : node.metadata_props()) {
    if (entry.key() == "onnxport.module" && !entry.value().empty()) return entry.value();
    if (entry.key() != "pkg.torch.onnx.name_scopes") continue;
    std::string module = module_of_scopes(entry.value());
    if (!module.empty()) return module;
  }
  return node.name();
}

void GraphReader::malformed(const std::string& what) const {
  Location place;
  place.file = tensors_.file().string();
  throw Error("I123", what, place, "the file is damaged or was written wrongly: run onnx.checker on it");
}

void GraphReader::unsupported(const std::string& what) const {
  Location place;
  place.file = tensors_.file().string();
  throw Error("I125", what + ": not read by this version", place);
}

void GraphReader::define(Scope& scope, const std::string& name, ir::Value* value) {
  if (!scope.define(name, value)) malformed("the name '" + name + "' is defined twice");
}

void GraphReader::describe(const pb::ValueInfoProto& info) {
  if (facts_ != nullptr) facts_->values.try_emplace(info.name(), DescribedValue{info, to_type(info.type())});
}

// ---- graphs ----

void GraphReader::read(const pb::GraphProto& proto) {
  if (!proto.name().empty()) graph_.graph_name = proto.name();
  Scope scope(nullptr);
  read_block(proto, graph_.body(), scope);
  for (const ir::Value* input : graph_.body().parameters())
    graph_.input_names.emplace_back(input->name().text());
  for (const auto& output : proto.output()) graph_.output_names.push_back(output.name());
  if (facts_ != nullptr) note_inputs(proto);
}

void GraphReader::read(const pb::FunctionProto& proto, const std::vector<pb::AttributeProto>* given) {
  function_ = &proto;
  given_ = given;
  graph_.graph_name = proto.name();
  for (const auto& import : proto.opset_import()) {
    graph_.opsets[import.domain() == "ai.onnx" ? "" : import.domain()] =
        static_cast<int>(std::clamp<int64_t>(import.version(), 0, 1 << 20));
  }
  Scope scope(nullptr);
  Types types;
  for (const auto& info : proto.value_info()) {
    types[info.name()] = &info.type();
    describe(info);
  }
  for (const std::string& name : proto.input()) {
    define(scope, name, graph_.body().add_parameter(ir::Type(), graph_.intern(name)));
    graph_.input_names.push_back(name);
  }
  for (const pb::NodeProto& node : proto.node()) read_node(node, graph_.body(), scope, types);
  for (const std::string& name : proto.output()) {
    ir::Value* value = scope.find(name);
    if (value == nullptr)
      malformed("the output '" + name + "' of the function " + proto.name() + " is made by no node");
    graph_.body().add_result(value);
    graph_.output_names.push_back(name);
  }
}

// Inputs in their order, and the tensors that are read by nothing but are of the file's interface.
void GraphReader::note_inputs(const pb::GraphProto& proto) {
  for (const auto& input : proto.input()) facts_->inputs.push_back(input.name());
  std::unordered_map<std::string_view, bool> wanted;
  for (const auto& input : proto.input()) wanted[input.name()] = true;
  for (const auto& annotation : proto.quantization_annotation()) {
    for (const auto& entry : annotation.quant_parameter_tensor_names()) wanted[entry.value()] = true;
  }
  std::unordered_map<std::string_view, const ir::Value*> unused;
  for (const ir::Value* value : graph_.initializers()) {
    if (!value->has_uses()) unused[value->name().text()] = value;
  }
  for (const auto& tensor : proto.initializer()) {
    if (!unused.contains(tensor.name()) || !wanted.contains(tensor.name())) continue;
    pb::TensorProto& kept = facts_->unused_tensors.emplace_back();
    to_proto(*unused[tensor.name()]->constant(), kept);
    kept.set_name(tensor.name());
  }
  graph_.remove_unused_initializers();
}

void GraphReader::read_initializers(const pb::GraphProto& proto, Scope& scope) {
  for (const pb::TensorProto& tensor : proto.initializer()) {
    if (facts_ != nullptr && !TensorReader::holds(tensor)) {
      if (tensor.data_location() == pb::TensorProto::EXTERNAL) tensors_.tensor(tensor);  // says what is wrong
      OpaqueContents contents;
      contents.tensor = std::make_unique<pb::TensorProto>(tensors_.whole(tensor));
      ir::Type type = ir::Type::tensor(to_dtype(tensor.data_type()));
      add_contents(tensor.name(), std::move(type), std::move(contents), scope);
      continue;
    }
    // In a block, a name that the graph has already is of another tensor.
    const bool known = initializer_names_[tensor.name()]++ > 0;
    ir::Value* value = graph_.add_initializer(known ? "" : tensor.name(), tensors_.tensor(tensor));
    value->set_type(value->constant()->type());
    define(scope, tensor.name(), value);
  }
  for (const pb::SparseTensorProto& sparse : proto.sparse_initializer()) {
    if (facts_ == nullptr) unsupported("sparse initializers");
    OpaqueContents contents;
    contents.sparse = std::make_unique<pb::SparseTensorProto>(sparse);
    ir::Shape shape;
    for (const int64_t dim : sparse.dims()) shape.push_back(dim < 0 ? ir::Dim() : ir::Dim(dim));
    ir::Type type = ir::Type::tensor(to_dtype(sparse.values().data_type()), std::move(shape));
    add_contents(sparse.values().name(), std::move(type), std::move(contents), scope);
  }
}

// A parameter of the whole graph that no caller gives.
void GraphReader::add_contents(const std::string& name, ir::Type type, OpaqueContents contents,
                               Scope& scope) {
  if (name.empty()) malformed("an initializer has no name");
  const bool known = initializer_names_[name]++ > 0;
  ir::Value* value = graph_.body().add_parameter(std::move(type), graph_.intern(known ? "" : name));
  define(scope, name, value);
  facts_->contents[value] = std::move(contents);
}

void GraphReader::read_block(const pb::GraphProto& proto, ir::Block& block, Scope& scope) {
  if (++depth_ > kDeepest) malformed("graphs are nested more than 64 deep");
  Types types;
  for (const auto& info : proto.value_info()) types[info.name()] = &info.type();
  for (const auto& info : proto.output()) types[info.name()] = &info.type();
  for (const auto& info : proto.input()) describe(info);
  for (const auto& info : proto.output()) describe(info);
  for (const auto& info : proto.value_info()) describe(info);
  // Inputs come first among the parameters, whatever else becomes one.
  std::unordered_map<std::string_view, bool> initialized;
  for (const auto& tensor : proto.initializer()) initialized[tensor.name()] = true;
  for (const auto& sparse : proto.sparse_initializer()) initialized[sparse.values().name()] = true;
  for (const auto& input : proto.input()) {
    if (initialized.contains(input.name())) continue;  // an initializer that is listed as an input too
    define(scope, input.name(), block.add_parameter(to_type(input.type()), graph_.intern(input.name())));
  }
  read_initializers(proto, scope);
  if (facts_ != nullptr) {
    pb::GraphProto& rest = facts_->blocks[&block];
    rest.set_name(proto.name());
    rest.set_doc_string(proto.doc_string());
    *rest.mutable_quantization_annotation() = proto.quantization_annotation();
    *rest.mutable_metadata_props() = proto.metadata_props();
  }
  for (const pb::NodeProto& node : proto.node()) read_node(node, block, scope, types);
  for (const auto& output : proto.output()) {
    ir::Value* value = scope.find(output.name());
    if (value == nullptr) malformed("the output '" + output.name() + "' is made by no node");
    block.add_result(value);
  }
  --depth_;
}

// ---- nodes ----

bool GraphReader::read_constant(const pb::NodeProto& proto, Scope& scope) {
  if (facts_ == nullptr || proto.op_type() != "Constant" || !is_standard(proto.domain())) return false;
  if (proto.attribute_size() != 1 || proto.output_size() != 1 || proto.output(0).empty()) return false;
  const auto attribute = resolved(proto.attribute(0));
  if (!attribute || !attribute->ref_attr_name().empty()) return false;
  const auto tensor = constant_of(*attribute, tensors_);
  if (!tensor) return false;
  const std::string& name = proto.output(0);
  const bool known = initializer_names_[name]++ > 0;
  ir::Value* value = graph_.add_initializer(known ? "" : name, *tensor);
  value->set_type(tensor->type());
  define(scope, name, value);
  pb::NodeProto& rest = facts_->constants[value];
  rest.set_name(proto.name());
  rest.set_doc_string(proto.doc_string());
  *rest.mutable_metadata_props() = proto.metadata_props();
  return true;
}

void GraphReader::read_node(const pb::NodeProto& proto, ir::Block& block, Scope& scope, const Types& types) {
  if (read_constant(proto, scope)) return;
  if (proto.op_type().find("::") != std::string::npos || proto.domain().find("::") != std::string::npos)
    malformed("the operator '" + proto.op_type() + "' or its domain has '::' in its name");
  std::vector<ir::Value*> operands;
  for (const std::string& input : proto.input()) {
    operands.push_back(input.empty() ? nullptr : scope.find(input));
    if (!input.empty() && operands.back() == nullptr) {
      malformed("'" + proto.name() + "' (" + proto.op_type() + ") reads '" + input +
                "', which nothing before it makes");
    }
  }
  ir::Node* node = graph_.create(
      is_standard(proto.domain()) ? proto.op_type() : proto.domain() + "::" + proto.op_type(), operands);
  node->set_name(graph_.intern(proto.name()));
  node->set_provenance(provenance(proto));
  graph_.append(block, node);
  std::vector<pb::AttributeProto> kept;
  for (const pb::AttributeProto& attribute : proto.attribute()) {
    const auto meant = resolved(attribute);
    if (!meant) continue;
    read_attribute(*meant, *node, scope);
    if (std::holds_alternative<std::monostate>(node->attributes().back().value)) kept.push_back(*meant);
  }
  if (facts_ != nullptr) keep_rest(proto, std::move(kept), *node);
  for (const std::string& name : proto.output()) {
    const auto type = types.find(name);
    ir::Value* output = node->add_output(type == types.end() ? ir::Type() : to_type(*type->second));
    if (name.empty()) continue;  // not asked for
    output->set_name(graph_.intern(name));
    define(scope, name, output);
  }
}

void GraphReader::keep_rest(const pb::NodeProto& proto, std::vector<pb::AttributeProto> kept,
                            const ir::Node& node) {
  if (proto.doc_string().empty() && proto.overload().empty() && proto.metadata_props().empty() &&
      proto.device_configurations().empty() && kept.empty())
    return;
  pb::NodeProto& rest = facts_->nodes[&node];
  if (!proto.doc_string().empty()) rest.set_doc_string(proto.doc_string());
  if (!proto.overload().empty()) rest.set_overload(proto.overload());
  *rest.mutable_metadata_props() = proto.metadata_props();
  *rest.mutable_device_configurations() = proto.device_configurations();
  for (pb::AttributeProto& attribute : kept) {
    for (pb::TensorProto& tensor : *attribute.mutable_tensors()) tensor = tensors_.whole(tensor);
    if (attribute.has_t()) *attribute.mutable_t() = tensors_.whole(attribute.t());
    *rest.add_attribute() = std::move(attribute);
  }
}

const ir::Provenance* GraphReader::provenance(const pb::NodeProto& proto) {
  ir::Provenance from;
  for (const auto& entry : proto.metadata_props()) {
    if (entry.key() == "onnxport.module") from.module_path = entry.value();
    if (entry.key() == "onnxport.source") from.source = entry.value();
    if (entry.key() == "onnxport.value") from.original_name = entry.value();
  }
  if (facts_ != nullptr && from.module_path.empty()) {
    from.module_path = module_path_of(proto);
    from.original_name = from.module_path;
  }
  const bool any = !from.module_path.empty() || !from.source.empty() || !from.original_name.empty();
  return any ? graph_.keep(std::move(from)) : nullptr;
}

// ---- attributes ----

// What a reference to an attribute of the function stands for in the call at hand; nullopt: nothing.
std::optional<pb::AttributeProto> GraphReader::resolved(const pb::AttributeProto& proto) const {
  if (proto.ref_attr_name().empty() || given_ == nullptr) return proto;
  const auto named = [&](const auto& attributes) -> std::optional<pb::AttributeProto> {
    for (const pb::AttributeProto& a : attributes) {
      if (a.name() != proto.ref_attr_name()) continue;
      pb::AttributeProto out = a;
      out.set_name(proto.name());
      return out;
    }
    return std::nullopt;
  };
  auto out = named(*given_);
  return out ? out : named(function_->attribute_proto());
}

void GraphReader::read_attribute(const pb::AttributeProto& proto, ir::Node& node, const Scope& scope) {
  const auto keep = [&](ir::AttributeValue value) {
    if (node.attribute(proto.name()) != nullptr)
      malformed("'" + std::string(node.name().text()) + "' has the attribute '" + proto.name() + "' twice");
    node.set_attribute(graph_.intern(proto.name()), std::move(value));
  };
  const auto leave = [&] {
    if (facts_ == nullptr)
      unsupported("the attribute '" + proto.name() + "' of " + std::string(node.op_text()));
    keep(std::monostate());
  };
  if (!proto.ref_attr_name().empty()) return leave();
  switch (proto.type()) {
    case pb::AttributeProto::TENSOR:
      if (facts_ != nullptr && !TensorReader::holds(proto.t())) return leave();
      return keep(tensors_.tensor(proto.t()));
    case pb::AttributeProto::GRAPH: {
      ir::Block* block = node.add_block();
      Scope inner(&scope);
      read_block(proto.g(), *block, inner);
      return keep(block);
    }
    case pb::AttributeProto::TENSORS:
    case pb::AttributeProto::SPARSE_TENSOR:
    case pb::AttributeProto::SPARSE_TENSORS:
    case pb::AttributeProto::TYPE_PROTO:
    case pb::AttributeProto::TYPE_PROTOS:
      return leave();
    case pb::AttributeProto::GRAPHS:     // what they read of the graph around them would not be seen
    case pb::AttributeProto::UNDEFINED:  // before IR version 2
      unsupported("the attribute '" + proto.name() + "' of " + std::string(node.op_text()));
    default:
      return keep(to_attribute_value(proto));
  }
}

}  // namespace onnxport::onnx
