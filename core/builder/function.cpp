#include "core/builder/function.h"

#include <unordered_map>

#include "core/onnx/convert.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

class Inliner {
 public:
  using OnValue = std::function<void(const std::string&, ir::Value*)>;
  Inliner(const pb::FunctionProto& function, GraphBuilder& builder, std::span<const ir::Attribute> attributes,
          const OnValue& on_value)
      : function_(function), builder_(builder), attributes_(attributes), on_value_(on_value) {}

  std::vector<ir::Value*> run(std::span<ir::Value* const> inputs) {
    if (inputs.size() > static_cast<size_t>(function_.input_size())) {
      fail("takes " + std::to_string(function_.input_size()) + " inputs, but is given " +
           std::to_string(inputs.size()));
    }
    for (int i = 0; i < function_.input_size(); ++i) {
      values_[function_.input(i)] =
          static_cast<size_t>(i) < inputs.size() ? inputs[static_cast<size_t>(i)] : nullptr;
    }
    for (const pb::NodeProto& node : function_.node()) emit(node);
    std::vector<ir::Value*> out;
    for (const std::string& name : function_.output()) out.push_back(find(name));
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error("T512", "the function " + function_.name() + " " + what);
  }

  ir::Value* find(const std::string& name) const {
    if (name.empty()) return nullptr;
    const auto found = values_.find(name);
    if (found == values_.end()) fail("uses '" + name + "', which nothing before it defines");
    return found->second;
  }

  const ir::Attribute* given(const std::string& name) const {
    for (const ir::Attribute& a : attributes_) {
      if (a.name == std::string_view(name)) return &a;
    }
    return nullptr;
  }

  // nullopt: refers to an attribute that was not given and has no default.
  std::optional<ir::AttributeValue> value_of(const pb::AttributeProto& attribute) {
    if (!attribute.ref_attr_name().empty()) {
      if (const ir::Attribute* a = given(attribute.ref_attr_name())) return a->value;
      for (const pb::AttributeProto& fallback : function_.attribute_proto()) {
        if (fallback.name() == attribute.ref_attr_name()) return onnx::to_attribute_value(fallback);
      }
      return std::nullopt;
    }
    if (attribute.type() == pb::AttributeProto::GRAPH) return emit_block(attribute.g());
    return onnx::to_attribute_value(attribute);
  }

  // Names of the body hide those outside while it is emitted.
  ir::Block* emit_block(const pb::GraphProto& body) {
    const auto outer = values_;
    std::vector<std::pair<std::string, ir::Type>> parameters;
    for (const pb::ValueInfoProto& input : body.input())
      parameters.emplace_back(input.name(), onnx::to_type(input.type()));
    ir::Block* block = builder_.begin_block(parameters);
    for (size_t i = 0; i < parameters.size(); ++i) values_[parameters[i].first] = block->parameters()[i];
    for (const pb::TensorProto& tensor : body.initializer()) {
      values_[tensor.name()] = builder_.constant(onnx::to_tensor(tensor));
    }
    for (const pb::NodeProto& node : body.node()) emit(node);
    std::vector<ir::Value*> results;
    for (const pb::ValueInfoProto& output : body.output()) results.push_back(find(output.name()));
    builder_.end_block(results);
    values_ = outer;
    return block;
  }

  void emit(const pb::NodeProto& node) {
    std::vector<ir::Value*> inputs;
    for (const std::string& name : node.input()) inputs.push_back(find(name));
    std::vector<ir::Attribute> attributes;
    for (const pb::AttributeProto& attribute : node.attribute()) {
      auto value = value_of(attribute);
      if (value) attributes.push_back(builder_.attribute(attribute.name(), std::move(*value)));
    }
    if (node.op_type() == "Constant" && attributes.empty())
      fail("needs an attribute for a constant that is not given");
    const auto outputs = builder_.emit(node.domain(), node.op_type(), inputs, std::move(attributes),
                                       static_cast<size_t>(node.output_size()));
    for (int i = 0; i < node.output_size(); ++i) {
      if (node.output(i).empty()) continue;
      values_[node.output(i)] = outputs[static_cast<size_t>(i)];
      if (on_value_) on_value_(node.output(i), outputs[static_cast<size_t>(i)]);
    }
  }

  const pb::FunctionProto& function_;
  GraphBuilder& builder_;
  std::span<const ir::Attribute> attributes_;
  const OnValue& on_value_;
  std::unordered_map<std::string, ir::Value*> values_;
};

}  // namespace

std::vector<ir::Value*> emit_function(
    const pb::FunctionProto& function, GraphBuilder& builder, std::span<ir::Value* const> inputs,
    std::span<const ir::Attribute> attributes,
    const std::function<void(const std::string& name, ir::Value* value)>& on_value) {
  return Inliner(function, builder, attributes, on_value).run(inputs);
}

}  // namespace onnxport
