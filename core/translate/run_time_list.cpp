#include "core/translate/run_time_list.h"

#include <algorithm>
#include <array>

#include "core/builder/materialize.h"

namespace onnxport {

bool is_sequence(const ir::Value& list) { return list.type().kind() == ir::Type::Kind::list; }

// ---- types ----

namespace {

ir::Type without_anonymous(const ir::Type& tensor) {
  if (!tensor.shape()) return tensor;
  ir::Shape shape = *tensor.shape();
  for (ir::Dim& dim : shape) {
    if (dim.is_expression() && dim.is_anonymous()) dim = ir::Dim();
  }
  return ir::Type::tensor(tensor.dtype(), std::move(shape));
}

}  // namespace

ir::Type list_element_type(const ir::Type& tensor) { return without_anonymous(tensor); }

std::optional<ir::Type> join_elements(const ir::Type& a, const ir::Type& b) {
  if (a.dtype() != b.dtype()) return std::nullopt;
  if (a.rank() != b.rank() || a.rank() < 0) return ir::Type::tensor(a.dtype());
  ir::Shape shape = *a.shape();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!(shape[i] == (*b.shape())[i])) shape[i] = ir::Dim();
  }
  return without_anonymous(ir::Type::tensor(a.dtype(), std::move(shape)));
}

std::optional<ir::Type> list_element(const ir::Type& list) {
  if (list.kind() == ir::Type::Kind::list) {
    const ir::Type& element = list.elements().at(0);
    return element.dtype() == ir::DType::undefined ? std::nullopt : std::optional(element);
  }
  if (list.rank() < 1) return ir::Type::tensor(list.dtype());
  return without_anonymous(
      ir::Type::tensor(list.dtype(), ir::Shape(list.shape()->begin() + 1, list.shape()->end())));
}

ir::Type open_list_type(const ir::Type& list) {
  if (list.kind() == ir::Type::Kind::list) return ir::Type::list(without_anonymous(list.elements().at(0)));
  if (list.rank() < 1) return list;
  ir::Shape shape = *list.shape();
  shape[0] = ir::Dim();
  return without_anonymous(ir::Type::tensor(list.dtype(), std::move(shape)));
}

// ---- values ----

namespace {

// The few nodes that lists are made of.
class Emit {
 public:
  explicit Emit(GraphBuilder& builder) : b_(builder) {}

  ir::Value* number(int64_t n) { return b_.constant(n); }
  ir::Value* vector(ir::Value* x) {
    return x->type().rank() == 1 ? x : b_.emit1("Unsqueeze", {x, b_.constant(ir::Tensor::ints({0}))});
  }
  ir::Value* front_axis(ir::Value* x) {
    return b_.emit1("Unsqueeze", {x, b_.constant(ir::Tensor::ints({0}))});
  }
  ir::Value* slice(ir::Value* x, ir::Value* from, ir::Value* to) {
    return b_.emit1("Slice", {x, vector(from), vector(to), b_.constant(ir::Tensor::ints({0}))});
  }
  ir::Value* concat(std::initializer_list<ir::Value*> parts) {
    return b_.emit1("Concat", parts, {b_.attribute("axis", int64_t{0})});
  }
  // A Python index from 0 on.
  ir::Value* position(ir::Value* list, ir::Value* index) {
    if (const ir::Tensor* known = index->constant(); known != nullptr && (*known->to_ints())[0] >= 0)
      return index;
    ir::Value* negative = b_.emit1("Less", {index, number(0)});
    ir::Value* counted = b_.emit1("Add", {index, list_length(list, b_)});
    return b_.emit1("Where", {negative, counted, index});
  }
  ir::Value* clamped(ir::Value* x, ir::Value* most) {
    return b_.emit1("Min", {b_.emit1("Max", {x, number(0)}), most});
  }

 private:
  GraphBuilder& b_;
};

constexpr int64_t kEnd = INT64_MAX;

// Of a list that is a tensor in pieces: they are read of the tensor, and no Sequence is made where nothing else is asked.
struct Pieces {
  ir::Value* tensor = nullptr;
  int64_t axis = 0;
  ir::Value* size = nullptr;  // of each but the last; null: slices without the axis
};

std::optional<Pieces> pieces_of(const ir::Value& list) {
  const ir::Node* node = list.producer();
  if (node == nullptr || !(node->op() == "SplitToSequence") || node->operand_count() == 0)
    return std::nullopt;
  Pieces out;
  out.tensor = node->operand(0);
  out.size = node->operand_count() > 1 ? node->operand(1) : nullptr;
  const auto* axis = node->attribute_as<int64_t>("axis");
  const auto* keeps = node->attribute_as<int64_t>("keepdims");
  if (axis != nullptr) out.axis = *axis;
  const bool slices = keeps != nullptr && *keeps == 0;
  const int rank = out.tensor->type().rank();
  if (rank < 1 || slices != (out.size == nullptr)) return std::nullopt;
  if (out.axis < 0) out.axis += rank;
  if (out.size != nullptr && out.size->type().rank() != 0) return std::nullopt;  // sizes of their own
  return out;
}

ir::Value* number_of(const Pieces& pieces, GraphBuilder& builder) {
  ir::Value* all = builder.dim(pieces.tensor, pieces.axis);
  if (pieces.size == nullptr) return all;
  ir::Value* one = builder.constant(int64_t{1});
  ir::Value* up = builder.emit1("Add", {all, builder.emit1("Sub", {pieces.size, one})});
  return builder.emit1("Max",
                       {builder.emit1("Div", {up, pieces.size}), one});  // of no rows there is one piece
}

ir::Value* piece_at(const Pieces& pieces, ir::Value* list, ir::Value* index, GraphBuilder& builder) {
  if (pieces.size == nullptr)
    return builder.emit1("Gather", {pieces.tensor, index}, {builder.attribute("axis", pieces.axis)});
  Emit e(builder);
  ir::Value* at = e.position(list, index);
  ir::Value* from = builder.emit1("Mul", {at, pieces.size});
  ir::Value* axis = builder.constant(ir::Tensor::ints({pieces.axis}));
  return builder.emit1(
      "Slice", {pieces.tensor, e.vector(from), e.vector(builder.emit1("Add", {from, pieces.size})), axis});
}

ir::Value* as_sequence(const Argument& list, const ir::Type& type, GraphBuilder& builder) {
  if (ir::Value* value = list.value()) {
    if (is_sequence(*value)) return value;
    return builder.emit1("SplitToSequence", {value},
                         {builder.attribute("axis", int64_t{0}), builder.attribute("keepdims", int64_t{0})});
  }
  std::vector<ir::Value*> items;
  for (const Argument& item : list.items()) items.push_back(materialize(item, builder));
  if (!items.empty()) return builder.emit("", "SequenceConstruct", items, {}, 1)[0];
  return builder.emit("", "SequenceEmpty", {},
                      {builder.attribute("dtype", static_cast<int64_t>(type.elements().at(0).dtype()))},
                      1)[0];
}

}  // namespace

Argument column_of(const Argument& list, size_t k) {
  if (list.is_zipped()) return list.items()[k];
  std::vector<Argument> out;
  for (const Argument& tuple : list.items()) out.push_back(tuple.items()[k]);
  return Argument::list_of(std::move(out));
}

ir::Value* stack_elements(std::span<const Argument> items, GraphBuilder& builder) {
  Emit e(builder);
  std::vector<ir::Value*> parts;
  for (const Argument& item : items) parts.push_back(e.front_axis(materialize(item, builder)));
  if (parts.size() == 1) return parts[0];
  return builder.emit("", "Concat", parts, {builder.attribute("axis", int64_t{0})}, 1)[0];
}

ir::Value* as_run_time_list(const Argument& list, const ir::Type& type, GraphBuilder& builder) {
  if (type.kind() == ir::Type::Kind::list) return as_sequence(list, type, builder);
  if (ir::Value* value = list.value()) {
    if (!is_sequence(*value)) return value;
    return builder.emit1("ConcatFromSequence", {value},
                         {builder.attribute("axis", int64_t{0}), builder.attribute("new_axis", int64_t{1})});
  }
  if (!list.items().empty()) return stack_elements(list.items(), builder);
  ir::Value* none = builder.constant(ir::Tensor::ints({}));
  if (type.dtype() == ir::DType::i64) return none;
  return builder.emit1("Cast", {none}, {builder.attribute("to", static_cast<int64_t>(type.dtype()))});
}

ir::Value* list_length(ir::Value* list, GraphBuilder& builder) {
  if (const auto pieces = pieces_of(*list)) return number_of(*pieces, builder);
  return is_sequence(*list) ? builder.emit1("SequenceLength", {list}) : builder.dim(list, 0);
}

ir::Value* list_item(ir::Value* list, ir::Value* index, GraphBuilder& builder) {
  if (const auto pieces = pieces_of(*list)) return piece_at(*pieces, list, index, builder);
  if (is_sequence(*list)) return builder.emit1("SequenceAt", {list, index});
  return builder.emit1("Gather", {list, index}, {builder.attribute("axis", int64_t{0})});
}

ir::Value* list_without(ir::Value* list, ir::Value* index, GraphBuilder& builder) {
  if (is_sequence(*list)) return builder.emit1("SequenceErase", {list, index});
  Emit e(builder);
  ir::Value* at = e.position(list, index);
  ir::Value* behind = builder.emit1("Add", {at, e.number(1)});
  return e.concat({e.slice(list, e.number(0), at), e.slice(list, behind, e.number(kEnd))});
}

ir::Value* list_inserted(ir::Value* list, ir::Value* index, ir::Value* element, GraphBuilder& builder) {
  Emit e(builder);
  ir::Value* at = e.clamped(e.position(list, index), list_length(list, builder));
  if (is_sequence(*list)) return builder.emit1("SequenceInsert", {list, element, at});
  return e.concat({e.slice(list, e.number(0), at), e.front_axis(element), e.slice(list, at, e.number(kEnd))});
}

ir::Value* list_with(ir::Value* list, ir::Value* index, ir::Value* element, GraphBuilder& builder) {
  Emit e(builder);
  ir::Value* at = e.position(list, index);
  if (is_sequence(*list)) {
    ir::Value* rest = builder.emit1("SequenceErase", {list, at});
    return builder.emit1("SequenceInsert", {rest, element, at});
  }
  ir::Value* where = e.front_axis(e.vector(at));
  return builder.emit1("ScatterND", {list, where, e.front_axis(element)});
}

ir::Value* list_selection(ir::Value* list, ir::Value* positions, GraphBuilder& builder) {
  if (!is_sequence(*list)) return list_item(list, positions, builder);
  ir::Value* none = as_sequence(Argument::list_of({}), list->type(), builder);
  const ir::Type number = ir::Type::tensor(ir::DType::i64, ir::Shape{});
  const ir::Type yes = ir::Type::tensor(ir::DType::boolean, ir::Shape{});
  ir::Block* body = builder.begin_block(std::vector<std::pair<std::string, ir::Type>>{
      {"iteration", number}, {"condition", yes}, {"", list->type()}});
  ir::Value* at =
      builder.emit1("Gather", {positions, body->parameters()[0]}, {builder.attribute("axis", int64_t{0})});
  ir::Value* longer = builder.emit1("SequenceInsert", {body->parameters()[2], list_item(list, at, builder)});
  ir::Value* going = builder.emit1("Identity", {body->parameters()[1]});
  body = builder.end_block(std::array{going, longer});
  ir::Value* always =
      builder.constant(ir::Tensor::of<uint8_t>(ir::DType::boolean, {}, {static_cast<uint8_t>(1)}));
  ir::Value* out = builder.emit("", "Loop", std::array{builder.dim(positions, 0), always, none},
                                {builder.attribute("body", body)}, 1)[0];
  out->set_type(list->type());
  return out;
}

ir::Value* lists_joined(ir::Value* a, ir::Value* b, GraphBuilder& builder) {
  if (!is_sequence(*a)) return Emit(builder).concat({a, b});
  const ir::Type number = ir::Type::tensor(ir::DType::i64, ir::Shape{});
  const ir::Type yes = ir::Type::tensor(ir::DType::boolean, ir::Shape{});
  const auto element = join_elements(a->type().elements().at(0), b->type().elements().at(0));
  const ir::Type type = ir::Type::list(element.value_or(a->type().elements().at(0)));
  ir::Block* body = builder.begin_block(
      std::vector<std::pair<std::string, ir::Type>>{{"iteration", number}, {"condition", yes}, {"", type}});
  ir::Value* longer =
      builder.emit1("SequenceInsert", {body->parameters()[2], list_item(b, body->parameters()[0], builder)});
  ir::Value* going = builder.emit1("Identity", {body->parameters()[1]});
  body = builder.end_block(std::array{going, longer});
  ir::Value* always =
      builder.constant(ir::Tensor::of<uint8_t>(ir::DType::boolean, {}, {static_cast<uint8_t>(1)}));
  ir::Value* out = builder.emit("", "Loop", std::array{list_length(b, builder), always, a},
                                {builder.attribute("body", body)}, 1)[0];
  out->set_type(type);
  return out;
}

}  // namespace onnxport
