#include "core/builder/state.h"

#include <algorithm>

namespace onnxport {

namespace {

// Larger constants are not compared for being equal: weights are told apart by their storage.
constexpr size_t kLargestShared = 1u << 10;
// Shape arithmetic written by others nests less deep; beyond it nothing is known.
constexpr int kDeepest = 64;

std::string content_key(const std::vector<ir::Dim>& dims, const ir::Type& type) {
  std::string key = std::to_string(static_cast<int>(type.dtype()));
  key += type.rank() == 0 ? '.' : ':';
  for (const ir::Dim& dim : dims) {
    key += dim.text();
    key += ',';
  }
  return key;
}

std::string constant_key(const ir::Tensor& tensor) {
  std::string key = std::to_string(static_cast<int>(tensor.dtype()));
  for (int64_t dim : tensor.dims()) {
    key += ',';
    key += std::to_string(dim);
  }
  key += '=';
  const ir::Tensor dense = tensor.contiguous();
  key.append(reinterpret_cast<const char*>(dense.bytes().data()), dense.bytes().size());
  return key;
}

std::optional<std::vector<ir::Dim>> constant_shape_data(const ir::Tensor& tensor) {
  const ir::DType dtype = tensor.dtype();
  const bool sizes = dtype == ir::DType::i64 || dtype == ir::DType::i32 || dtype == ir::DType::boolean;
  if (!sizes || tensor.dims().size() > 1 || tensor.count() > static_cast<int64_t>(kMostShapeData))
    return std::nullopt;
  const auto ints = tensor.to_ints();
  if (!ints) return std::nullopt;
  return std::vector<ir::Dim>(ints->begin(), ints->end());
}

// The constant of these numbers; nullopt when some is no number.
std::optional<ir::Tensor> number_tensor(const std::vector<ir::Dim>& dims, const ir::Type& type) {
  std::vector<int64_t> values;
  for (const ir::Dim& dim : dims) {
    if (!dim.is_constant()) return std::nullopt;
    values.push_back(dim.value());
  }
  std::vector<int64_t> shape;
  if (type.rank() == 1) shape.push_back(static_cast<int64_t>(values.size()));
  switch (type.dtype()) {
    case ir::DType::i64:
      return ir::Tensor::of<int64_t>(type.dtype(), shape, values);
    case ir::DType::i32:
      return ir::Tensor::of<int32_t>(type.dtype(), shape, std::vector<int32_t>(values.begin(), values.end()));
    case ir::DType::boolean:
      return ir::Tensor::of<uint8_t>(type.dtype(), shape, std::vector<uint8_t>(values.begin(), values.end()));
    default:
      return std::nullopt;
  }
}

}  // namespace

GraphBuilder::State::State(GraphBuilder& owner)
    : builder(owner),
      inference([this](const ir::Value* value) { return shape_data(value); }),
      shape_data_of([this](const ir::Value* value) { return shape_data(value); }) {}

const std::vector<ir::Dim>* GraphBuilder::State::shape_data(const ir::Value* value, int depth) {
  const auto found = known.find(value);
  if (found != known.end()) return found->second ? &*found->second : nullptr;
  auto store = [&](std::optional<std::vector<ir::Dim>> dims) {
    auto& slot = known[value] = std::move(dims);
    return slot ? &*slot : nullptr;
  };
  if (value->is_constant()) return store(constant_shape_data(*value->constant()));
  const ir::Node* node = value->producer();
  if (node == nullptr || depth > kDeepest || value->type().rank() < 0 || value->type().rank() > 1) {
    return depth > kDeepest ? nullptr : store(std::nullopt);
  }
  std::vector<ir::Value*> inputs;
  for (size_t i = 0; i < node->operand_count(); ++i) {
    inputs.push_back(node->operand(i));
    if (inputs.back() != nullptr) shape_data(inputs.back(), depth + 1);
  }
  std::vector<ir::Type> types;
  for (const ir::Value* output : node->outputs()) types.push_back(output->type());
  const auto [domain, op_type] = onnx::split_op(node->op_text());
  const onnx::NodeView view{domain, op_type, inputs, node->attributes(), types.size()};
  const NodeInputs facts(view, shape_data_of, builder.graph().symbols, builder.opset());
  return store(propagate_shape_data(facts, types)[value->index()]);
}

void GraphBuilder::State::set_shape_data(const ir::Value* value, std::vector<ir::Dim> dims) {
  auto& slot = known[value];
  log.push_back({Entry::Kind::shape_data, {}, value, nullptr, slot});
  slot = std::move(dims);
}

bool GraphBuilder::State::is_in_scope(const ir::Value* value, uint64_t made_at) const {
  if (position != 0 && made_at != position) return false;  // before a node: only what was just put there
  const ir::Node* node = value->producer();
  const ir::Block* home = node != nullptr ? node->parent() : value->block();
  if (home == nullptr) return false;  // removed since
  if (home == builder.block_) return true;
  return std::any_of(builder.open_.begin(), builder.open_.end(),
                     [&](const auto& open) { return open.first == home; });
}

ir::Value* GraphBuilder::State::find(const std::vector<ir::Dim>& dims, const ir::Type& type) {
  if (const auto tensor = number_tensor(dims, type)) return constant(*tensor);
  if (std::any_of(dims.begin(), dims.end(), [](const ir::Dim& d) { return d.is_unknown(); })) return nullptr;
  const auto found = offers.find(content_key(dims, type));
  if (found == offers.end()) return nullptr;
  for (auto it = found->second.rbegin(); it != found->second.rend(); ++it) {
    if (is_in_scope(it->value, it->position)) return it->value;
  }
  return nullptr;
}

void GraphBuilder::State::offer(ir::Value* value, const std::vector<ir::Dim>& dims) {
  if (std::any_of(dims.begin(), dims.end(), [](const ir::Dim& d) { return d.is_unknown(); })) return;
  std::string key = content_key(dims, value->type());
  offers[key].push_back({value, position});
  log.push_back({Entry::Kind::offer, std::move(key), value, nullptr, {}});
}

ir::Value* GraphBuilder::State::constant(const ir::Tensor& tensor) {
  const bool shared = tensor.byte_size() <= kLargestShared;
  std::string key;
  if (shared) {
    key = constant_key(tensor);
    const auto found = constants.find(key);
    if (found != constants.end()) return found->second;
  }
  ir::Value* value = builder.graph_.add_initializer("", tensor);
  if (shared) constants.emplace(key, value);
  log.push_back({Entry::Kind::constant, std::move(key), value, nullptr, {}});
  return value;
}

void GraphBuilder::State::undo(const Entry& entry) {
  switch (entry.kind) {
    case Entry::Kind::shape_data:
      known[entry.value] = entry.before;
      return;
    case Entry::Kind::offer: {
      auto& values = offers[entry.key];
      std::erase_if(values, [&](const Offer& o) { return o.value == entry.value; });
      return;
    }
    case Entry::Kind::constant: {
      if (!entry.key.empty()) constants.erase(entry.key);
      known.erase(entry.value);
      const auto all = builder.graph_.initializers();
      if (!all.empty() && all.back() == entry.value && !entry.value->has_uses()) {
        builder.graph_.truncate_initializers(all.size() - 1);
      }
      return;
    }
    case Entry::Kind::block: {
      entry.block->set_results({});
      while (entry.block->last() != nullptr) builder.graph_.erase(entry.block->last());
      return;
    }
  }
}

}  // namespace onnxport
