// Batch, layer, group, instance and RMS normalization.
#include "families.hpp"

namespace onnxport::aten {
namespace {

// The argument, or that many `number`s where it is None: ONNX's scale and bias are not optional.
Value or_filled(Op& op, std::string_view arg, const Value& shape, double number, DType t) {
  return op.has(arg) ? op[arg] : op.full(shape, number, t);
}

// The size of the channel axis as a shape.
Value channels(Op& op, const Value& x) { return op.shape({op.dim(x, 1)}); }

// Every axis but the channels.
std::vector<int64_t> all_but_channels(const Value& x) {
  std::vector<int64_t> axes{0};
  for (int64_t axis = 2; axis < x.rank(); ++axis) axes.push_back(axis);
  return axes;
}

Value empty(Op& op, DType t) { return op.full(op.ints({0}), 0, t); }

// With the statistics that were learned: one BatchNormalization.
Value by_learned(Op& op) {
  Value x = op["input"];
  Value c = channels(op, x);
  Value weight = or_filled(op, "weight", c, 1, x.dtype()), bias = or_filled(op, "bias", c, 0, x.dtype());
  return op.BatchNormalization(x, weight, bias, op["running_mean"], op["running_var"],
                               {attr::epsilon(op.real("eps"))});
}

// Batch normalization with the statistics of this batch, and those.
struct OfBatch {
  Value result, mean, inverse_deviation, variance;
};
OfBatch by_batch(Op& op) {
  Value x = op["input"];
  const std::vector<int64_t> axes = all_but_channels(x);
  Value mean = op.ReduceMean(x, op.ints(axes), {attr::keepdims(1)});
  Value centred = x - mean;
  Value variance = op.ReduceMean(centred * centred, op.ints(axes), {attr::keepdims(1)});
  Value inverse = op.Reciprocal(op.Sqrt(variance + op.real("eps")));
  Value y = centred * inverse;
  std::vector<int64_t> trailing(axes.begin() + 1, axes.end());
  for (int64_t& axis : trailing) --axis;  // a parameter has the channel axis alone
  if (op.has("weight")) y = y * op.unsqueeze(op["weight"], trailing);
  if (op.has("bias")) y = y + op.unsqueeze(op["bias"], trailing);
  return {y, op.squeeze(mean, axes), op.squeeze(inverse, axes), op.squeeze(variance, axes)};
}

// aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var,
//     bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor
Value batch_norm(Op& op) {
  return op.boolean("training") || !op.has("running_mean") ? by_batch(op).result : by_learned(op);
}

// aten::native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var,
//     bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)
// aten::_native_batch_norm_legit_no_training(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean,
//     Tensor running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor)
Values native_batch_norm(Op& op) {
  if (!op.boolean("training", false)) {
    const DType t = op["input"].dtype();
    return {by_learned(op), empty(op, t), empty(op, t)};
  }
  const OfBatch of = by_batch(op);
  return {of.result, of.mean, of.inverse_deviation};
}

// aten::_native_batch_norm_legit_functional(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean,
//     Tensor running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor,
//     Tensor running_mean_out, Tensor running_var_out)
// The running variance learns from the unbiased one.
Values native_batch_norm_functional(Op& op) {
  Value mean = op["running_mean"], var = op["running_var"];
  if (!op.boolean("training")) {
    const DType t = op["input"].dtype();
    return {by_learned(op), empty(op, t), empty(op, t), mean, var};
  }
  const OfBatch of = by_batch(op);
  const double momentum = op.real("momentum");
  Value x = op["input"];
  Value count = op.constant(1);
  for (int64_t axis : all_but_channels(x)) count = count * op.dim(x, axis);
  Value n = op.cast_like(count, var);
  Value unbiased = op.cast_like(of.variance, var) * (n / (n - 1));
  return {of.result, of.mean, of.inverse_deviation,
          mean * (1 - momentum) + op.cast_like(of.mean, mean) * momentum,
          var * (1 - momentum) + unbiased * momentum};
}

// LayerNormalization over the last axes, as many as normalized_shape has.
struct LayerNorm {
  Value x, weight, bias;
  attributes_of::LayerNormalization attrs;
};
LayerNorm layer_norm_arguments(Op& op) {
  Value x = op["input"];
  return {x,
          or_filled(op, "weight", op.shape("normalized_shape"), 1, x.dtype()),
          op["bias"],
          {attr::axis(-static_cast<int64_t>(op.size("normalized_shape"))), attr::epsilon(op.real("eps"))}};
}

// aten::layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05,
//     bool cudnn_enable=True) -> Tensor
Value layer_norm(Op& op) {
  const LayerNorm n = layer_norm_arguments(op);
  return op.LayerNormalization(n.x, n.weight, n.bias, n.attrs);
}

// aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> (Tensor,
//     Tensor, Tensor)
Values native_layer_norm(Op& op) {
  if (!op.is_used(1) && !op.is_used(2)) return {layer_norm(op), {}, {}};
  const LayerNorm n = layer_norm_arguments(op);
  const auto out = op.LayerNormalization(all_outputs, n.x, n.weight, n.bias, n.attrs);
  return {out.Y, out.Mean, out.InvStdDev};
}

Value grouped(Op& op, std::string_view groups) {
  Value x = op["input"];
  Value c = channels(op, x);
  return op.GroupNormalization(x, or_filled(op, "weight", c, 1, x.dtype()),
                               or_filled(op, "bias", c, 0, x.dtype()),
                               {attr::num_groups(op.integer(groups)), attr::epsilon(op.real("eps"))});
}

// aten::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05,
//     bool cudnn_enabled=True) -> Tensor
Value group_norm(Op& op) { return grouped(op, "num_groups"); }

// aten::native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, SymInt C, SymInt HxW, int group,
//     float eps) -> (Tensor, Tensor, Tensor)
Values native_group_norm(Op& op) {
  Value y = grouped(op, "group");
  if (!op.is_used(1) && !op.is_used(2)) return {y, {}, {}};
  Value group = op.constant(op.integer("group"));
  Value x = op.reshape(op["input"], {op.dim(op["input"], 0), group, op["C"] * op["HxW"] / group});
  Value mean = op.ReduceMean(x, op.ints({2}), {attr::keepdims(1)});
  Value centred = x - mean;
  Value variance = op.ReduceMean(centred * centred, op.ints({2}), {attr::keepdims(0)});
  return {y, op.squeeze(mean, {2}), op.Reciprocal(op.Sqrt(variance + op.real("eps")))};
}

// aten::instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var,
//     bool use_input_stats, float momentum, float eps, bool cudnn_enabled) -> Tensor
Value instance_norm(Op& op) {
  if (!op.boolean("use_input_stats")) return by_learned(op);
  Value x = op["input"];
  Value c = channels(op, x);
  return op.InstanceNormalization(x, or_filled(op, "weight", c, 1, x.dtype()),
                                  or_filled(op, "bias", c, 0, x.dtype()), {attr::epsilon(op.real("eps"))});
}

// The distance from 1 to the next number, torch's default epsilon.
double machine_epsilon(DType t) {
  switch (t) {
    case DType::f16:
      return 0.0009765625;
    case DType::bf16:
      return 0.0078125;
    case DType::f64:
      return std::numeric_limits<double>::epsilon();
    default:
      return std::numeric_limits<float>::epsilon();
  }
}

// aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor
Value rms_norm(Op& op) {
  Value x = op["input"];
  return op.RMSNormalization(x, or_filled(op, "weight", op.shape("normalized_shape"), 1, x.dtype()),
                             {attr::axis(-static_cast<int64_t>(op.size("normalized_shape"))),
                              attr::epsilon(op.real("eps", machine_epsilon(x.dtype())))});
}

// aten::_fused_rms_norm(Tensor input, int[] normalized_shape, Tensor? weight, float? eps) -> (Tensor, Tensor)
Values fused_rms_norm(Op& op) {
  op.require(!op.is_used(1), "the inverse deviation of RMS normalization");
  return {rms_norm(op), {}};
}

// aten::_weight_norm(Tensor v, Tensor g, int dim=0) -> Tensor
// The direction of v, the length of g along `dim`; -1 means one length for the whole.
Value weight_norm(Op& op) {
  Value v = op["v"];
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < v.rank(); ++axis) {
    if (axis != op.integer("dim")) axes.push_back(axis);
  }
  return v * (op["g"] / op.ReduceL2(v, op.ints(axes), {attr::keepdims(1)}));
}

// aten::cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor
Value cosine_similarity(Op& op) {
  auto [x1, x2] = op.promoted_to_float("x1", "x2");
  const int64_t rank = std::max(x1.rank(), x2.rank());
  const int64_t dim = op.normalized(op.integer("dim"), rank);
  const auto length = [&op, from_end = dim - rank](const Value& x) {  // the inputs broadcast from the right
    return op.Max({op.ReduceL2(x, op.ints({from_end}), {attr::keepdims(1)}), op.like(x, op.real("eps"))});
  };
  return op.ReduceSum((x1 / length(x1)) * (x2 / length(x2)), op.ints({dim}), {attr::keepdims(0)});
}

}  // namespace

Mappings normalization() {
  return {
      {"aten::batch_norm", batch_norm},
      {"aten::native_batch_norm", native_batch_norm},
      {"aten::_native_batch_norm_legit", native_batch_norm},
      {"aten::_native_batch_norm_legit_no_training", native_batch_norm},
      {"aten::_native_batch_norm_legit_functional", native_batch_norm_functional},
      {"aten::layer_norm", layer_norm},
      {"aten::native_layer_norm", native_layer_norm},
      {"aten::group_norm", group_norm},
      {"aten::native_group_norm", native_group_norm},
      {"aten::instance_norm", instance_norm},
      {"aten::rms_norm", rms_norm},
      {"aten::_fused_rms_norm", fused_rms_norm},
      {"aten::_weight_norm", weight_norm},
      {"aten::cosine_similarity", cosine_similarity},
  };
}

}  // namespace onnxport::aten
