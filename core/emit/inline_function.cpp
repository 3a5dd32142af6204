#include "core/emit/inline_function.h"

#include <algorithm>
#include <map>
#include <string>

#include "core/onnx/convert.h"
#include "onnxport/errors.h"

namespace onnxport {
namespace {

class Inliner {
 public:
  Inliner(std::span<const ir::Attribute> attributes, const pb::FunctionProto& function, Emitter& emitter)
      : attributes_(attributes), function_(function), emitter_(emitter) {}

  void bind(const std::string& name, ir::Value* value) { values_[name] = value; }
  ir::Value* find(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : found->second;
  }

  void node(const pb::NodeProto& proto) {
    std::vector<ir::Value*> inputs;
    for (const std::string& name : proto.input()) {
      if (!name.empty() && !values_.contains(name)) {
        throw Error("T512", "the function's body uses '" + name + "' before it is computed");
      }
      inputs.push_back(name.empty() ? nullptr : find(name));
    }
    while (!inputs.empty() && inputs.back() == nullptr) inputs.pop_back();
    std::vector<ir::Attribute> attributes;
    for (const pb::AttributeProto& a : proto.attribute()) attribute(a, attributes);
    if (proto.op_type() == "Constant" && proto.domain().empty()) {
      bind(proto.output(0), constant(attributes));
      return;
    }
    const auto count = static_cast<size_t>(proto.output_size());
    const std::vector<ir::Value*> made = emitter_.emit(proto.domain(), proto.op_type(), inputs, std::move(attributes), count);
    for (size_t i = 0; i < count; ++i) {
      const std::string& name = proto.output(static_cast<int>(i));
      if (!name.empty()) bind(name, made[i]);
    }
  }

 private:
  void attribute(const pb::AttributeProto& a, std::vector<ir::Attribute>& out) {
    if (!a.ref_attr_name().empty()) {
      for (const ir::Attribute& given : attributes_) {
        if (given.name == std::string_view(a.ref_attr_name())) {
          out.push_back(emitter_.attribute(a.name(), given.value));
          return;
        }
      }
      for (const pb::AttributeProto& standard : function_.attribute_proto()) {
        if (standard.name() == a.ref_attr_name()) {
          out.push_back(emitter_.attribute(a.name(), onnx::to_attribute_value(standard)));
          return;
        }
      }
      return;  // an optional attribute that was not given is not given to the node either
    }
    if (a.type() == pb::AttributeProto::GRAPH) {
      out.push_back(emitter_.attribute(a.name(), graph(a.g())));
      return;
    }
    out.push_back(emitter_.attribute(a.name(), onnx::to_attribute_value(a)));
  }

  ir::Block* graph(const pb::GraphProto& proto) {
    std::vector<std::pair<std::string, ir::Type>> parameters;
    for (const pb::ValueInfoProto& info : proto.input()) parameters.emplace_back(info.name(), onnx::to_type(info.type()));
    const std::map<std::string, ir::Value*> outer = values_;
    ir::Block* block = emitter_.begin_block(parameters);
    for (size_t i = 0; i < parameters.size(); ++i) bind(parameters[i].first, block->parameters()[i]);
    for (const pb::TensorProto& t : proto.initializer()) bind(t.name(), emitter_.constant(onnx::to_tensor(t)));
    for (const pb::NodeProto& n : proto.node()) node(n);
    std::vector<ir::Value*> results;
    for (const pb::ValueInfoProto& info : proto.output()) {
      ir::Value* v = find(info.name());
      if (v == nullptr) throw Error("T512", "the function's body does not compute '" + info.name() + "'");
      if (v->producer() == nullptr || v->producer()->parent() != &emitter_.block()) v = emitter_.emit1("Identity", {v});
      results.push_back(v);
    }
    values_ = outer;
    return emitter_.end_block(results);
  }

  ir::Value* constant(const std::vector<ir::Attribute>& attributes) {
    for (const ir::Attribute& a : attributes) {
      if (const auto* t = std::get_if<ir::Tensor>(&a.value)) return emitter_.constant(*t);
      if (const auto* i = std::get_if<int64_t>(&a.value)) return emitter_.constant(*i);
      if (const auto* f = std::get_if<double>(&a.value)) {
        return emitter_.constant(ir::Tensor::of<float>(ir::DType::f32, {}, {static_cast<float>(*f)}));
      }
      if (const auto* ints = std::get_if<std::vector<int64_t>>(&a.value)) return emitter_.constant(ir::Tensor::ints(*ints));
      if (const auto* reals = std::get_if<std::vector<double>>(&a.value)) {
        const std::vector<float> narrow(reals->begin(), reals->end());
        return emitter_.constant(ir::Tensor::of<float>(ir::DType::f32, {static_cast<int64_t>(narrow.size())}, narrow));
      }
    }
    throw Error("T512", "a Constant of the function's body has no value");
  }

  std::span<const ir::Attribute> attributes_;
  const pb::FunctionProto& function_;
  Emitter& emitter_;
  std::map<std::string, ir::Value*> values_;
};

}  // namespace

std::vector<ir::Value*> inline_function(const pb::FunctionProto& function, std::span<ir::Value* const> inputs,
                                        std::span<const ir::Attribute> attributes, Emitter& emitter) {
  Inliner inliner(attributes, function, emitter);
  for (int i = 0; i < function.input_size(); ++i) {
    inliner.bind(function.input(i), static_cast<size_t>(i) < inputs.size() ? inputs[static_cast<size_t>(i)] : nullptr);
  }
  for (const pb::NodeProto& node : function.node()) inliner.node(node);
  std::vector<ir::Value*> out;
  for (const std::string& name : function.output()) out.push_back(inliner.find(name));
  return out;
}

}  // namespace onnxport
