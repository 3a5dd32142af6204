// Dropout: nothing in evaluation.
#include "common.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

Values dropped(Op& op, const Value& x, size_t outputs) {
  if (op.real("p") == 1) {  // ONNX keeps something of everything
    Values none{op.full(op.shape_of(x), 0, x.dtype())};
    if (outputs > 1) none.push_back(op.full(op.shape_of(x), 0, DType::boolean));
    return none;
  }
  return op.node("Dropout", {x, op.constant(op.real("p"), DType::f32), op.constant(1, DType::boolean)}, {},
                 outputs);
}

// aten::dropout(Tensor input, float p, bool train) -> Tensor
Value plain_dropout(Op& op) {
  Value input = op["input"];
  return op.boolean("train") ? dropped(op, input, 1)[0] : input;
}

// aten::native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)
Values native_dropout(Op& op) {
  Value input = op["input"];
  if (op.boolean("train", true)) return dropped(op, input, 2);
  return {input, op.is_used(1) ? op.full(op.shape_of(input), 1, DType::boolean) : Value()};
}

// aten::feature_dropout(Tensor input, float p, bool train) -> Tensor
// Whole channels are kept or dropped: dropout of ones, one for each.
Value feature_dropout(Op& op) {
  Value input = op["input"];
  if (!op.boolean("train")) return input;
  Values dims{op.dim(input, 0), op.dim(input, 1)};
  dims.resize(static_cast<size_t>(input.rank()), op.constant(1));
  return input * dropped(op, op.full(op.shape(dims), 1, input.dtype()), 1)[0];
}

// aten::alpha_dropout(Tensor input, float p, bool train) -> Tensor
Value alpha_dropout(Op& op) {
  op.require(!op.boolean("train"), "alpha dropout while training");
  return op["input"];
}

}  // namespace

Mappings dropout() {
  return {
      {"aten::dropout", plain_dropout},
      {"aten::native_dropout", native_dropout},
      {"aten::feature_dropout", feature_dropout},
      {"aten::alpha_dropout", alpha_dropout},
      {"aten::feature_alpha_dropout", alpha_dropout},
  };
}

}  // namespace onnxport::aten
