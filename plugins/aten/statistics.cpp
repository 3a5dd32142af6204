// Variance and norms.
#include "common.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

// The axes of argument `dim`, None and empty meaning all.
std::vector<int64_t> axes_of(Op& op, const Value& x) {
  return op.has("dim") ? op.axes_or_all("dim", x) : op.axes_or_all("", x);
}

// The number of elements that the axes hold together, as a value of the element type of `x`.
Value count(Op& op, const Value& x, const std::vector<int64_t>& axes) {
  Value product = op.constant(1);
  for (int64_t axis : axes) product = product * op.dim(x, axis);
  return op.cast(product, x.dtype());
}

// Variance over the axes of `dim`, divided by their number of elements less the correction.
Value variance(Op& op) {
  Value self = op["self"];
  const std::vector<int64_t> axes = axes_of(op, self);
  Value over = op.ints(axes);
  const double correction = op.real("correction", op.boolean("unbiased", true) ? 1 : 0);
  Value deviation = self - op.ReduceMean(self, over, {{"keepdims", 1}});
  const bool keepdim = op.boolean("keepdim", false);
  if (correction == 0) return op.ReduceMean(deviation * deviation, over, {{"keepdims", keepdim}});
  Value squares = op.ReduceSumSquare(deviation, over, {{"keepdims", keepdim}});
  return squares / (count(op, self, axes) - correction);
}

// aten::var(Tensor self, bool unbiased=True) -> Tensor
// aten::var.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor
// aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor
Value var(Op& op) { return variance(op); }

// aten::std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor
Value std_deviation(Op& op) { return op.Sqrt(variance(op)); }

// aten::var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)
//   -> (Tensor, Tensor)
Values var_mean(Op& op) { return {variance(op), reduced(op, "ReduceMean", op["self"])}; }

// aten::std_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)
//   -> (Tensor, Tensor)
Values std_mean(Op& op) { return {std_deviation(op), reduced(op, "ReduceMean", op["self"])}; }

// (sum |x|^p)^(1/p) over the axes of `dim`, with its limits: the number of non-zeros, the least, the greatest.
Value norm_of(Op& op, const Value& x, double p) {
  if (p == 1) return reduced(op, "ReduceL1", x);
  if (p == 2) return reduced(op, "ReduceL2", x);
  if (p == infinity) return reduced(op, "ReduceMax", op.Abs(x));
  if (p == -infinity) return reduced(op, "ReduceMin", op.Abs(x));
  if (p == 0) return reduced(op, "ReduceSum", op.cast(op.cast(x, DType::boolean), x.dtype()));
  Value powers = reduced(op, "ReduceSum", op.Pow(op.Abs(x), op.like(x, p)));
  return op.Pow(powers, op.like(powers, 1 / p));
}

Value norm_input(Op& op) {
  Value self = op["self"];
  return op.cast(self, op.dtype("dtype", Op::floating(self.dtype())));
}

// aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor
Value norm(Op& op) { return norm_of(op, norm_input(op), op.real("p", 2)); }

// aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *,
//                          ScalarType? dtype=None) -> Tensor
Value vector_norm(Op& op) { return norm_of(op, norm_input(op), op.real("ord", 2)); }

// aten::frobenius_norm.dim(Tensor self, int[1] dim, bool keepdim=False) -> Tensor
Value frobenius_norm(Op& op) { return norm_of(op, norm_input(op), 2); }

// The greatest or least sum of absolute values of a column (axis `summed` is dim[0]) or of a row (dim[1]).
Value greatest_sum(Op& op, const Value& x, double order, const std::vector<int64_t>& dim) {
  const bool columns = std::abs(order) == 1;
  const int64_t summed = columns ? dim[0] : dim[1], other = columns ? dim[1] : dim[0];
  Value sums = op.ReduceL1(x, op.ints({summed}), {{"keepdims", 1}});
  Value best = op.node(order > 0 ? "ReduceMax" : "ReduceMin", {sums, op.ints({other})}, {{"keepdims", 1}});
  return op.boolean("keepdim") ? best : op.squeeze(best, dim);
}

Value matrix_norm_of(Op& op, const Value& x, double order) {
  const std::vector<int64_t> dim = op.axes("dim", x);
  op.require(std::abs(order) == 1 || std::abs(order) == infinity, "a matrix norm that needs singular values");
  return greatest_sum(op, x, order, dim);
}

// aten::linalg_matrix_norm(Tensor self, Scalar ord, int[] dim=[-2, -1], bool keepdim=False, *,
//                          ScalarType? dtype=None) -> Tensor
Value matrix_norm(Op& op) { return matrix_norm_of(op, norm_input(op), op.real("ord")); }

// aten::linalg_matrix_norm.str_ord(Tensor self, str ord='fro', int[] dim=[-2, -1], bool keepdim=False, *,
//                                  ScalarType? dtype=None) -> Tensor
Value matrix_norm_by_name(Op& op) {
  op.require(op.string("ord") == "fro", "the nuclear norm needs singular values");
  return norm_of(op, norm_input(op), 2);
}

// aten::linalg_norm(Tensor self, Scalar? ord=None, int[1]? dim=None, bool keepdim=False, *,
//                   ScalarType? dtype=None) -> Tensor
// Of one axis, or of no order: the norm of a vector. Of two axes: of a matrix.
Value linalg_norm(Op& op) {
  Value x = norm_input(op);
  const bool matrix = op.has("ord") && (op.has("dim") ? op.size("dim") == 2 : x.rank() == 2);
  if (!matrix) return norm_of(op, x, op.real("ord", 2));
  op.require(op.has("dim"), "a matrix norm without dim");
  return matrix_norm_of(op, x, op.real("ord"));
}

}  // namespace

Mappings statistics() {
  return {
      {"aten::var", var},
      {"aten::std", std_deviation},
      {"aten::var_mean", var_mean},
      {"aten::std_mean", std_mean},
      {"aten::norm", norm},
      {"aten::linalg_vector_norm", vector_norm},
      {"aten::frobenius_norm", frobenius_norm},
      {"aten::linalg_matrix_norm", matrix_norm},
      {"aten::linalg_matrix_norm.str_ord", matrix_norm_by_name},
      {"aten::linalg_norm", linalg_norm},
  };
}

}  // namespace onnxport::aten
