// Variance, norms and distances.
#include "axes.hpp"
#include "families.hpp"
#include "reductions.hpp"

namespace onnxport::aten {
namespace {

// The number of elements that the axes hold together, as a value of the element type of `x`.
Value count(Op& op, const Value& x, const std::vector<int64_t>& axes) {
  Value product = op.constant(1);
  for (int64_t axis : axes) product = product * op.dim(x, axis);
  return op.cast(product, x.dtype());
}

// Variance over the axes of `dim`, divided by their number of elements less the correction.
Value variance(Op& op) {
  Value self = op["self"];
  const std::vector<int64_t> axes = reduction_dims(op, self);
  if (has_empty_axis(self, axes)) return nan_reduction(op, self);
  Value over = op.ints(axes);
  const double correction = op.real("correction", op.boolean("unbiased", true) ? 1 : 0);
  Value deviation = self - op.ReduceMean(self, over, {attr::keepdims(1)});
  const bool keepdim = op.boolean("keepdim", false);
  if (correction == 0) return op.ReduceMean(deviation * deviation, over, {attr::keepdims(keepdim)});
  Value squares = op.ReduceSumSquare(deviation, over, {attr::keepdims(keepdim)});
  Value freedom = count(op, self, axes) - correction;
  const bool counted =
      std::all_of(axes.begin(), axes.end(), [&](int64_t axis) { return self.static_dim(axis).has_value(); });
  return squares / (correction > 1 || !counted ? op.Max({freedom, op.like(freedom, 0)}) : freedom);
}

// aten::var(Tensor self, bool unbiased=True) -> Tensor
// aten::var.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor
// aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor
Value var(Op& op) { return variance(op); }

// aten::std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor
Value std_deviation(Op& op) { return op.Sqrt(variance(op)); }

// aten::var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> (Tensor,
//     Tensor)
Values var_mean(Op& op) { return {variance(op), reduce_mean(op, op["self"])}; }

// aten::std_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> (Tensor,
//     Tensor)
Values std_mean(Op& op) { return {std_deviation(op), reduce_mean(op, op["self"])}; }

// aten::cov(Tensor self, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> Tensor
// Rows are variables, columns observations, with how often each was seen and how much it counts.
Value cov(Op& op) {
  Value x = op.promoted_to_float("self");
  op.require(x.rank() <= 2, "a matrix of observations");
  if (x.rank() < 2) x = op.reshape(x, {1, -1});
  const bool counted = op.has("fweights"), weighted = op.has("aweights");
  Value weights, importance;
  if (counted) weights = op.cast(op["fweights"], x.dtype());
  if (weighted) importance = op.cast(op["aweights"], x.dtype());
  if (weighted) weights = counted ? weights * importance : importance;
  const auto sum = [&](const Value& v, bool keepdims) {
    return op.ReduceSum(v, op.ints({-1}), {attr::keepdims(keepdims)});
  };
  const auto scaled = [&](const Value& v) { return weights ? v * weights : v; };
  Value total = weights ? sum(weights, false) : op.cast(op.dim(x, 1), x.dtype());
  Value taken = op.like(total, static_cast<double>(op.integer("correction")));
  if (weighted) taken = taken * sum(weights * importance, false) / total;
  Value freedom = op.Max({total - taken, op.like(total, 0)});
  Value deviation = x - sum(scaled(x), true) / total;
  Value product = op.MatMul(deviation, op.permute(scaled(deviation), {1, 0})) / freedom;
  return x.static_dim(0) == 1 ? op.squeeze(product, {0, 1}) : product;
}

Value norm_of(Op& op, const Value& x, double p) {
  return p_norm(op, x, p, reduction_axes(op, x), op.boolean("keepdim", false));
}

Value norm_input(Op& op) {
  Value self = op["self"];
  return op.cast(self, op.dtype("dtype", Op::floating(self.dtype())));
}

// aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor
Value norm(Op& op) { return norm_of(op, norm_input(op), op.real("p", 2)); }

// aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *,
//     ScalarType? dtype=None) -> Tensor
Value vector_norm(Op& op) { return norm_of(op, norm_input(op), op.real("ord", 2)); }

// aten::cdist(Tensor x1, Tensor x2, float p=2, int? compute_mode=None) -> Tensor
// The distances between all rows of x1 and all rows of x2.
Value cdist(Op& op) {
  auto [x1, x2] = op.promoted("x1", "x2");
  Value difference = op.unsqueeze(x1, {-2}) - op.unsqueeze(x2, {-3});
  return p_norm(op, difference, op.real("p"), op.ints({-1}), false);
}

// aten::pairwise_distance(Tensor x1, Tensor x2, float p=2, float eps=1e-06, bool keepdim=False) -> Tensor
Value pairwise_distance(Op& op) {
  auto [x1, x2] = op.promoted_to_float("x1", "x2");
  return p_norm(op, x1 - x2 + op.real("eps"), op.real("p"), op.ints({-1}), op.boolean("keepdim"));
}

// aten::pdist(Tensor self, float p=2) -> Tensor
// The distances between each row and those after it.
Value pdist(Op& op) {
  Value self = op["self"];
  op.require(self.static_dim(0).has_value(), "the distances between a number of rows known at run time only");
  std::vector<int64_t> firsts, seconds;
  for (int64_t i = 0; i < *self.static_dim(0); ++i) {
    for (int64_t j = i + 1; j < *self.static_dim(0); ++j) {
      firsts.push_back(i);
      seconds.push_back(j);
    }
  }
  Value difference = op.Gather(self, op.ints(firsts)) - op.Gather(self, op.ints(seconds));
  return p_norm(op, difference, op.real("p"), op.ints({-1}), false);
}

// aten::frobenius_norm.dim(Tensor self, int[1] dim, bool keepdim=False) -> Tensor
Value frobenius_norm(Op& op) { return norm_of(op, norm_input(op), 2); }

// aten::renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor
// Each slice along the axis, shortened to the greatest norm allowed.
Value renorm(Op& op) {
  Value self = op["self"];
  const DType t = self.dtype(), in = t == DType::f64 ? t : DType::f32;
  std::vector<int64_t> others = all_axes(self.rank());
  others.erase(others.begin() + op.axis("dim", self));
  Value x = op.cast(self, in), norm = p_norm(op, x, op.real("p"), op.ints(others), true);
  const double most = op.real("maxnorm");
  return op.cast(x * op.Where(norm > most, most / (norm + 1e-7), op.like(norm, 1)), t);
}

// The greatest or least sum of absolute values of a column (axis `summed` is dim[0]) or of a row (dim[1]).
Value greatest_sum(Op& op, const Value& x, double order, const std::vector<int64_t>& dim) {
  const bool columns = std::abs(order) == 1;
  const int64_t summed = columns ? dim[0] : dim[1], other = columns ? dim[1] : dim[0];
  Value sums = op.ReduceL1(x, op.ints({summed}), {attr::keepdims(1)});
  Value best = extreme_through_nan(op, order > 0, sums, op.ints({other}), {attr::keepdims(1)});
  return op.boolean("keepdim") ? best : op.squeeze(best, dim);
}

Value matrix_norm_of(Op& op, const Value& x, double order) {
  const std::vector<int64_t> dim = op.axes("dim", x);
  op.require(dim.size() == 2, "a matrix norm of other than two axes");
  op.require(std::abs(order) == 1 || std::abs(order) == infinity, "a matrix norm that needs singular values");
  return greatest_sum(op, x, order, dim);
}

// aten::linalg_matrix_norm(Tensor self, Scalar ord, int[] dim=[-2, -1], bool keepdim=False, *,
//     ScalarType? dtype=None) -> Tensor
Value matrix_norm(Op& op) { return matrix_norm_of(op, norm_input(op), op.real("ord")); }

// aten::linalg_matrix_norm.str_ord(Tensor self, str ord='fro', int[] dim=[-2, -1], bool keepdim=False, *,
//     ScalarType? dtype=None) -> Tensor
Value matrix_norm_by_name(Op& op) {
  op.require(op.string("ord") == "fro", "the nuclear norm needs singular values");
  return norm_of(op, norm_input(op), 2);
}

// aten::linalg_norm(Tensor self, Scalar? ord=None, int[1]? dim=None, bool keepdim=False, *,
//     ScalarType? dtype=None) -> Tensor
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
      {"aten::cov", cov},
      {"aten::norm", norm},
      {"aten::linalg_vector_norm", vector_norm},
      {"aten::cdist", cdist},
      {"aten::_cdist_forward", cdist},
      {"aten::pairwise_distance", pairwise_distance},
      {"aten::pdist", pdist},
      {"aten::_pdist_forward", pdist},
      {"aten::frobenius_norm", frobenius_norm},
      {"aten::linalg_matrix_norm", matrix_norm},
      {"aten::linalg_matrix_norm.str_ord", matrix_norm_by_name},
      {"aten::linalg_norm", linalg_norm},
      {"aten::renorm", renorm},
  };
}

}  // namespace onnxport::aten
