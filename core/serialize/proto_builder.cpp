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
  ProtoBuilder(const ir::Graph& graph, Names& names, const ProtoOptions& options)
      : graph_(graph), names_(names), options_(options) {}

  pb::ModelProto model() {
    pb::ModelProto out;
    out.set_ir_version(options_.ir_version);
    out.set_producer_name("onnxport");
    out.set_producer_version(ONNXPORT_VERSION);
    add_main_graph(*out.mutable_graph());
    for (const ir::LocalFunction& f : graph_.functions) {
      domains_.insert(f.domain);
      if (!out.add_functions()->ParseFromString(f.proto_bytes)) {
        throw Error("S701", "the local function '" + f.domain + "::" + f.name + "' is not a FunctionProto");
      }
    }
    domains_.insert("");
    for (const std::string& domain : domains_) {
      const auto version = graph_.opsets.find(domain);
      auto* import = out.add_opset_import();
      import->set_domain(domain);
      import->set_version(version == graph_.opsets.end() ? 1 : version->second);
    }
    if (!options_.strip) {
      for (const auto& [key, value] : graph_.metadata) add_metadata(out, key, value);
    }
    return out;
  }

 private:
  template <typename Proto>
  static void add_metadata(Proto& proto, std::string_view key, const std::string& value) {
    if (value.empty()) return;
    auto* entry = proto.add_metadata_props();
    entry->set_key(std::string(key));
    entry->set_value(value);
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
    for (const ir::Value* input : body.parameters()) describe(*input, names_.of(input), *out.add_input());
    for (const ir::Value* value : graph_.initializers()) {
      if (value->has_uses() && (options_.initializers_as_inputs || is_state(*value)))
        describe_constant(*value, names_.of(value), *out.add_input());
    }
    for (const ir::Node* node : body) add_node(*node, out);
    for (size_t i = 0; i < body.result_count(); ++i) {
      const ir::Value* result = body.result(i);
      if (names_.is_copied_output(i)) add_copy(names_.of(result), names_.output(i), out);
      pb::ValueInfoProto& info = *out.add_output();
      if (result->is_constant()) {
        describe_constant(*result, names_.output(i), info);
      } else {
        describe(*result, names_.output(i), info);
      }
      final_outputs_.insert(names_.output(i));
    }
    describe_inner_values(body, out);
  }

  void add_block(const ir::Block& block, const std::string& name, pb::GraphProto& out) {
    out.set_name(name);
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
    for (const ir::Attribute& attribute : node.attributes()) add_attribute(attribute, proto);
    if (const ir::Provenance* from = node.provenance(); from != nullptr && !options_.strip) {
      add_metadata(proto, "onnxport.module", from->module_path);
      add_metadata(proto, "onnxport.source", from->source);
      add_metadata(proto, "onnxport.value", from->original_name);
    }
  }

  void add_copy(const std::string& from, const std::string& to, pb::GraphProto& out) {
    pb::NodeProto& proto = *out.add_node();
    proto.set_name("/Identity_for_" + to);
    proto.set_op_type("Identity");
    proto.add_input(from);
    proto.add_output(to);
  }

  void add_attribute(const ir::Attribute& attribute, pb::NodeProto& node) {
    if (std::holds_alternative<std::monostate>(attribute.value)) return;
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
        describe(*value, names_.of(value), info);
        if (info.has_type()) *out.add_value_info() = std::move(info);
      }
    }
  }

  const ir::Graph& graph_;
  Names& names_;
  const ProtoOptions& options_;
  std::set<std::string> domains_;
  std::unordered_set<std::string> final_outputs_;  // of the graph being finished
};

}  // namespace

pb::ModelProto build_model(const ir::Graph& graph, Names& names, const ProtoOptions& options) {
  return ProtoBuilder(graph, names, options).model();
}

}  // namespace onnxport
