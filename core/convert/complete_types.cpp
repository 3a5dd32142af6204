#include "core/convert/complete_types.h"

#include <functional>
#include <map>
#include <vector>

#include "core/onnx/inference.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

bool is_complete(const ir::Type& type) {
  if (type.kind() == ir::Type::Kind::unknown) return false;
  return !type.is_tensor() || (type.dtype() != ir::DType::undefined && type.shape());
}

// What `stated` leaves open, as `found` has it.
ir::Type completed(const ir::Type& stated, const ir::Type& found) {
  if (stated.kind() == ir::Type::Kind::unknown) return found;
  if (!stated.is_tensor() || !found.is_tensor()) return stated;
  if (stated.dtype() == ir::DType::undefined)
    return ir::Type::tensor(found.dtype(), stated.shape() ? stated.shape() : found.shape());
  if (stated.shape() || found.dtype() != stated.dtype()) return stated;
  return ir::Type::tensor(stated.dtype(), found.shape());
}

// What is true of both.
ir::Type common(const ir::Type& a, const ir::Type& b) {
  if (!a.is_tensor() || !b.is_tensor()) return a == b ? a : ir::Type();
  const ir::DType dtype = a.dtype() == b.dtype() ? a.dtype() : ir::DType::undefined;
  if (!a.shape() || !b.shape() || a.rank() != b.rank()) return ir::Type::tensor(dtype);
  ir::Shape shape;
  for (size_t i = 0; i < a.shape()->size(); ++i) {
    const ir::Dim& dim = (*a.shape())[i];
    shape.push_back(dim == (*b.shape())[i] ? dim : ir::Dim());
  }
  return ir::Type::tensor(dtype, std::move(shape));
}

int opset_of(const ir::Graph& graph) {
  const auto found = graph.opsets.find("");
  return found == graph.opsets.end() ? 0 : found->second;
}

class GraphTypes {
 public:
  // The types of a call's results, where they are known.
  using Call = std::function<bool(ir::Node&)>;
  GraphTypes(int opset, Call call) : opset_(opset), call_(std::move(call)), inference_(nullptr) {}

  void visit(ir::Block& block) {
    for (ir::Node* node : block) visit(*node);
  }

 private:
  void visit(ir::Node& node) {
    if (node.op() == "Loop") type_loop(node);
    if (node.op() == "Scan" && opset_ >= 9) type_scan(node);
    for (ir::Block* inner : node.blocks()) visit(*inner);
    if (call_ && call_(node)) return;
    bool open = false;
    for (const ir::Value* output : node.outputs()) open = open || !is_complete(output->type());
    if (open) infer(node);
  }

  void infer(ir::Node& node) {
    std::vector<ir::Value*> inputs;
    for (size_t i = 0; i < node.operand_count(); ++i) inputs.push_back(node.operand(i));
    while (!inputs.empty() && inputs.back() == nullptr) inputs.pop_back();
    const auto [domain, op_type] = onnx::split_op(node.op_text());
    const std::vector<ir::Attribute> known = known_attributes(node);
    const bool all_known = known.size() == node.attributes().size();
    if (!all_known && states_type(node)) return;
    const onnx::NodeView view{domain, op_type, inputs, known, node.output_count()};
    std::optional<std::vector<ir::Type>> types;
    try {
      types = inference_.try_infer(view, opset_);
    } catch (const Error&) {
      return;  // whether the node is right is not asked here
    }
    for (size_t i = 0; types && i < types->size(); ++i) {
      ir::Value* output = node.output(i);
      // An output that was not asked for has no type, so that it stays one.
      if (output->name().empty() && !output->has_uses()) continue;
      // What a call gives may change the shape.
      output->set_type(completed(output->type(), all_known ? (*types)[i] : without_shape((*types)[i])));
    }
  }

  // Without those that refer to an attribute of a function.
  static std::vector<ir::Attribute> known_attributes(const ir::Node& node) {
    std::vector<ir::Attribute> out;
    for (const ir::Attribute& attribute : node.attributes()) {
      if (!std::holds_alternative<std::monostate>(attribute.value)) out.push_back(attribute);
    }
    return out;
  }

  // Whether an attribute that is not known says the element type of a result.
  static bool states_type(const ir::Node& node) {
    for (const ir::Attribute& attribute : node.attributes()) {
      if (!std::holds_alternative<std::monostate>(attribute.value)) continue;
      for (const std::string_view name : {"to", "dtype", "output_dtype", "type", "value", "sparse_value"}) {
        if (attribute.name == name) return true;
      }
    }
    return false;
  }

  static void complete(ir::Value* parameter, const ir::Type& type) {
    parameter->set_type(completed(parameter->type(), type));
  }

  static ir::Type without_shape(const ir::Type& type) {
    return type.is_tensor() ? ir::Type::tensor(type.dtype()) : type;
  }

  // Turn, condition, and what is carried from turn to turn, whose shape may change.
  static void type_loop(ir::Node& node) {
    for (ir::Block* body : node.blocks()) {
      for (size_t i = 0; i < body->parameters().size(); ++i) {
        ir::Value* parameter = body->parameters()[i];
        if (i == 0) complete(parameter, ir::Type::tensor(ir::DType::i64, ir::Shape{}));
        if (i == 1) complete(parameter, ir::Type::tensor(ir::DType::boolean, ir::Shape{}));
        const ir::Value* given = i < node.operand_count() ? node.operand(i) : nullptr;
        if (i > 1 && given != nullptr) complete(parameter, without_shape(given->type()));
      }
    }
  }

  // States, then one slice of each scanned input.
  static void type_scan(ir::Node& node) {
    const auto* scanned = node.attribute_as<int64_t>("num_scan_inputs");
    const size_t count = node.operand_count();
    if (scanned == nullptr || *scanned < 0 || static_cast<size_t>(*scanned) > count) return;
    const size_t states = count - static_cast<size_t>(*scanned);
    for (ir::Block* body : node.blocks()) {
      for (size_t i = 0; i < body->parameters().size() && i < count; ++i) {
        const ir::Value* given = node.operand(i);
        if (given == nullptr) continue;
        complete(body->parameters()[i], i < states || !given->type().is_tensor()
                                            ? given->type()
                                            : slice_of(node, given->type(), i - states));
      }
    }
  }

  static ir::Type slice_of(const ir::Node& node, const ir::Type& whole, size_t index) {
    const auto* axes = node.attribute_as<std::vector<int64_t>>("scan_input_axes");
    if (!whole.shape()) return whole;
    ir::Shape shape = *whole.shape();
    int64_t axis = axes != nullptr && index < axes->size() ? (*axes)[index] : 0;
    if (axis < 0) axis += whole.rank();
    if (axis < 0 || axis >= whole.rank()) return ir::Type::tensor(whole.dtype());
    shape.erase(shape.begin() + axis);
    return ir::Type::tensor(whole.dtype(), std::move(shape));
  }

  int opset_;
  Call call_;
  onnx::Inference inference_;
};

class ModelTypes {
 public:
  explicit ModelTypes(onnx::ModelForm& model) : model_(model) {
    for (onnx::LocalFunctionForm& form : model.facts.functions)
      functions_[{form.rest.domain(), form.rest.name(), form.rest.overload()}].form = &form;
  }

  std::set<FunctionId> run() {
    visit(*model_.graph, model_.facts.graph);
    for (auto& [id, function] : functions_) {
      if (!function.seen) visit(function);  // called by nobody
    }
    return std::move(ambiguous_);
  }

 private:
  struct Function {
    onnx::LocalFunctionForm* form = nullptr;
    bool seen = false;
    bool open = false;  // on the way through it
    std::vector<std::pair<ir::Value*, ir::Type>> as_read;
  };

  void visit(ir::Graph& graph, const onnx::GraphFacts& facts) {
    const auto call = [&](ir::Node& node) { return this->call(node, facts); };
    GraphTypes(opset_of(graph), functions_.empty() ? GraphTypes::Call() : call).visit(graph.body());
  }

  void visit(Function& function) {
    if (function.open) {
      Location place;
      place.node = function.form->rest.domain() + "::" + function.form->rest.name();
      throw Error("I123", "the local function calls itself", place,
                  "the file was written wrongly: run onnx.checker on it");
    }
    ir::Graph& graph = *function.form->graph;
    if (!function.seen) {
      for_each_node(graph.body(), [&](ir::Node* node) {
        for (ir::Value* v : node->outputs()) function.as_read.emplace_back(v, v->type());
        for (ir::Block* block : node->blocks()) {
          for (ir::Value* v : block->parameters()) function.as_read.emplace_back(v, v->type());
        }
      });
    }
    for (const auto& [value, type] : function.as_read) value->set_type(type);
    function.seen = true;
    function.open = true;
    visit(graph, function.form->facts);
    function.open = false;
  }

  bool call(ir::Node& node, const onnx::GraphFacts& facts) {
    const FunctionId id = called_by(node, facts);
    const auto found = functions_.find(id);
    if (found == functions_.end()) return false;
    Function& function = found->second;
    bool changed = !function.seen;
    const auto parameters = function.form->graph->body().parameters();
    for (size_t i = 0; i < parameters.size() && i < node.operand_count(); ++i) {
      const ir::Type given = node.operand(i) == nullptr ? ir::Type() : node.operand(i)->type();
      const ir::Type& known = parameters[i]->type();
      const ir::Type both = function.seen ? common(known, given) : given;
      if (function.seen && known.is_tensor() && given.is_tensor() && known.dtype() != given.dtype())
        ambiguous_.insert(id);
      if (both.text() == known.text()) continue;
      parameters[i]->set_type(both);
      changed = true;
    }
    if (changed || function.open) visit(function);
    const ir::Block& body = function.form->graph->body();
    for (size_t i = 0; i < node.output_count() && i < body.result_count(); ++i)
      node.output(i)->set_type(completed(node.output(i)->type(), body.result(i)->type()));
    return true;
  }

  onnx::ModelForm& model_;
  std::map<FunctionId, Function> functions_;
  std::set<FunctionId> ambiguous_;
};

}  // namespace

FunctionId called_by(const ir::Node& node, const onnx::GraphFacts& facts) {
  const auto [domain, name] = onnx::split_op(node.op_text());
  const auto rest = facts.nodes.find(&node);
  return {std::string(domain), std::string(name), rest == facts.nodes.end() ? "" : rest->second.overload()};
}

std::set<FunctionId> complete_types(onnx::ModelForm& model) { return ModelTypes(model).run(); }

void complete_types(ir::Graph& graph) { GraphTypes(opset_of(graph), nullptr).visit(graph.body()); }

}  // namespace onnxport
