// Activation functions and softmax.
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

// aten::relu(Tensor self) -> Tensor
Value relu(Op& op) {
  Value self = op["self"];
  return self.dtype() == DType::u8 ? self : op.Relu(self);
}

// aten::relu6(Tensor self) -> Tensor
Value relu6(Op& op) {
  Value self = op["self"];
  return op.Clip(self, op.like(self, 0), op.like(self, 6));
}

// aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor
Value hardtanh(Op& op) {
  Value self = op["self"];
  return op.Clip(self, op.as("min_val", self.dtype()), op.as("max_val", self.dtype()));
}

// aten::gelu(Tensor self, *, str approximate='none') -> Tensor
Value gelu(Op& op) { return op.Gelu(op["self"], {attr::approximate(op.string("approximate", "none"))}); }

// aten::silu(Tensor self) -> Tensor
Value silu(Op& op) {
  Value self = op["self"];
  return self * op.Sigmoid(self);
}

// aten::log_sigmoid(Tensor self) -> Tensor
Value log_sigmoid(Op& op) { return -op.Softplus(-op["self"]); }

// aten::log_sigmoid_forward(Tensor self) -> (Tensor output, Tensor buffer)
// The buffer is what the kernel of CPUs keeps for the gradient.
Values log_sigmoid_forward(Op& op) { return {log_sigmoid(op), op.Exp(-op.Abs(op["self"]))}; }

// aten::leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor
Value leaky_relu(Op& op) { return op.LeakyRelu(op["self"], {attr::alpha(op.real("negative_slope"))}); }

// aten::rrelu(Tensor self, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False,
//     Generator? generator=None) -> Tensor
// In evaluation the random slope is its mean.
Value rrelu(Op& op) {
  op.require(!op.boolean("training"), "the random slopes of training cannot be expressed in ONNX");
  return op.LeakyRelu(op["self"], {attr::alpha((op.real("lower") + op.real("upper")) / 2)});
}

// aten::elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor
Value elu(Op& op) {
  Value self = op["self"];
  const double input_scale = op.real("input_scale");
  if (input_scale == 1) return scale_by(op, op.Elu(self, {attr::alpha(op.real("alpha"))}), "scale");
  Value negative = op.Elu(self * input_scale, {attr::alpha(op.real("alpha"))});
  return scale_by(op, op.Where(self > 0, self, negative), "scale");
}

// aten::selu(Tensor self) -> Tensor
Value selu(Op& op) { return op.Selu(op["self"]); }

// aten::celu(Tensor self, Scalar alpha=1.0) -> Tensor
Value celu(Op& op) {
  Value self = op["self"];
  const double alpha = op.real("alpha");
  if (alpha == 1) return op.Elu(self);
  if (self.dtype() == DType::f32) return op.Celu(self, {attr::alpha(alpha)});
  return op.Elu(self / alpha) * alpha;
}

// aten::hardsigmoid(Tensor self) -> Tensor
Value hardsigmoid(Op& op) { return op.HardSigmoid(op["self"], {attr::alpha(1.0 / 6), attr::beta(0.5)}); }

// aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor
// Above the threshold torch returns self; from 20 on that is what Softplus rounds to.
Value softplus(Op& op) {
  Value self = op["self"];
  const double beta = op.real("beta");
  Value inner = scale_by(op, self, "beta");
  Value soft = beta == 1 ? op.Softplus(inner) : op.Softplus(inner) / beta;
  const double threshold = op.real("threshold");
  return threshold >= 20 ? soft : op.Where(inner > threshold, self, soft);
}

// aten::threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor
Value threshold(Op& op) {
  Value self = op["self"];
  return op.Where(self <= op.as("threshold", self.dtype()), op.as("value", self.dtype()), self);
}

// aten::hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor
Value hardshrink(Op& op) { return op.Shrink(op["self"], {attr::lambd(op.real("lambd"))}); }

// aten::softshrink(Tensor self, Scalar lambd=0.5) -> Tensor
Value softshrink(Op& op) {
  return op.Shrink(op["self"], {attr::lambd(op.real("lambd")), attr::bias(op.real("lambd"))});
}

// aten::prelu(Tensor self, Tensor weight) -> Tensor
// One slope for all or one per channel, axis 1.
Value prelu(Op& op) {
  Value self = op["self"], weight = op["weight"];
  const bool per_channel = weight.rank() > 0 && weight.static_dim(0) != 1;
  std::vector<int64_t> trailing(static_cast<size_t>(std::max<int64_t>(self.rank() - 2, 0)));
  std::iota(trailing.begin(), trailing.end(), 1);
  if (self.rank() == 0) return op.PRelu(self, op.scalar(weight));
  return op.PRelu(self, per_channel ? op.unsqueeze(weight, trailing) : weight);
}

// aten::_prelu_kernel(Tensor self, Tensor weight) -> Tensor
Value prelu_kernel(Op& op) { return op.PRelu(op["self"], op["weight"]); }

// aten::glu(Tensor self, int dim=-1) -> Tensor
Value glu(Op& op) {
  Value self = op["self"];
  Values halves = op.Split(self, {}, 2, {attr::axis(op.axis("dim", self)), attr::num_outputs(2)});
  return halves[0] * op.Sigmoid(halves[1]);
}

// ONNX's softmax has an axis, a 0-d tensor has none.
Value along_axis(Op& op, std::string_view onnx_op, const Value& x) {
  if (x.rank() == 0) return op.squeeze(op.node(onnx_op, {op.unsqueeze(x, {0})}), {0});
  return op.node(onnx_op, {x}, {attr::axis(op.axis("dim", x))});
}

// The input in the type of the result: dtype= where given, f32 for a half_to_float of the internal forms.
Value softmax_input(Op& op) {
  Value self = op["self"];
  const DType own = op.boolean("half_to_float", false) ? DType::f32 : Op::floating(self.dtype());
  return op.cast(self, op.dtype("dtype", own));
}

// aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor
// aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor
Value softmax(Op& op) { return along_axis(op, "Softmax", softmax_input(op)); }

// aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor
// aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor
Value log_softmax(Op& op) { return along_axis(op, "LogSoftmax", softmax_input(op)); }

// aten::_safe_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor
// A row of only -inf gives zeros.
Value safe_softmax(Op& op) {
  Value soft = softmax(op);
  return op.Where(op.IsNaN(soft), op.like(soft, 0), soft);
}

}  // namespace

Mappings activation() {
  return {
      Mapping::elementwise("aten::sigmoid", "Sigmoid", true),
      Mapping::elementwise("aten::tanh", "Tanh", true),
      Mapping::elementwise("aten::hardswish", "HardSwish"),
      Mapping::elementwise("aten::mish", "Mish"),
      {"aten::relu", relu},
      {"aten::relu6", relu6},
      {"aten::hardtanh", hardtanh},
      {"aten::gelu", gelu},
      {"aten::silu", silu},
      {"aten::log_sigmoid", log_sigmoid},
      {"aten::log_sigmoid_forward", log_sigmoid_forward},
      {"aten::leaky_relu", leaky_relu},
      {"aten::rrelu", rrelu},
      {"aten::elu", elu},
      {"aten::selu", selu},
      {"aten::celu", celu},
      {"aten::hardsigmoid", hardsigmoid},
      {"aten::softplus", softplus},
      {"aten::threshold", threshold},
      {"aten::hardshrink", hardshrink},
      {"aten::softshrink", softshrink},
      {"aten::prelu", prelu},
      {"aten::_prelu_kernel", prelu_kernel},
      {"aten::glu", glu},
      {"aten::softmax", softmax},
      {"aten::_softmax", softmax},
      {"aten::special_softmax", softmax},
      {"aten::log_softmax", log_softmax},
      {"aten::special_log_softmax", log_softmax},
      {"aten::_log_softmax", log_softmax},
      {"aten::_safe_softmax", safe_softmax},
  };
}

}  // namespace onnxport::aten
