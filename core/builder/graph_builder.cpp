#include "core/builder/graph_builder.h"

#include "core/builder/function.h"
#include "core/onnx/functions.h"

#include <algorithm>

#include "core/builder/state.h"
#include "core/evaluate/evaluate.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

// What is folded while it is emitted: numbers. Weights are the business of a pass, which knows what it saves.
constexpr int64_t kMostElements = 64;

// Anonymous dims that a graph made elsewhere already uses must not be given out again.
void reserve_anonymous_symbols(ir::Graph& graph) {
  if (graph.anonymous_symbols > 0) return;
  const auto visit_type = [&](const ir::Type& type) {
    if (!type.shape()) return;
    for (const ir::Dim& dim : *type.shape()) {
      if (!dim.is_expression() || !dim.is_anonymous()) continue;
      dim.for_each_symbol([&](std::string_view name) {
        if (name.empty() || name.front() != '?') return;
        uint64_t number = 0;
        for (char c : name.substr(1))
          number = c >= '0' && c <= '9' ? number * 10 + static_cast<uint64_t>(c - '0') : 0;
        graph.anonymous_symbols = std::max(graph.anonymous_symbols, number + 1);
      });
    }
  };
  const auto visit_block = [&](const ir::Block& block) {
    for (const ir::Value* parameter : block.parameters()) visit_type(parameter->type());
  };
  visit_block(graph.body());
  ir::for_each_node(graph.body(), [&](ir::Node* node) {
    for (const ir::Value* output : node->outputs()) visit_type(output->type());
    for (const ir::Block* block : node->blocks()) visit_block(*block);
  });
}

bool is_small_constant(const ir::Value* value) {
  return value == nullptr || (value->is_constant() && value->constant()->count() <= kMostElements);
}

}  // namespace

GraphBuilder::GraphBuilder(ir::Graph& graph, int opset)
    : graph_(graph), opset_(opset), block_(&graph.body()), state_(std::make_unique<State>(*this)) {
  reserve_anonymous_symbols(graph);
}

GraphBuilder::~GraphBuilder() = default;

// ---- where ----

void GraphBuilder::insert_at_end(ir::Block& block) {
  block_ = &block;
  before_ = nullptr;
  state_->position = 0;
}

void GraphBuilder::insert_before(ir::Node* node) {
  if (before_ == node) return;
  block_ = node->parent();
  before_ = node;
  state_->position = ++state_->last_position;
}

// ---- nodes ----

ir::Attribute GraphBuilder::attribute(std::string_view name, ir::AttributeValue value) {
  return {graph_.intern(name), std::move(value)};
}

ir::Value* GraphBuilder::emit1(std::string_view op_type, std::initializer_list<ir::Value*> inputs,
                               std::vector<ir::Attribute> attributes) {
  return emit("", op_type, std::span(inputs.begin(), inputs.size()), std::move(attributes), 1)[0];
}

namespace {

// Some operators (GroupNormalization) have no inference of their own: their official body says what they give.
void infer_by_body(const onnx::NodeView& node, int opset, std::vector<ir::Type>& types) {
  const auto is_open = [](const ir::Type& t) { return t.is_tensor() && t.rank() < 0; };
  const auto has_rank = [](const ir::Value* v) { return v == nullptr || v->type().rank() >= 0; };
  if (std::none_of(types.begin(), types.end(), is_open) ||
      !std::all_of(node.inputs.begin(), node.inputs.end(), has_rank)) {
    return;
  }
  const auto body = onnx::official_body(node, opset);
  if (!body) return;
  ir::Graph scratch(ir::Graph::Dialect::onnx);
  scratch.opsets[""] = opset;
  GraphBuilder builder(scratch, opset);
  std::vector<ir::Value*> inputs;
  for (ir::Value* v : node.inputs) {
    if (v == nullptr) {
      inputs.push_back(nullptr);
    } else {
      inputs.push_back(is_small_constant(v) ? builder.constant(*v->constant())
                                            : scratch.add_input("", v->type()));
    }
  }
  const std::vector<ir::Value*> results = emit_function(*body, builder, inputs, node.attributes);
  for (size_t i = 0; i < types.size() && i < results.size(); ++i) {
    if (is_open(types[i]) && results[i] != nullptr) types[i] = results[i]->type();
  }
}

}  // namespace

std::vector<ir::Value*> GraphBuilder::emit(std::string_view domain, std::string_view op_type,
                                           std::span<ir::Value* const> inputs,
                                           std::vector<ir::Attribute> attributes, size_t outputs) {
  if (domain == "ai.onnx") domain = {};
  while (!inputs.empty() && inputs.back() == nullptr) inputs = inputs.first(inputs.size() - 1);
  // The bodies of functions are full of it; here the type is known, and a Cast of a constant folds.
  if (domain.empty() && op_type == "CastLike" && inputs.size() == 2 && inputs[0] != nullptr &&
      inputs[1] != nullptr && inputs[1]->type().is_tensor() &&
      inputs[1]->type().dtype() != ir::DType::undefined) {
    const ir::DType to = inputs[1]->type().dtype();
    if (inputs[0]->type().is_tensor() && inputs[0]->type().dtype() == to) return {inputs[0]};
    attributes.push_back(attribute("to", static_cast<int64_t>(to)));
    return emit(domain, "Cast", inputs.first(1), std::move(attributes), outputs);
  }
  const onnx::NodeView view{domain, op_type, inputs, attributes, outputs};

  if (domain.empty() && std::all_of(inputs.begin(), inputs.end(), is_small_constant)) {
    const auto folded = evaluate_constant(op_type, constants_of(inputs), attributes, opset_, outputs,
                                          kMostElements * sizeof(int64_t));
    if (folded) {
      std::vector<ir::Value*> values;
      for (const ir::Tensor& tensor : *folded) values.push_back(constant(tensor));
      return values;
    }
  }

  auto [types, shape_data] = infer(view);
  std::vector<ir::Value*> values(outputs);
  for (size_t i = 0; i < outputs; ++i)
    values[i] = shape_data[i] ? state_->find(*shape_data[i], types[i]) : nullptr;
  if (std::find(values.begin(), values.end(), nullptr) == values.end() && outputs > 0) return values;

  ir::Node* node = graph_.create(
      domain.empty() ? std::string(op_type) : std::string(domain) + "::" + std::string(op_type), inputs);
  node->set_provenance(provenance_);
  for (ir::Attribute& attribute : attributes) {
    if (ir::Block* const* block = std::get_if<ir::Block*>(&attribute.value)) node->adopt_block(*block);
    node->set_attribute(attribute.name, std::move(attribute.value));
  }
  if (before_ != nullptr) {
    graph_.insert_before(before_, node);
  } else {
    graph_.append(*block_, node);
  }
  for (size_t i = 0; i < outputs; ++i) {
    values[i] = node->add_output(name_open_dims(std::move(types[i])));
    if (!shape_data[i]) continue;
    state_->set_shape_data(values[i], *shape_data[i]);
    state_->offer(values[i], *shape_data[i]);
  }
  return values;
}

OperatorInference::Result GraphBuilder::infer(const onnx::NodeView& view) {
  auto types = state_->inference.try_infer(view, opset_);
  if (!types && operator_inference_ != nullptr) {
    if (auto result = operator_inference_->infer(view, *this)) return std::move(*result);
  }
  if (!types) types = state_->inference.infer(view, opset_);
  if (view.domain.empty()) infer_by_body(view, opset_, *types);
  const NodeInputs known(view, state_->shape_data_of, graph_.symbols, opset_);
  refine_types(known, *types);
  auto shape_data = propagate_shape_data(known, *types);
  return {std::move(*types), std::move(shape_data)};
}

std::vector<const ir::Tensor*> GraphBuilder::constants_of(std::span<ir::Value* const> values) {
  std::vector<const ir::Tensor*> out;
  for (const ir::Value* value : values) out.push_back(value == nullptr ? nullptr : value->constant());
  return out;
}

ir::Type GraphBuilder::name_open_dims(ir::Type type) {
  if (!type.is_tensor() || !type.shape()) return type;
  const auto& dims = *type.shape();
  if (std::none_of(dims.begin(), dims.end(), [](const ir::Dim& d) { return d.is_unknown(); })) return type;
  ir::Shape shape = dims;
  for (ir::Dim& dim : shape) {
    if (dim.is_unknown()) dim = fresh_dim();
  }
  return ir::Type::tensor(type.dtype(), std::move(shape));
}

ir::Value* GraphBuilder::constant(const ir::Tensor& tensor) { return state_->constant(tensor); }

ir::Value* GraphBuilder::own_constant(std::string_view name, ir::Tensor tensor) {
  ir::Value* value = graph_.add_initializer(name, std::move(tensor));
  state_->log.push_back({State::Entry::Kind::constant, {}, value, nullptr, {}});
  return value;
}

// ---- blocks ----

ir::Block* GraphBuilder::begin_block(std::span<const std::pair<std::string, ir::Type>> parameters) {
  ir::Block* block = graph_.create_block();
  for (const auto& [name, type] : parameters) block->add_parameter(type, graph_.intern(name));
  open_.emplace_back(block_, before_);
  state_->log.push_back({State::Entry::Kind::block, {}, nullptr, block, {}});
  block_ = block;
  before_ = nullptr;
  return block;
}

ir::Block* GraphBuilder::end_block(std::span<ir::Value* const> results) {
  if (open_.empty()) throw Error("T505", "end_block without a block that was begun");
  ir::Block* block = block_;
  block->set_results(results);
  std::tie(block_, before_) = open_.back();
  open_.pop_back();
  return block;
}

// ---- transactions ----

GraphBuilder::Mark GraphBuilder::mark() const {
  return {before_ != nullptr ? before_->previous() : block_->last(), block_, open_.size(),
          state_->log.size()};
}

void GraphBuilder::rollback(const Mark& mark) {
  while (open_.size() > mark.open) {
    std::tie(block_, before_) = open_.back();
    open_.pop_back();
  }
  block_ = mark.block;
  ir::Node* node = before_ != nullptr ? before_->previous() : block_->last();
  while (node != nullptr && node != mark.last) {
    ir::Node* previous = node->previous();
    graph_.erase(node);
    node = previous;
  }
  while (state_->log.size() > mark.log) {
    const State::Entry entry = std::move(state_->log.back());
    state_->log.pop_back();
    state_->undo(entry);
  }
}

// ---- what is known ----

const std::vector<ir::Dim>* GraphBuilder::shape_data(const ir::Value* value) const {
  return state_->shape_data(value);
}

void GraphBuilder::set_shape_data(ir::Value* value, const std::vector<ir::Dim>& shape_data) {
  state_->set_shape_data(value, shape_data);
  if (value->type().rank() == 0 || value->type().rank() == 1) state_->offer(value, shape_data);
}

ir::Dim GraphBuilder::fresh_dim() {
  return ir::Dim::symbol("?" + std::to_string(graph_.anonymous_symbols++));
}

}  // namespace onnxport
