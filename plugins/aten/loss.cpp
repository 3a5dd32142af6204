// Loss functions.
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

// The argument reduction: 0 none, 1 mean, 2 sum.
Value gathered(Op& op, const Value& loss) {
  switch (op.integer("reduction")) {
    case 0:
      return loss;
    case 1:
      return op.ReduceMean(loss, {}, {attr::keepdims(0)});
    case 2:
      return op.ReduceSum(loss, {}, {attr::keepdims(0)});
    default:
      op.decline("an unknown reduction");
  }
}
const char* reduction_name(Op& op) {
  static constexpr const char* names[] = {"none", "mean", "sum"};
  const int64_t reduction = op.integer("reduction");
  op.require(reduction >= 0 && reduction < 3, "an unknown reduction");
  return names[reduction];
}

Value difference(Op& op) {
  auto [self, target] = op.promoted("self", "target");
  return self - target;
}

// aten::mse_loss(Tensor self, Tensor target, int reduction=Mean) -> Tensor
Value mse_loss(Op& op) {
  Value d = difference(op);
  return gathered(op, d * d);
}

// aten::l1_loss(Tensor self, Tensor target, int reduction=Mean) -> Tensor
Value l1_loss(Op& op) { return gathered(op, op.Abs(difference(op))); }

// aten::smooth_l1_loss(Tensor self, Tensor target, int reduction=Mean, float beta=1.0) -> Tensor
Value smooth_l1_loss(Op& op) {
  Value d = op.Abs(difference(op));
  const double beta = op.real("beta");
  if (beta == 0) return gathered(op, d);
  return gathered(op, op.Where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta));
}

// aten::huber_loss(Tensor self, Tensor target, int reduction=Mean, float delta=1.0) -> Tensor
Value huber_loss(Op& op) {
  Value d = op.Abs(difference(op));
  const double delta = op.real("delta");
  return gathered(op, op.Where(d <= delta, d * d * 0.5, (d - 0.5 * delta) * delta));
}

// aten::soft_margin_loss(Tensor self, Tensor target, int reduction=Mean) -> Tensor
Value soft_margin_loss(Op& op) { return gathered(op, op.Softplus(-(op["self"] * op["target"]))); }

// Integers among the factors of a loss are taken as its floats.
Value as_factor(Op& op, const Value& factor, const Value& loss) {
  return is_floating(factor.dtype()) ? factor : op.cast_like(factor, loss);
}

Value weighted(Op& op, const Value& loss) {
  return op.has("weight") ? loss * as_factor(op, op["weight"], loss) : loss;
}

// aten::binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int reduction=Mean) -> Tensor
// torch holds the logarithms at -100 or above.
Value binary_cross_entropy(Op& op) {
  Value self = op["self"], target = op["target"];
  const auto log = [&](const Value& x) { return op.Max({op.Log(x), op.like(x, -100)}); };
  Value loss = (target - 1) * log(1 - self) - target * log(self);
  return gathered(op, weighted(op, loss));
}

// aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None,
//     int reduction=Mean) -> Tensor
Value binary_cross_entropy_with_logits(Op& op) {
  Value self = op["self"], target = as_factor(op, op["target"], self);
  Value loss = op.Softplus(-self);
  if (op.has("pos_weight")) loss = ((as_factor(op, op["pos_weight"], self) - 1) * target + 1) * loss;
  return gathered(op, weighted(op, (1 - target) * self + loss));
}

// aten::kl_div(Tensor self, Tensor target, int reduction=Mean, *, bool log_target=False) -> Tensor
Value kl_div(Op& op) {
  Value self = op["self"], target = op["target"];
  if (op.boolean("log_target")) return gathered(op, op.Exp(target) * (target - self));
  return gathered(op, times_log(op, target, op.Log(target)) - target * self);
}

// A loss of class scores: torch allows a single sample, ONNX wants the batch axis.
template <typename F>
Value of_batch(Op& op, F f) {
  Value self = op["self"], target = op["target"];
  if (self.rank() > 1) return f(self, target);
  Value loss = f(op.unsqueeze(self, {0}), op.unsqueeze(target, {0}));
  return op.integer("reduction") == 0 ? op.squeeze(loss, {0}) : loss;
}

// aten::nll_loss_nd(Tensor self, Tensor target, Tensor? weight=None, int reduction=Mean,
//     SymInt ignore_index=-100) -> Tensor
Value nll_loss(Op& op) {
  return of_batch(op, [&](const Value& self, const Value& target) {
    return op.NegativeLogLikelihoodLoss(
        self, target, op["weight"],
        {attr::ignore_index(op.integer("ignore_index")), attr::reduction(reduction_name(op))});
  });
}

// aten::nll_loss_forward(Tensor self, Tensor target, Tensor? weight, int reduction,
//     SymInt ignore_index) -> (Tensor output, Tensor total_weight)
Values nll_loss_forward(Op& op) {
  op.require(!op.is_used(1), "the total weight of a negative log likelihood");
  return {nll_loss(op), {}};
}

// aten::cross_entropy_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=Mean,
//     SymInt ignore_index=-100, float label_smoothing=0.0) -> Tensor
Value cross_entropy_loss(Op& op) {
  op.require(is_integral(op["target"].dtype()) && op.real("label_smoothing") == 0,
             "class probabilities or label smoothing");
  return of_batch(op, [&](const Value& self, const Value& target) {
    return op.SoftmaxCrossEntropyLoss(
        self, target, op["weight"],
        {attr::ignore_index(op.integer("ignore_index")), attr::reduction(reduction_name(op))});
  });
}

// aten::multi_margin_loss(Tensor self, Tensor target, Scalar p=1, Scalar margin=1, Tensor? weight=None,
//     int reduction=Mean) -> Tensor
// The mean over classes of max(0, margin - score of the target + score)^p; the target's own term is taken off
// again.
Value multi_margin_loss(Op& op) {
  Value self = op["self"], target = op["target"];
  const double p = op.real("p"), margin = op.real("margin");
  Value of_target = op.GatherElements(self, op.unsqueeze(target, {-1}), {attr::axis(-1)});
  Value excess = op.Relu(self - of_target + margin);
  if (p == 2) excess = excess * excess;
  Value loss = op.ReduceSum(excess, op.ints({-1}), {attr::keepdims(0)}) - std::pow(std::max(margin, 0.0), p);
  if (op.has("weight")) loss = loss * op.Gather(op["weight"], target);
  return gathered(op, loss / op.cast_like(op.dim(self, -1), self));
}

// aten::multilabel_margin_loss_forward(Tensor self, Tensor target, int reduction) -> (Tensor output, Tensor is_target)
// Each target class against each other class; the targets of a row end at the first -1.
Values multilabel_margin_loss(Op& op) {
  Value self = op["self"], target = op["target"];
  op.require(self.rank() > 0, "a single class");
  Value ended = op.CumSum(op.cast(target < 0, DType::i64), op.constant(-1));
  Value valid = op.unsqueeze(ended == 0, {-1});
  Value label = op.Max({target, op.constant(0)});
  Value hits = valid & (op.unsqueeze(label, {-1}) == op.arange(op.dim(self, -1)));
  Value is_target = op.ReduceMax(op.cast_like(hits, self), op.ints({-2}), {attr::keepdims(0)});
  Value of_target = op.unsqueeze(op.GatherElements(self, label, {attr::axis(-1)}), {-1});
  Value excess = op.Relu(1 - of_target + op.unsqueeze(self, {-2}));
  Value pairs = valid & op.unsqueeze(is_target == 0, {-2});
  Value loss = op.ReduceSum(excess * op.cast_like(pairs, self), op.ints({-2, -1}), {attr::keepdims(0)});
  return {gathered(op, loss / op.cast_like(op.dim(self, -1), self)), is_target};
}

}  // namespace

Mappings loss() {
  return {
      {"aten::mse_loss", mse_loss},
      {"aten::l1_loss", l1_loss},
      {"aten::smooth_l1_loss", smooth_l1_loss},
      {"aten::huber_loss", huber_loss},
      {"aten::soft_margin_loss", soft_margin_loss},
      {"aten::binary_cross_entropy", binary_cross_entropy},
      {"aten::binary_cross_entropy_with_logits", binary_cross_entropy_with_logits},
      {"aten::kl_div", kl_div},
      {"aten::nll_loss", nll_loss},
      {"aten::nll_loss2d", nll_loss},
      {"aten::nll_loss_nd", nll_loss},
      {"aten::nll_loss_forward", nll_loss_forward},
      {"aten::nll_loss2d_forward", nll_loss_forward},
      {"aten::cross_entropy_loss", cross_entropy_loss},
      {"aten::multi_margin_loss", multi_margin_loss},
      {"aten::multilabel_margin_loss_forward", multilabel_margin_loss},
  };
}

}  // namespace onnxport::aten
