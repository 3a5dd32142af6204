// Products of matrices and vectors.
#include <cctype>

#include "einsum.hpp"
#include "families.hpp"
#include "grouped_mm.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

// ONNX multiplies matrices of floats and of 32 and 64 bit integers; narrower ones wrap around alike when cast back.
Value product(Op& op, const Value& a, const Value& b) {
  const DType t = a.dtype();
  if (is_floating(t) || t == DType::i32 || t == DType::i64) return op.MatMul(a, b);
  return op.cast(op.MatMul(op.cast(a, DType::i32), op.cast(b, DType::i32)), t);
}

// beta * self + alpha * product, where beta = 0 takes nothing of self, not even its NaNs.
Value blended(Op& op, const Value& product) {
  Value right = scale_by(op, product, "alpha");
  if (op.is_known("beta") && op.real("beta") == 0) return op.Expand(right, op.shape_of(product));
  return scale_by(op, op["self"], "beta") + right;
}

// aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor
Value linear(Op& op) {
  Value input = op["input"], weight = op["weight"], bias = op["bias"];
  if (weight.rank() == 1) return bias ? op.MatMul(input, weight) + bias : op.MatMul(input, weight);
  const bool vector_bias = !bias || bias.rank() <= 2;
  if (input.rank() == 2 && is_floating(input.dtype()) && vector_bias) {
    return op.Gemm(input, weight, bias, {attr::transB(1)});
  }
  Value out = product(op, input, op.permute(weight, {1, 0}));
  return bias ? out + bias : out;
}

// aten::matmul(Tensor self, Tensor other) -> Tensor
Value matmul(Op& op) { return product(op, op["self"], op["other"]); }

// aten::mm(Tensor self, Tensor mat2) -> Tensor
// aten::bmm(Tensor self, Tensor mat2) -> Tensor
Value mm(Op& op) { return product(op, op["self"], op["mat2"]); }

// aten::_grouped_mm(Tensor self, Tensor mat2, Tensor? offs=None, Tensor? bias=None,
//     ScalarType? out_dtype=None) -> Tensor
Value grouped_mm(Op& op) {
  Value self = op["self"], mat2 = op["mat2"];
  op.require(!op.has("bias"), "a grouped product with a bias");
  const DType t = op.dtype("out_dtype", self.dtype());
  if (!op.has("offs")) return op.cast(product(op, self, mat2), t);
  op.require(self.rank() == 2 && mat2.rank() == 3, "a grouped product of other than rows by matrices");
  return op.cast(grouped_matmul(op, self, mat2, op["offs"]), t);
}

// aten::mv(Tensor self, Tensor vec) -> Tensor
Value mv(Op& op) { return product(op, op["self"], op["vec"]); }

// aten::dot(Tensor self, Tensor tensor) -> Tensor
Value dot(Op& op) { return product(op, op["self"], op["tensor"]); }

// aten::vdot(Tensor self, Tensor other) -> Tensor
// aten::inner(Tensor self, Tensor other) -> Tensor
Value inner(Op& op) {
  Value self = op["self"], other = op["other"];
  if (self.rank() == 0 || other.rank() == 0) return self * other;
  if (other.rank() == 1) return product(op, self, other);
  if (self.rank() == 1) return product(op, other, self);
  if (self.rank() == 2 && other.rank() == 2) return product(op, self, op.permute(other, {1, 0}));
  op.decline("the inner product of tensors of more than two dimensions");
}

// aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor
Value addmm(Op& op) {
  Value self = op["self"], mat1 = op["mat1"], mat2 = op["mat2"];
  if (!is_floating(mat1.dtype())) return blended(op, product(op, mat1, mat2));
  const double beta = op.real("beta"), alpha = op.real("alpha");
  return op.Gemm(mat1, mat2, beta == 0 ? Value() : self, {attr::alpha(alpha), attr::beta(beta)});
}

// aten::_addmm_activation(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1,
//     bool use_gelu=False) -> Tensor
Value addmm_activation(Op& op) {
  Value sum = addmm(op);
  return op.boolean("use_gelu") ? op.Gelu(sum) : op.Relu(sum);
}

// aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor
Value baddbmm(Op& op) { return blended(op, product(op, op["batch1"], op["batch2"])); }

// aten::addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor
Value addbmm(Op& op) {
  Value products = product(op, op["batch1"], op["batch2"]);
  return blended(op, op.ReduceSum(products, op.ints({0}), {attr::keepdims(0)}));
}

// aten::addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor
Value addmv(Op& op) { return blended(op, product(op, op["mat"], op["vec"])); }

Value outer_product(Op& op, const Value& column, const Value& row) {
  return op.unsqueeze(column, {1}) * op.unsqueeze(row, {0});
}

// aten::addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor
Value addr(Op& op) { return blended(op, outer_product(op, op["vec1"], op["vec2"])); }

// aten::outer(Tensor self, Tensor vec2) -> Tensor
Value outer(Op& op) {
  auto [self, vec2] = op.promoted("self", "vec2");
  return outer_product(op, self, vec2);
}

// aten::einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor
Value einsum(Op& op) {
  Values tensors = op.values("tensors");
  if (tensors.at(0).dtype() != DType::boolean) return einstein_sum(op, op.string("equation"), tensors);
  // Products of bools are bools; a sum of them, which torch makes of one tensor only, counts.
  const std::string equation = op.string("equation");
  const size_t arrow = equation.find("->");
  const bool sums =
      arrow != std::string::npos &&
      std::any_of(equation.begin(), equation.begin() + static_cast<std::ptrdiff_t>(arrow), [&](char c) {
        return std::isalpha(static_cast<unsigned char>(c)) != 0 &&
               equation.find(c, arrow) == std::string::npos;
      });
  op.require(arrow != std::string::npos, "an equation of bools that says its result");
  op.require(!sums || tensors.size() == 1, "no sum of products of bools");
  for (Value& tensor : tensors) tensor = op.cast(tensor, sums ? DType::i64 : DType::i32);
  Value out = einstein_sum(op, equation, tensors);
  return sums ? out : op.cast(out, DType::boolean);
}

// aten::tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor
Value tensordot(Op& op) {
  Value self = op["self"], other = op["other"];
  const std::vector<int64_t> left = op.axes("dims_self", self), right = op.axes("dims_other", other);
  std::string a, b;
  for (int64_t i = 0; i < self.rank(); ++i) a.push_back(static_cast<char>('a' + i));
  for (int64_t i = 0; i < other.rank(); ++i) b.push_back(static_cast<char>('A' + i));
  for (size_t i = 0; i < left.size(); ++i) b[right[i]] = a[left[i]];
  std::string out;
  for (char c : a) out += b.find(c) == std::string::npos ? std::string(1, c) : "";
  for (char c : b) out += a.find(c) == std::string::npos ? std::string(1, c) : "";
  return op.Einsum({self, other}, {attr::equation(a + "," + b + "->" + out)});
}

// aten::linalg_multi_dot(Tensor[] tensors) -> Tensor
// aten::chain_matmul(Tensor[] matrices) -> Tensor
Value multi_dot(Op& op) {
  Values matrices = op.values(op.has("tensors") ? "tensors" : "matrices");
  Value out = matrices.at(0);
  for (size_t i = 1; i < matrices.size(); ++i) out = product(op, out, matrices[i]);
  return out;
}

// aten::linalg_matrix_power(Tensor self, int n) -> Tensor
Value matrix_power(Op& op) {
  Value self = op.has("self") ? op["self"] : op["A"];
  int64_t n = op.integer("n");
  op.require(n >= 0 && n <= 64, "matrix powers from 0 to 64");
  if (n == 0) {
    Value one = op.EyeLike(op.full(op.shape({op.dim(self, -2), op.dim(self, -1)}), 0, self.dtype()));
    return op.Expand(one, op.shape_of(self));
  }
  Value out, square = self;
  for (; n > 0; n /= 2) {
    if (n % 2 == 1) out = out ? product(op, out, square) : square;
    if (n > 1) square = product(op, square, square);
  }
  return out;
}

// aten::linalg_vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor
Value vecdot(Op& op) {
  auto [x, y] = op.promoted("x", "y");
  Value products = x * y;
  return op.ReduceSum(products, op.ints({op.axis("dim", products)}), {attr::keepdims(0)});
}

// aten::linalg_det(Tensor A) -> Tensor
Value linalg_det(Op& op) { return op.Det(op["A"]); }

// aten::det(Tensor self) -> Tensor
Value det(Op& op) { return op.Det(op["self"]); }

Value cross_product(Op& op, int64_t axis) {
  auto [a, b] = op.promoted("self", "other");
  const int64_t from_end = axis - std::max(a.rank(), b.rank());  // the inputs broadcast
  const auto turned = [&op, from_end](const Value& x, const std::vector<int64_t>& order) {
    return op.Gather(x, op.ints(order), {attr::axis(from_end)});
  };
  return turned(a, {1, 2, 0}) * turned(b, {2, 0, 1}) - turned(a, {2, 0, 1}) * turned(b, {1, 2, 0});
}

// aten::linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor
Value linalg_cross(Op& op) { return cross_product(op, op.axis("dim", op["self"])); }

// aten::cross(Tensor self, Tensor other, int? dim=None) -> Tensor
Value cross(Op& op) {
  Value self = op["self"];
  if (op.has("dim")) return cross_product(op, op.axis("dim", self));
  for (int64_t axis = 0; axis < self.rank(); ++axis) {
    if (op.static_size(self, axis) == 3) return cross_product(op, axis);
  }
  op.decline("cross needs an axis of size 3");
}

// aten::kron(Tensor self, Tensor other) -> Tensor
Value kron(Op& op) {
  auto [a, b] = op.promoted("self", "other");
  while (a.rank() < b.rank()) a = op.unsqueeze(a, {0});
  while (b.rank() < a.rank()) b = op.unsqueeze(b, {0});
  std::vector<int64_t> after, before;
  Values sizes;
  for (int64_t axis = 0; axis < a.rank(); ++axis) {
    before.push_back(2 * axis);
    after.push_back(2 * axis + 1);
    sizes.push_back(op.dim(a, axis) * op.dim(b, axis));
  }
  return op.reshape(op.unsqueeze(a, after) * op.unsqueeze(b, before), sizes);
}

Value triangle(Op& op, bool upper) {
  Value diagonal = op.is_known("diagonal") && op.integer("diagonal") == 0 ? Value() : op["diagonal"];
  return op.Trilu(op["self"], diagonal, {attr::upper(upper)});
}

// aten::tril(Tensor self, SymInt diagonal=0) -> Tensor
Value tril(Op& op) { return triangle(op, false); }

// aten::triu(Tensor self, SymInt diagonal=0) -> Tensor
Value triu(Op& op) { return triangle(op, true); }

// aten::bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor
Value bilinear(Op& op) {
  Value input1 = op["input1"];
  Value left = op.unsqueeze(input1, {input1.rank() - 1, input1.rank()});  // [..., 1, 1, in1]
  Value right = op.unsqueeze(op["input2"], {input1.rank() - 1});          // [..., 1, in2]
  Value through = op.squeeze(op.MatMul(left, op["weight"]), {-2});        // [..., out, in2]
  Value out = op.ReduceSum(through * right, op.ints({-1}), {attr::keepdims(0)});
  return op.has("bias") ? out + op["bias"] : out;
}

}  // namespace

Mappings linear_algebra() {
  return {
      {"aten::linear", linear},
      {"aten::matmul", matmul},
      {"aten::linalg_matmul", matmul},
      {"aten::mm", mm},
      {"aten::bmm", mm},
      {"aten::_grouped_mm", grouped_mm},
      {"aten::mv", mv},
      {"aten::dot", dot},
      {"aten::vdot", inner},
      {"aten::inner", inner},
      {"aten::addmm", addmm},
      {"aten::_addmm_activation", addmm_activation},
      {"aten::baddbmm", baddbmm},
      {"aten::addbmm", addbmm},
      {"aten::addmv", addmv},
      {"aten::addr", addr},
      {"aten::outer", outer},
      {"aten::ger", outer},
      {"aten::einsum", einsum},
      {"aten::tensordot", tensordot},
      {"aten::linalg_multi_dot", multi_dot},
      {"aten::chain_matmul", multi_dot},
      {"aten::linalg_matrix_power", matrix_power},
      {"aten::matrix_power", matrix_power},
      {"aten::linalg_vecdot", vecdot},
      {"aten::linalg_det", linalg_det},
      {"aten::det", det},
      {"aten::linalg_cross", linalg_cross},
      {"aten::cross", cross},
      {"aten::kron", kron},
      Mapping("aten::tril", tril).by_parts(),
      Mapping("aten::triu", triu).by_parts(),
      {"aten::bilinear", bilinear},
  };
}

}  // namespace onnxport::aten
