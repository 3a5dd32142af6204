// Dropout: nothing in evaluation.
#include "families.hpp"

namespace onnxport::aten {
namespace {

// ONNX's Dropout of p = 1 keeps something of everything.
bool drops_all(Op& op) { return op.real("p") == 1; }

Value dropped(Op& op, const Value& x) {
  if (drops_all(op)) return op.full_like(x, 0);
  return op.Dropout(x, op.constant(op.real("p"), DType::f32), op.constant(1, DType::boolean));
}

// aten::dropout(Tensor input, float p, bool train) -> Tensor
Value plain_dropout(Op& op) {
  Value input = op["input"];
  return op.boolean("train") ? dropped(op, input) : input;
}

// aten::native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)
Values native_dropout(Op& op) {
  Value input = op["input"];
  if (!op.boolean("train", true)) {
    return {input, op.is_used(1) ? op.full_like(input, 1, DType::boolean) : Value()};
  }
  if (drops_all(op)) return {op.full_like(input, 0), op.full_like(input, 0, DType::boolean)};
  const auto out =
      op.Dropout(all_outputs, input, op.constant(op.real("p"), DType::f32), op.constant(1, DType::boolean));
  return {out.output, out.mask};
}

// aten::feature_dropout(Tensor input, float p, bool train) -> Tensor
// Whole channels are kept or dropped: dropout of ones, one for each.
Value feature_dropout(Op& op) {
  Value input = op["input"];
  if (!op.boolean("train")) return input;
  Values dims{op.dim(input, 0), op.dim(input, 1)};
  dims.resize(static_cast<size_t>(input.rank()), op.constant(1));
  return input * dropped(op, op.full(op.shape(dims), 1, input.dtype()));
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
