// Sizes as values: GraphBuilder::dim and GraphBuilder::shape.
#include "core/builder/state.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

constexpr int kShapeTakesStart = 15;  // the opset since which Shape has start and end
constexpr int kAxesAreInputs = 13;    // the opset since which Squeeze and Unsqueeze take axes as an input

ir::Value* change_rank(GraphBuilder& builder, std::string_view op_type, ir::Value* x) {
  if (builder.opset() >= kAxesAreInputs) {
    return builder.emit1(op_type, {x, builder.constant(ir::Tensor::ints({0}))});
  }
  return builder.emit1(op_type, {x}, {builder.attribute("axes", std::vector<int64_t>{0})});
}

// What Shape(x, start, end) takes out of the sizes of x.
struct Sizes {
  ir::Value* x;
  int64_t start, end;
};

std::optional<Sizes> sizes_of(const ir::Value* value) {
  const ir::Node* node = value->producer();
  if (node == nullptr || node->op() != std::string_view("Shape")) return std::nullopt;
  const auto* start = node->attribute_as<int64_t>("start");
  const auto* end = node->attribute_as<int64_t>("end");
  if (start == nullptr || end == nullptr || *start < 0 || *end < *start) return std::nullopt;
  return Sizes{node->operand(0), *start, *end};
}

// The parts of a shape, joined as far as they can be before anything is emitted.
class Parts {
 public:
  explicit Parts(GraphBuilder& builder) : builder_(builder) {}

  void add(ir::Value* part) {
    const ir::Type& type = part->type();
    if (!type.is_tensor() || type.rank() < 0 || type.rank() > 1 || !ir::is_integral(type.dtype())) {
      throw Error("T510",
                  "a part of a shape is " + type.text() + "; expected a number or a 1-D list of integers");
    }
    if (type.dtype() != ir::DType::i64) {
      part = builder_.emit1("Cast", {part}, {builder_.attribute("to", static_cast<int64_t>(ir::DType::i64))});
    }
    if (part->is_constant()) {
      const auto numbers = part->constant()->to_ints().value();
      numbers_.insert(numbers_.end(), numbers.begin(), numbers.end());
      return;
    }
    if (part->type().rank() == 0) part = as_list(part);
    const auto sizes = sizes_of(part);
    if (sizes && numbers_.empty() && pending_ && pending_->x == sizes->x && pending_->end == sizes->start) {
      pending_->end = sizes->end;
      return;
    }
    flush();
    if (sizes) {
      pending_ = sizes;
    } else {
      lists_.push_back(part);
    }
  }

  ir::Value* join() {
    flush();
    if (lists_.empty()) return builder_.constant(ir::Tensor::ints({}));
    if (lists_.size() == 1) return lists_[0];
    return builder_.emit("", "Concat", lists_, {builder_.attribute("axis", int64_t{0})}, 1)[0];
  }

 private:
  // Undoes the Squeeze that made a size a number rather than adding an Unsqueeze.
  ir::Value* as_list(ir::Value* number) {
    const ir::Node* node = number->producer();
    if (node != nullptr && node->op() == std::string_view("Squeeze") &&
        node->operand(0)->type().rank() == 1) {
      return node->operand(0);
    }
    return change_rank(builder_, "Unsqueeze", number);
  }

  void flush() {
    if (pending_) {
      const Sizes s = *pending_;
      pending_.reset();
      std::vector<ir::Attribute> attributes;
      if (s.start != 0 || s.end != s.x->type().rank()) {
        attributes = {builder_.attribute("start", s.start), builder_.attribute("end", s.end)};
      }
      lists_.push_back(builder_.emit1("Shape", {s.x}, std::move(attributes)));
    }
    if (!numbers_.empty()) lists_.push_back(builder_.constant(ir::Tensor::ints(std::exchange(numbers_, {}))));
  }

  GraphBuilder& builder_;
  std::vector<ir::Value*> lists_;
  std::optional<Sizes> pending_;
  std::vector<int64_t> numbers_;  // come after pending_
};

}  // namespace

ir::Value* GraphBuilder::dim(ir::Value* x, int64_t axis) {
  const ir::Type& type = x->type();
  if (!type.is_tensor() || !type.shape()) {
    throw Error("T513", "the rank of " + type.text() + " is not known, so its sizes cannot be read by axis",
                {}, "give the value a type in the model, or export with example inputs");
  }
  const auto rank = static_cast<int64_t>(type.rank());
  const int64_t at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= rank) {
    throw Error("T510", "axis " + std::to_string(axis) + " is out of range for " + type.text());
  }
  if ((*type.shape())[static_cast<size_t>(at)].is_unknown()) x->set_type(name_open_dims(type));
  const ir::Dim size = (*x->type().shape())[static_cast<size_t>(at)];
  if (size.is_constant()) return constant(size.value());
  if (ir::Value* known = state_->find({size}, ir::Type::tensor(ir::DType::i64, ir::Shape{}))) return known;
  if (opset_ < kShapeTakesStart) {
    return emit1("Gather", {emit1("Shape", {x}), constant(at)}, {attribute("axis", int64_t{0})});
  }
  ir::Value* list = emit1("Shape", {x}, {attribute("start", at), attribute("end", at + 1)});
  return change_rank(*this, "Squeeze", list);
}

ir::Value* GraphBuilder::shape(std::span<ir::Value* const> parts) {
  Parts joined(*this);
  for (ir::Value* part : parts) joined.add(part);
  return joined.join();
}

}  // namespace onnxport
