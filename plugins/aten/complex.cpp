// What complex numbers do in other ways than each of their parts does alone. What moves, chooses or adds up
// elements works by parts and stands with its family.
#include "complex.hpp"
#include "axes.hpp"
#include "reductions.hpp"

#include "einsum.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

// A complex number as its parts; the imaginary one is absent where the number is real.
struct Complex {
  Value real, imaginary;
  bool is_real() const { return !imaginary; }
};

Complex parts_of(Op& op, const Value& x, DType part) {
  if (!x.is_complex()) return {op.cast(x, part), {}};
  return {op.cast(op.real_part(x), part), op.cast(op.imaginary_part(x), part)};
}

// The argument, with parts of that type.
Complex parts(Op& op, std::string_view arg, DType part) {
  Value x = op[arg];
  return x.is_complex() ? parts_of(op, x, part) : Complex{op.as(arg, part), {}};
}

Complex parts(Op& op, std::string_view arg) { return parts_of(op, op[arg], op[arg].dtype()); }

// Two arguments, with parts of their common type.
std::pair<Complex, Complex> promoted(Op& op, std::string_view a, std::string_view b) {
  const DType part = real_dtype(op.result_type({a, b}));
  return {parts(op, a, part), parts(op, b, part)};
}

// One value again. An imaginary part that knew of fewer numbers than the real one is spread over them.
Value joined(Op& op, const Complex& z) {
  if (z.is_real()) return op.complex_of(z.real, op.full(op.shape_of(z.real), 0, z.real.dtype()));
  if (op.same_shape(z.real, z.imaginary)) return op.complex_of(z.real, z.imaginary);
  return op.complex_of(z.real, op.Expand(z.imaginary, op.shape_of(z.real)));
}

Complex conjugate(const Complex& z) { return z.is_real() ? z : Complex{z.real, -z.imaginary}; }

// ---- arithmetic ----

// Of two numbers, the product being that of an operator on real tensors.
template <typename Product>
Complex product_by(const Complex& a, const Complex& b, Product of) {
  if (b.is_real()) return {of(a.real, b.real), a.is_real() ? Value() : of(a.imaginary, b.real)};
  if (a.is_real()) return {of(a.real, b.real), of(a.real, b.imaginary)};
  return {of(a.real, b.real) - of(a.imaginary, b.imaginary),
          of(a.real, b.imaginary) + of(a.imaginary, b.real)};
}

Complex operator*(const Complex& a, const Complex& b) {
  return product_by(a, b, [](const Value& x, const Value& y) { return x * y; });
}

Complex operator+(const Complex& a, const Complex& b) {
  if (a.is_real()) return {a.real + b.real, b.imaginary};
  return {a.real + b.real, b.is_real() ? a.imaginary : a.imaginary + b.imaginary};
}

Complex operator-(const Complex& a, const Complex& b) {
  if (b.is_real()) return {a.real - b.real, a.imaginary};
  return {a.real - b.real, a.is_real() ? -b.imaginary : a.imaginary - b.imaginary};
}

// |z|^2
Value squared_size(const Complex& z) {
  return z.is_real() ? z.real * z.real : z.real * z.real + z.imaginary * z.imaginary;
}

Complex operator/(const Complex& a, const Complex& b) {
  if (b.is_real()) return {a.real / b.real, a.is_real() ? Value() : a.imaginary / b.real};
  const Value size = squared_size(b);
  const Complex product = a * conjugate(b);
  return {product.real / size, product.imaginary / size};
}

// The argument `alpha` times z.
Complex scaled(Op& op, const Complex& z) {
  if (!op.has("alpha") || (op.is_known("alpha") && op.real("alpha") == 1)) return z;
  return parts(op, "alpha", z.real.dtype()) * z;
}

// aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
Value add(Op& op) {
  auto [self, other] = promoted(op, "self", "other");
  return joined(op, self + scaled(op, other));
}

// aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
Value sub(Op& op) {
  auto [self, other] = promoted(op, "self", "other");
  return joined(op, self - scaled(op, other));
}

// aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
Value rsub(Op& op) {
  auto [self, other] = promoted(op, "self", "other");
  return joined(op, other - scaled(op, self));
}

// aten::mul.Tensor(Tensor self, Tensor other) -> Tensor
Value mul(Op& op) {
  auto [self, other] = promoted(op, "self", "other");
  return joined(op, self * other);
}

// aten::div.Tensor(Tensor self, Tensor other) -> Tensor
Value div(Op& op) {
  op.require(!op.has("rounding_mode"), "complex numbers do not round");
  auto [self, other] = promoted(op, "self", "other");
  return joined(op, self / other);
}

// aten::reciprocal(Tensor self) -> Tensor
Value reciprocal(Op& op) {
  const Complex z = parts(op, "self");
  return joined(op, Complex{op.like(z.real, 1), {}} / z);
}

// aten::square(Tensor self) -> Tensor
Value square(Op& op) {
  const Complex z = parts(op, "self");
  return joined(op, z * z);
}

// aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor
Value addcmul(Op& op) {
  const DType part = real_dtype(op.result_type({"self", "tensor1", "tensor2"}));
  const Complex product = parts(op, "tensor1", part) * parts(op, "tensor2", part);
  return joined(op, parts(op, "self", part) + product * parts(op, "value", part));
}

// ---- size and direction ----

Value size_of(Op& op, const Complex& z) { return op.Sqrt(squared_size(z)); }

Value angle_of(Op& op, const Complex& z) { return aten::angle_of(op, z.real, z.imaginary); }

Complex at(Op& op, const Value& size, const Value& angle) {
  return {size * op.Cos(angle), size * op.Sin(angle)};
}

Complex exponential(Op& op, const Complex& z) { return at(op, op.Exp(z.real), z.imaginary); }

// aten::angle(Tensor self) -> Tensor
Value angle(Op& op) { return angle_of(op, parts(op, "self")); }

// aten::sgn(Tensor self) -> Tensor
Value sgn(Op& op) {
  const Complex z = parts(op, "self");
  Value size = size_of(op, z);
  return joined(op, z / Complex{op.Where(size == 0, op.like(size, 1), size), {}});
}

// aten::exp(Tensor self) -> Tensor
Value exp(Op& op) { return joined(op, exponential(op, parts(op, "self"))); }

// aten::log(Tensor self) -> Tensor
Value log(Op& op) {
  const Complex z = parts(op, "self");
  return joined(op, {op.Log(size_of(op, z)), angle_of(op, z)});
}

// aten::sqrt(Tensor self) -> Tensor
Value sqrt(Op& op) {
  const Complex z = parts(op, "self");
  return joined(op, at(op, op.Sqrt(size_of(op, z)), angle_of(op, z) / 2));
}

// aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor
// aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor
Value pow(Op& op) {
  auto [self, exponent] = promoted(op, "self", "exponent");
  op.require(!self.is_real() && exponent.is_real(), "a power whose exponent is complex");
  if (op.is_known("exponent") && op.real("exponent") == 2) return joined(op, self * self);
  return joined(op, at(op, op.Pow(size_of(op, self), exponent.real), angle_of(op, self) * exponent.real));
}

// aten::sin(Tensor self) -> Tensor
Value sin(Op& op) {
  const auto [x, y] = parts(op, "self");
  return joined(op, {op.Sin(x) * op.Cosh(y), op.Cos(x) * op.Sinh(y)});
}

// aten::cos(Tensor self) -> Tensor
Value cos(Op& op) {
  const auto [x, y] = parts(op, "self");
  return joined(op, {op.Cos(x) * op.Cosh(y), -(op.Sin(x) * op.Sinh(y))});
}

Complex hyperbolic_sine(Op& op, const Complex& z) {
  return {op.Sinh(z.real) * op.Cos(z.imaginary), op.Cosh(z.real) * op.Sin(z.imaginary)};
}

Complex hyperbolic_cosine(Op& op, const Complex& z) {
  return {op.Cosh(z.real) * op.Cos(z.imaginary), op.Sinh(z.real) * op.Sin(z.imaginary)};
}

// aten::sinh(Tensor self) -> Tensor
Value sinh(Op& op) { return joined(op, hyperbolic_sine(op, parts(op, "self"))); }

// aten::cosh(Tensor self) -> Tensor
Value cosh(Op& op) { return joined(op, hyperbolic_cosine(op, parts(op, "self"))); }

// aten::tanh(Tensor self) -> Tensor
Value tanh(Op& op) {
  const Complex z = parts(op, "self");
  return joined(op, hyperbolic_sine(op, z) / hyperbolic_cosine(op, z));
}

Complex logistic(Op& op, const Complex& z) {
  const Complex one{op.like(z.real, 1), {}};
  return one / (one + exponential(op, {-z.real, -z.imaginary}));
}

// aten::sigmoid(Tensor self) -> Tensor
Value sigmoid(Op& op) { return joined(op, logistic(op, parts(op, "self"))); }

// aten::silu(Tensor self) -> Tensor
Value silu(Op& op) {
  const Complex z = parts(op, "self");
  return joined(op, z * logistic(op, z));
}

// ---- comparisons ----

// aten::eq.Tensor(Tensor self, Tensor other) -> Tensor
Value eq(Op& op) {
  auto [self, other] = promoted(op, "self", "other");
  const Value zero = op.like(self.real, 0);
  return (self.real == other.real) &
         ((self.is_real() ? zero : self.imaginary) == (other.is_real() ? zero : other.imaginary));
}

// aten::ne.Tensor(Tensor self, Tensor other) -> Tensor
Value ne(Op& op) { return ~eq(op); }

// aten::isnan(Tensor self) -> Tensor
Value isnan(Op& op) {
  const Complex z = parts(op, "self");
  return op.IsNaN(z.real) | op.IsNaN(z.imaginary);
}

// aten::isinf(Tensor self) -> Tensor
Value isinf(Op& op) {
  const Complex z = parts(op, "self");
  return op.IsInf(z.real) | op.IsInf(z.imaginary);
}

// aten::isfinite(Tensor self) -> Tensor
Value isfinite(Op& op) {
  const Complex z = parts(op, "self");
  return op.isfinite(z.real) & op.isfinite(z.imaginary);
}

// ---- products ----

Complex product(Op& op, const Complex& a, const Complex& b) {
  return product_by(a, b, [&](const Value& x, const Value& y) { return op.MatMul(x, y); });
}

// aten::matmul(Tensor self, Tensor other) -> Tensor
// aten::mm(Tensor self, Tensor mat2) -> Tensor
// aten::mv(Tensor self, Tensor vec) -> Tensor
// aten::dot(Tensor self, Tensor tensor) -> Tensor
Value matmul(Op& op) {
  for (const char* arg : {"other", "mat2", "vec", "tensor"}) {
    if (!op.has(arg)) continue;
    auto [self, other] = promoted(op, "self", arg);
    return joined(op, product(op, self, other));
  }
  op.decline("a product of one");
}

// aten::vdot(Tensor self, Tensor other) -> Tensor
Value vdot(Op& op) {
  auto [self, other] = promoted(op, "self", "other");
  return joined(op, product(op, conjugate(self), other));
}

// aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor
// aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor
Value addmm(Op& op) {
  const bool batched = op.has("batch1");
  const char* left = batched ? "batch1" : "mat1";
  const char* right = batched ? "batch2" : "mat2";
  const DType part = real_dtype(op.result_type({"self", left, right}));
  const Complex out = product(op, parts(op, left, part), parts(op, right, part));
  return joined(op, parts(op, "beta", part) * parts(op, "self", part) + scaled(op, out));
}

// aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor
Value linear(Op& op) {
  auto [input, weight] = promoted(op, "input", "weight");
  const auto turned = [&](const Value& x) { return x && x.rank() == 2 ? op.permute(x, {1, 0}) : x; };
  Complex out = product(op, input, {turned(weight.real), turned(weight.imaginary)});
  return joined(op, op.has("bias") ? out + parts(op, "bias", out.real.dtype()) : out);
}

// aten::einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor
Value einsum(Op& op) {
  const Values tensors = op.values("tensors");
  const DType part = real_dtype(op.result_type({"tensors"}));
  op.require(tensors.size() <= 2, "einsum of more than two complex tensors");
  const Complex first = parts_of(op, tensors.at(0), part);
  const auto sum = [&](const Values& of) { return einstein_sum(op, op.string("equation"), of); };
  if (tensors.size() == 1) return joined(op, {sum({first.real}), sum({first.imaginary})});
  const Complex second = parts_of(op, tensors[1], part);
  return joined(op, product_by(first, second, [&](const Value& x, const Value& y) { return sum({x, y}); }));
}

// aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
// The size of a product is that of the sizes, its angle the sum of the angles.
Value prod(Op& op) {
  const Complex z = parts(op, "self");
  return joined(op,
                at(op, reduce(op, "ReduceProd", size_of(op, z)), reduce(op, "ReduceSum", angle_of(op, z))));
}

// ---- sizes of vectors ----

// aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, …) -> Tensor
// aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor
Value vector_norm(Op& op) {
  const double p = op.real(op.has("ord") ? "ord" : "p", 2);
  const Value size = size_of(op, parts(op, "self"));
  return p_norm(op, size, p, reduction_axes(op, size), op.boolean("keepdim", false));
}

// aten::adjoint(Tensor(a) self) -> Tensor(a)
Value adjoint(Op& op) {
  const Complex z = parts(op, "self");
  std::vector<int64_t> order = all_axes(z.real.rank());
  op.require(order.size() >= 2, "the adjoint of a vector");
  std::iter_swap(order.end() - 1, order.end() - 2);
  return joined(op, {op.permute(z.real, order), -op.permute(z.imaginary, order)});
}

}  // namespace

Mappings complex() {
  Mappings out;
  const auto add_all = [&](std::initializer_list<std::pair<const char*, Mapping::One>> table) {
    for (const auto& [name, function] : table) out.push_back(Mapping(name, function).only_complex());
  };
  add_all({
      {"aten::add", add},
      {"aten::sub", sub},
      {"aten::subtract", sub},
      {"aten::rsub", rsub},
      {"aten::mul", mul},
      {"aten::multiply", mul},
      {"aten::div", div},
      {"aten::divide", div},
      {"aten::true_divide", div},
      {"aten::reciprocal", reciprocal},
      {"aten::square", square},
      {"aten::addcmul", addcmul},
      {"aten::angle", angle},
      {"aten::sgn", sgn},
      {"aten::exp", exp},
      {"aten::log", log},
      {"aten::sqrt", sqrt},
      {"aten::pow", pow},
      {"aten::sin", sin},
      {"aten::cos", cos},
      {"aten::sinh", sinh},
      {"aten::cosh", cosh},
      {"aten::tanh", tanh},
      {"aten::sigmoid", sigmoid},
      {"aten::silu", silu},
      {"aten::eq", eq},
      {"aten::ne", ne},
      {"aten::isnan", isnan},
      {"aten::isinf", isinf},
      {"aten::isfinite", isfinite},
      {"aten::matmul", matmul},
      {"aten::linalg_matmul", matmul},
      {"aten::mm", matmul},
      {"aten::bmm", matmul},
      {"aten::mv", matmul},
      {"aten::dot", matmul},
      {"aten::vdot", vdot},
      {"aten::addmm", addmm},
      {"aten::baddbmm", addmm},
      {"aten::linear", linear},
      {"aten::einsum", einsum},
      {"aten::prod", prod},
      {"aten::linalg_vector_norm", vector_norm},
      {"aten::norm", vector_norm},
      {"aten::adjoint", adjoint},
      {"aten::mH", adjoint},
      {"aten::matrix_H", adjoint},
  });
  return out;
}

}  // namespace onnxport::aten
