// Sizes as values: Emitter::dim and Emitter::shape.
#include "core/emit/state.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

constexpr int kShapeTakesStart = 15;  // the opset since which Shape has start and end
constexpr int kAxesAreInputs = 13;    // the opset since which Squeeze and Unsqueeze take axes as an input

ir::Value* change_rank(Emitter& emitter, std::string_view op_type, ir::Value* x) {
  if (emitter.opset() >= kAxesAreInputs) {
    return emitter.emit1(op_type, {x, emitter.constant(ir::Tensor::ints({0}))});
  }
  return emitter.emit1(op_type, {x}, {emitter.attribute("axes", std::vector<int64_t>{0})});
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
  explicit Parts(Emitter& emitter) : emitter_(emitter) {}

  void add(ir::Value* part) {
    const ir::Type& type = part->type();
    if (!type.is_tensor() || type.rank() < 0 || type.rank() > 1 || !ir::is_integral(type.dtype())) {
      throw Error("T510",
                  "a part of a shape is " + type.text() + "; expected a number or a 1-D list of integers");
    }
    if (type.dtype() != ir::DType::i64) {
      part = emitter_.emit1("Cast", {part}, {emitter_.attribute("to", static_cast<int64_t>(ir::DType::i64))});
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
    if (lists_.empty()) return emitter_.constant(ir::Tensor::ints({}));
    if (lists_.size() == 1) return lists_[0];
    return emitter_.emit("", "Concat", lists_, {emitter_.attribute("axis", int64_t{0})}, 1)[0];
  }

 private:
  // Undoes the Squeeze that made a size a number rather than adding an Unsqueeze.
  ir::Value* as_list(ir::Value* number) {
    const ir::Node* node = number->producer();
    if (node != nullptr && node->op() == std::string_view("Squeeze") &&
        node->operand(0)->type().rank() == 1) {
      return node->operand(0);
    }
    return change_rank(emitter_, "Unsqueeze", number);
  }

  void flush() {
    if (pending_) {
      const Sizes s = *pending_;
      pending_.reset();
      std::vector<ir::Attribute> attributes;
      if (s.start != 0 || s.end != s.x->type().rank()) {
        attributes = {emitter_.attribute("start", s.start), emitter_.attribute("end", s.end)};
      }
      lists_.push_back(emitter_.emit1("Shape", {s.x}, std::move(attributes)));
    }
    if (!numbers_.empty()) lists_.push_back(emitter_.constant(ir::Tensor::ints(std::exchange(numbers_, {}))));
  }

  Emitter& emitter_;
  std::vector<ir::Value*> lists_;
  std::optional<Sizes> pending_;
  std::vector<int64_t> numbers_;  // come after pending_
};

}  // namespace

ir::Value* Emitter::dim(ir::Value* x, int64_t axis) {
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

ir::Value* Emitter::shape(std::span<ir::Value* const> parts) {
  Parts joined(*this);
  for (ir::Value* part : parts) joined.add(part);
  return joined.join();
}

}  // namespace onnxport
