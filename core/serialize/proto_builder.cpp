#include "core/serialize/proto_builder.h"

#include <algorithm>
#include <unordered_set>

#include "onnxport/errors.h"

#ifndef ONNXPORT_VERSION
#error "the build defines ONNXPORT_VERSION"
#endif

namespace onnxport {

namespace {

class ProtoBuilder {
 public:
  // `facts`: of the graph; null when it was not read from a file.
  ProtoBuilder(const ir::Graph& graph, Names& names, const ProtoOptions& options,
               const onnx::GraphFacts* facts)
      : graph_(graph), names_(names), options_(options), facts_(facts) {}

  pb::ModelProto model() {
    pb::ModelProto out;
    out.set_ir_version(options_.ir_version);
    out.set_producer_name("onnxport");
    out.set_producer_version(ONNXPORT_VERSION);
    if (options_.facts != nullptr) {
      out.MergeFrom(options_.facts->rest);
      if (options_.strip) out.clear_metadata_props();
      for (const auto& [domain, version] : graph_.opsets) domains_.insert(domain);
    }
    add_main_graph(*out.mutable_graph());
    for (const ir::LocalFunction& f : graph_.functions) {
      domains_.insert(f.domain);
      if (!out.add_functions()->ParseFromString(f.proto_bytes)) {
        throw Error("S701", "the local function '" + f.domain + "::" + f.name + "' is not a FunctionProto");
      }
    }
    if (options_.facts != nullptr) {
      for (const onnx::LocalFunctionForm& form : options_.facts->functions) {
        Names names(*form.graph, &form.facts);
        ProtoBuilder(*form.graph, names, options_, &form.facts).add_function(form.rest, *out.add_functions());
        domains_.insert(form.rest.domain());
      }
    }
    domains_.insert("");
    add_imports(out);
    if (!options_.strip && options_.facts == nullptr) {
      for (const auto& [key, value] : graph_.metadata) add_metadata(out, key, value);
    }
    return out;
  }

  // The body of a local function, which has no initializers: they are Constant nodes.
  void add_function(const pb::FunctionProto& rest, pb::FunctionProto& out) {
    out = rest;
    out.clear_opset_import();
    out.clear_value_info();
    out.clear_input();
    out.clear_output();
    const ir::Block& body = graph_.body();
    for (const ir::Value* input : body.parameters()) {
      if (!facts_->contents.contains(input)) out.add_input(names_.of(input));
    }
    pb::GraphProto nodes;
    for (const ir::Value* value : body.parameters()) {
      const auto contents = facts_->contents.find(value);
      if (contents != facts_->contents.end() && value->has_uses())
        add_constant(*value, contents->second, nodes);
    }
    for (const ir::Value* value : graph_.initializers()) {
      if (value->has_uses()) add_constant(*value, nodes);
    }
    for (const ir::Node* node : body) add_node(*node, nodes);
    for (size_t i = 0; i < body.result_count(); ++i) {
      if (names_.is_copied_output(i)) add_copy(names_.of(body.result(i)), names_.output(i), nodes);
      out.add_output(names_.output(i));
    }
    describe_inner_values(body, nodes);
    out.mutable_node()->Swap(nodes.mutable_node());
    out.mutable_value_info()->Swap(nodes.mutable_value_info());
    for (const auto& [domain, version] : graph_.opsets) domains_.insert(domain);
    add_imports(out);
  }

 private:
  template <typename Proto>
  static void add_metadata(Proto& proto, std::string_view key, const std::string& value) {
    if (value.empty()) return;
    auto* entry = proto.add_metadata_props();
    entry->set_key(std::string(key));
    entry->set_value(value);
  }

  template <typename Proto>
  void add_imports(Proto& out) const {
    for (const std::string& domain : domains_) {
      const auto version = graph_.opsets.find(domain);
      auto* import = out.add_opset_import();
      import->set_domain(domain);
      import->set_version(version == graph_.opsets.end() ? 1 : version->second);
    }
  }

  // What is kept from call to call is an input whose initializer is its default.
  bool is_state(const ir::Value& initializer) const {
    return std::any_of(graph_.states.begin(), graph_.states.end(), [&](const ir::Graph::KeptState& s) {
      return s.first && initializer.name() == s.input;
    });
  }

  void add_main_graph(pb::GraphProto& out) {
    out.set_name(graph_.graph_name.empty() ? "main_graph" : graph_.graph_name);
    const ir::Block& body = graph_.body();
    for (const ir::Value* input : body.parameters()) {
      if (facts_ == nullptr || !facts_->contents.contains(input))
        describe_end(*input, names_.of(input), *out.add_input());
    }
    for (const ir::Value* value : graph_.initializers()) {
      if (!value->has_uses() || is_node(*value)) continue;
      if (is_state(*value)) {  // whose first value may have other sizes than later ones
        describe_end(*value, names_.of(value), *out.add_input());
      } else if (options_.initializers_as_inputs || is_listed(*value)) {
        describe_constant(*value, names_.of(value), *out.add_input());
      }
    }
    if (facts_ != nullptr) add_rest_of_graph(out);
    for (const ir::Node* node : body) add_node(*node, out);
    for (size_t i = 0; i < body.result_count(); ++i) {
      const ir::Value* result = body.result(i);
      if (names_.is_copied_output(i)) add_copy(names_.of(result), names_.output(i), out);
      pb::ValueInfoProto& info = *out.add_output();
      if (result->is_constant() && facts_ == nullptr) {
        describe_constant(*result, names_.output(i), info);
      } else {
        describe_end(*result, names_.output(i), info);
      }
      final_outputs_.insert(names_.output(i));
    }
    describe_inner_values(body, out);
  }

  bool is_node(const ir::Value& value) const {
    return facts_ != nullptr && onnx::is_constant_node(*facts_, value, graph_);
  }

  // An initializer that the file lists among its inputs, as a default that may be overridden.
  bool is_listed(const ir::Value& value) const {
    return facts_ != nullptr && options_.keep_listed_inputs && !value.name().empty() &&
           place_of_input(value.name().text()) != facts_->inputs.size();
  }

  size_t place_of_input(std::string_view name) const {
    return static_cast<size_t>(std::find(facts_->inputs.begin(), facts_->inputs.end(), name) -
                               facts_->inputs.begin());
  }

  // What the file says beside nodes and weights, and its inputs in its own order.
  void add_rest_of_graph(pb::GraphProto& out) {
    if (const auto rest = facts_->blocks.find(&graph_.body()); rest != facts_->blocks.end())
      out.MergeFrom(rest->second);
    if (options_.strip) out.clear_metadata_props();
    for (const auto& value : graph_.body().parameters()) {
      const auto contents = facts_->contents.find(value);
      if (contents == facts_->contents.end() || !value->has_uses()) continue;
      if (contents->second.tensor != nullptr) {
        *out.add_initializer() = *contents->second.tensor;
        out.mutable_initializer(out.initializer_size() - 1)->set_name(names_.of(value));
      } else {
        *out.add_sparse_initializer() = *contents->second.sparse;
        out.mutable_sparse_initializer(out.sparse_initializer_size() - 1)
            ->mutable_values()
            ->set_name(names_.of(value));
      }
      if (options_.initializers_as_inputs || is_listed(*value))
        describe_end(*value, names_.of(value), *out.add_input());
    }
    for (const pb::TensorProto& tensor : facts_->unused_tensors) {
      *out.add_initializer() = tensor;
      const auto described = facts_->values.find(tensor.name());
      const bool listed =
          options_.initializers_as_inputs ||
          (options_.keep_listed_inputs && place_of_input(tensor.name()) != facts_->inputs.size());
      if (listed && described != facts_->values.end()) *out.add_input() = described->second.info;
    }
    std::stable_sort(out.mutable_input()->begin(), out.mutable_input()->end(),
                     [this](const pb::ValueInfoProto& a, const pb::ValueInfoProto& b) {
                       return place_of_input(a.name()) < place_of_input(b.name());
                     });
    for (const ir::Value* value : graph_.initializers()) {
      if (value->has_uses() && is_node(*value)) add_constant(*value, out);
    }
  }

  void add_constant(const ir::Value& value, pb::GraphProto& out) {
    pb::NodeProto& node = *out.add_node();
    if (const auto rest = facts_->constants.find(&value); rest != facts_->constants.end())
      node = rest->second;
    if (options_.strip) node.clear_metadata_props();
    if (node.name().empty()) node.set_name(names_.of(&value));
    node.set_op_type("Constant");
    node.add_output(names_.of(&value));
    pb::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name("value");
    attribute.set_type(pb::AttributeProto::TENSOR);
    onnx::to_proto(*value.constant(), *attribute.mutable_t());
  }

  void add_constant(const ir::Value& value, const onnx::OpaqueContents& contents, pb::GraphProto& out) {
    pb::NodeProto& node = *out.add_node();
    node.set_name(names_.of(&value));
    node.set_op_type("Constant");
    node.add_output(names_.of(&value));
    pb::AttributeProto& attribute = *node.add_attribute();
    if (contents.tensor != nullptr) {
      attribute.set_name("value");
      attribute.set_type(pb::AttributeProto::TENSOR);
      *attribute.mutable_t() = *contents.tensor;
    } else {
      attribute.set_name("sparse_value");
      attribute.set_type(pb::AttributeProto::SPARSE_TENSOR);
      *attribute.mutable_sparse_tensor() = *contents.sparse;
    }
  }

  void add_block(const ir::Block& block, const std::string& name, pb::GraphProto& out) {
    out.set_name(name);
    if (facts_ != nullptr) {
      if (const auto rest = facts_->blocks.find(&block); rest != facts_->blocks.end())
        out.MergeFrom(rest->second);
      if (options_.strip) out.clear_metadata_props();
    }
    for (const ir::Value* parameter : block.parameters())
      describe(*parameter, names_.of(parameter), *out.add_input());
    for (const ir::Node* node : block) add_node(*node, out);
    // A result must be made by a node of this very block, and each once.
    std::unordered_set<const ir::Value*> made;
    std::unordered_set<std::string> results;
    for (size_t i = 0; i < block.result_count(); ++i) {
      const ir::Value* result = block.result(i);
      std::string result_name = names_.of(result);
      const bool own = result->producer() != nullptr && result->producer()->parent() == &block;
      if (!own || !made.insert(result).second) {
        const std::string copy = names_.fresh(name + "/out_" + std::to_string(i));
        add_copy(result_name, copy, out);
        result_name = copy;
      }
      describe(*result, result_name, *out.add_output());
      results.insert(result_name);
    }
    std::swap(results, final_outputs_);
    describe_inner_values(block, out);
    std::swap(results, final_outputs_);
  }

  void add_node(const ir::Node& node, pb::GraphProto& out) {
    pb::NodeProto& proto = *out.add_node();
    const auto [domain, op_type] = split_op(node.op_text());
    domains_.insert(std::string(domain));
    proto.set_name(names_.of(&node));
    proto.set_op_type(std::string(op_type));
    if (!domain.empty()) proto.set_domain(std::string(domain));
    size_t inputs = node.operand_count();
    while (inputs > 0 && node.operand(inputs - 1) == nullptr) --inputs;
    for (size_t i = 0; i < inputs; ++i) {
      const ir::Value* value = node.operand(i);
      proto.add_input(value == nullptr ? std::string() : names_.of(value));
    }
    for (const ir::Value* output : node.outputs()) {
      // Read from a file as an output that was not asked for, and still nobody wants it.
      const bool omitted =
          !output->has_uses() && output->name().empty() && output->type().kind() == ir::Type::Kind::unknown;
      proto.add_output(omitted ? std::string() : names_.of(output));
    }
    const pb::NodeProto* rest = rest_of(node);
    for (const ir::Attribute& attribute : node.attributes()) add_attribute(attribute, rest, proto);
    if (rest != nullptr) add_rest_of_node(*rest, proto);
    if (const ir::Provenance* from = node.provenance();
        from != nullptr && !options_.strip && is_stated(*from, rest)) {
      add_metadata(proto, "onnxport.module", from->module_path);
      add_metadata(proto, "onnxport.source", from->source);
      add_metadata(proto, "onnxport.value", from->original_name);
    }
  }

  const pb::NodeProto* rest_of(const ir::Node& node) const {
    if (facts_ == nullptr) return nullptr;
    const auto found = facts_->nodes.find(&node);
    return found == facts_->nodes.end() ? nullptr : &found->second;
  }

  void add_rest_of_node(const pb::NodeProto& rest, pb::NodeProto& out) const {
    if (!rest.doc_string().empty()) out.set_doc_string(rest.doc_string());
    if (!rest.overload().empty()) out.set_overload(rest.overload());
    if (!options_.strip) *out.mutable_metadata_props() = rest.metadata_props();
    *out.mutable_device_configurations() = rest.device_configurations();
  }

  // Provenance goes into metadata, but not what the file has said in words of its own, nor the name of a node.
  bool is_stated(const ir::Provenance& from, const pb::NodeProto* rest) const {
    return facts_ == nullptr || (rest == nullptr && from.module_path != from.original_name);
  }

  void add_copy(const std::string& from, const std::string& to, pb::GraphProto& out) {
    pb::NodeProto& proto = *out.add_node();
    proto.set_name("/Identity_for_" + to);
    proto.set_op_type("Identity");
    proto.add_input(from);
    proto.add_output(to);
  }

  void add_attribute(const ir::Attribute& attribute, const pb::NodeProto* rest, pb::NodeProto& node) {
    if (std::holds_alternative<std::monostate>(attribute.value)) {
      if (rest == nullptr) return;
      for (const pb::AttributeProto& kept : rest->attribute()) {
        if (attribute.name == std::string_view(kept.name())) *node.add_attribute() = kept;
      }
      return;
    }
    pb::AttributeProto& proto = *node.add_attribute();
    if (std::holds_alternative<std::complex<double>>(attribute.value)) {
      Location place;
      place.node = node.name();
      throw Error("S701",
                  "the attribute '" + std::string(attribute.name.text()) +
                      "' is a complex number, which ONNX cannot hold",
                  place);
    }
    onnx::to_proto(attribute, proto);
    if (const auto* block = std::get_if<ir::Block*>(&attribute.value))
      add_block(**block, node.name() + "/" + proto.name(), *proto.mutable_g());
  }

  // An input or output of the file: in the file's own words, where it has any.
  void describe_end(const ir::Value& value, const std::string& name, pb::ValueInfoProto& out) const {
    const auto known = facts_ == nullptr ? nullptr : described(name);
    if (known == nullptr || known->info.type().value_case() == pb::TypeProto::VALUE_NOT_SET)
      return describe(value, name, out);
    out = known->info;
    if (options_.strip) out.clear_metadata_props();
  }

  const onnx::DescribedValue* described(const std::string& name) const {
    const auto found = facts_->values.find(name);
    return found == facts_->values.end() ? nullptr : &found->second;
  }

  // A value of a file that does not describe it stays without a description.
  void describe_inner(const ir::Value& value, const std::string& name, pb::ValueInfoProto& out) const {
    if (facts_ == nullptr) return describe(value, name, out);
    const onnx::DescribedValue* known = described(std::string(value.name().text()));
    if (known == nullptr) return;
    if (!(known->type == value.type())) return describe(value, name, out);
    out = known->info;
    out.set_name(name);
    if (options_.strip) out.clear_metadata_props();
  }

  static void describe(const ir::Value& value, const std::string& name, pb::ValueInfoProto& out) {
    out.set_name(name);
    pb::TypeProto type;
    onnx::to_proto(value.type(), type, onnx::For::file);
    if (type.value_case() != pb::TypeProto::VALUE_NOT_SET) *out.mutable_type() = std::move(type);
  }

  static void describe_constant(const ir::Value& value, const std::string& name, pb::ValueInfoProto& out) {
    out.set_name(name);
    onnx::to_proto(value.constant()->type(), *out.mutable_type(), onnx::For::file);
  }

  void describe_inner_values(const ir::Block& block, pb::GraphProto& out) {
    for (const ir::Node* node : block) {
      for (const ir::Value* value : node->outputs()) {
        if (final_outputs_.contains(names_.of(value))) continue;
        pb::ValueInfoProto info;
        describe_inner(*value, names_.of(value), info);
        if (info.has_type()) *out.add_value_info() = std::move(info);
      }
    }
  }

  const ir::Graph& graph_;
  Names& names_;
  const ProtoOptions& options_;
  const onnx::GraphFacts* facts_;
  std::set<std::string> domains_;
  std::unordered_set<std::string> final_outputs_;  // of the graph being finished
};

}  // namespace

pb::ModelProto build_model(const ir::Graph& graph, Names& names, const ProtoOptions& options) {
  return ProtoBuilder(graph, names, options, options.facts == nullptr ? nullptr : &options.facts->graph)
      .model();
}

pb::FunctionProto build_function(const ir::Graph& body, bool strip) {
  const onnx::GraphFacts facts;
  Names names(body, &facts);
  ProtoOptions options;
  options.strip = strip;
  pb::FunctionProto out;
  ProtoBuilder(body, names, options, &facts).add_function({}, out);
  out.clear_value_info();
  return out;
}

}  // namespace onnxport
