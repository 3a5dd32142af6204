// Tensors made of numbers.
#include "complex.hpp"
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

// A number known at run time only is expanded; one that is known fills.
Value filled(Op& op, const Value& size, std::string_view arg, DType t) {
  if (op.is_known(arg)) return full_complex(op, size, op.real(arg), t);
  op.require(!is_complex(t), "a complex number that fills a tensor");
  return op.Expand(op.as(arg, t), size);
}

template <int number>
Value of_size(Op& op, DType otherwise) {
  return full_complex(op, op.shape("size"), number, op.dtype("dtype", otherwise));
}

// aten::zeros(SymInt[] size, *, ScalarType? dtype=None, …) -> Tensor
// aten::ones(SymInt[] size, *, ScalarType? dtype=None, …) -> Tensor
template <int number>
Value made(Op& op) {
  return of_size<number>(op, DType::f32);
}

// aten::new_zeros(Tensor self, SymInt[] size, *, ScalarType? dtype=None, …) -> Tensor
template <int number>
Value made_new(Op& op) {
  return of_size<number>(op, torch_dtype(op["self"]));
}

// aten::zeros_like(Tensor self, *, ScalarType? dtype=None, …) -> Tensor
template <int number>
Value made_like(Op& op) {
  return full_complex(op, op.shape_of(op["self"]), number, op.dtype("dtype", torch_dtype(op["self"])));
}

// aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, …) -> Tensor
Value full(Op& op) {
  return filled(op, op.shape("size"), "fill_value", op.dtype("dtype", torch_dtype(op["fill_value"])));
}

// aten::new_full(Tensor self, SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, …) -> Tensor
Value new_full(Op& op) {
  return filled(op, op.shape("size"), "fill_value", op.dtype("dtype", torch_dtype(op["self"])));
}

// aten::full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, …) -> Tensor
Value full_like(Op& op) {
  return filled(op, op.shape_of(op["self"]), "fill_value", op.dtype("dtype", torch_dtype(op["self"])));
}

// aten::fill.Scalar(Tensor self, Scalar value) -> Tensor
// aten::fill.Tensor(Tensor self, Tensor value) -> Tensor
Value fill(Op& op) { return filled(op, op.shape_of(op["self"]), "value", torch_dtype(op["self"])); }

// aten::copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor
Value copy(Op& op) {
  Value self = op["self"], src = to_dtype(op, op["src"], torch_dtype(self));
  if (op.same_shape(src, self)) return src;
  if (!src.is_complex()) return op.Expand(src, op.shape_of(self));
  return op.as_complex(op.Expand(op.as_real(src), op.shape({op.shape_of(self), op.constant(2)})));
}

// The type of an arange: dtype=, else i64 where all numbers are integers, else the default.
DType range_type(Op& op) {
  DType t = DType::i64;
  for (std::string_view arg : {"start", "end", "step"}) {
    if (op.has(arg) && !is_integral(op[arg].dtype())) t = DType::f32;
  }
  return op.dtype("dtype", t);
}

// aten::arange(Scalar end, *, ScalarType? dtype=None, …) -> Tensor
// aten::arange.start(Scalar start, Scalar end, *, ScalarType? dtype=None, …) -> Tensor
// aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, …) -> Tensor
Value arange(Op& op) {
  const DType t = range_type(op);
  const bool fits =
      t == DType::f32 || t == DType::f64 || t == DType::i64 || t == DType::i32 || t == DType::i16;
  const DType in = fits ? t : is_floating(t) ? DType::f32 : DType::i64;
  Value start = op.has("start") ? op.as("start", in) : op.constant(0.0, in);
  Value step = op.has("step") ? op.as("step", in) : op.constant(1.0, in);
  return op.cast(op.Range(start, op.as("end", in), step), t);
}

// `steps` numbers from start to end, counted from the nearer end, as torch does for accuracy.
Value spaced(Op& op, DType t) {
  Value start = op.as("start", t), end = op.as("end", t), steps = op["steps"];
  Value i = op.cast(op.arange(steps), t), last = op.cast(steps - 1, t);
  Value step = (end - start) / op.Max({last, op.constant(1.0, t)});
  return op.Where(i * 2 <= last, start + i * step, end - (last - i) * step);
}

// aten::linspace(Scalar start, Scalar end, SymInt steps, *, ScalarType? dtype=None, …) -> Tensor
Value linspace(Op& op) {
  const DType t = op.dtype("dtype", DType::f32);
  return op.cast(spaced(op, t == DType::f64 ? DType::f64 : DType::f32), t);
}

// aten::logspace(Scalar start, Scalar end, SymInt steps, float base=10.0, *, ScalarType? dtype=None, …) -> Tensor
Value logspace(Op& op) {
  Value powers = spaced(op, DType::f64);
  return op.cast(op.Pow(op.like(powers, op.real("base")), powers), op.dtype("dtype", DType::f32));
}

// aten::eye(SymInt n, *, ScalarType? dtype=None, …) -> Tensor
// aten::eye.m(SymInt n, SymInt m, *, ScalarType? dtype=None, …) -> Tensor
Value eye(Op& op) {
  Value n = op["n"], m = op.has("m") ? op["m"] : n;
  const DType t = op.dtype("dtype", DType::f32);
  const DType in = is_floating(t) ? DType::f32 : DType::i64;
  return op.cast(op.EyeLike(op.full(op.shape({n, m}), 0, in)), t);
}

// aten::scalar_tensor(Scalar s, *, ScalarType? dtype=None, …) -> Tensor
Value scalar_tensor(Op& op) { return op.as("s", op.dtype("dtype", DType::f32)); }

// aten::tensor.float(float t, *, ScalarType? dtype=None, Device? device=None, bool requires_grad=False) -> Tensor
// aten::as_tensor.int(int t, *, ScalarType? dtype=None, Device? device=None) -> Tensor
Value number_tensor(Op& op) { return op.as("t", op.dtype("dtype", op["t"].dtype())); }

// aten::tensor(t[] data, *, ScalarType? dtype=None, Device? device=None, bool requires_grad=False) -> Tensor
Value tensor(Op& op) {
  if (!op.is_list("data")) return op.cast(op["data"], op.dtype("dtype", op["data"].dtype()));
  Values numbers = op.values("data");
  DType t = numbers.empty() ? DType::f32 : numbers[0].dtype();
  t = op.dtype("dtype", t);
  if (numbers.empty()) return op.full(op.ints({0}), 0, t);
  for (Value& x : numbers) x = op.unsqueeze(op.cast(x, t), {0});
  return numbers.size() == 1 ? numbers[0] : op.Concat(numbers, {attr::axis(0)});
}

// aten::as_tensor(Tensor(a) data, *, ScalarType? dtype=None, Device? device=None) -> Tensor(b|a)
Value as_tensor(Op& op) { return tensor(op); }

Value triangle_indices(Op& op, bool upper) {
  const int64_t rows = op.integer("row"), columns = op.integer("col"), offset = op.integer("offset");
  std::vector<int64_t> numbers[2];
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      if (upper ? c - r < offset : c - r > offset) continue;
      numbers[0].push_back(r);
      numbers[1].push_back(c);
    }
  }
  const auto count = static_cast<int64_t>(numbers[0].size());
  numbers[0].insert(numbers[0].end(), numbers[1].begin(), numbers[1].end());
  Value table =
      op.constant(Tensor{DType::i64, {2, count}, Builder::bytes_of(numbers[0].data(), numbers[0].size())});
  return op.cast(table, op.dtype("dtype", DType::i64));
}

// aten::tril_indices(int row, int col, int offset=0, *, ScalarType? dtype=long, …) -> Tensor
Value tril_indices(Op& op) { return triangle_indices(op, false); }

// aten::triu_indices(int row, int col, int offset=0, *, ScalarType? dtype=long, …) -> Tensor
Value triu_indices(Op& op) { return triangle_indices(op, true); }

// A sum of cosines over a window of `window_length`: a0 - a1 cos x + a2 cos 2x.
Value cosine_window(Op& op, const std::vector<double>& coefficients) {
  const DType t = op.dtype("dtype", DType::f32);
  const DType in = t == DType::f64 ? t : DType::f32;
  Value length = op["window_length"];
  Value span = op.boolean("periodic", true) ? length : op.Max({length - 1, op.constant(1)});
  Value x = op.cast(op.arange(length), in) * (2 * pi) / op.cast(span, in);
  Value out = op.like(x, coefficients[0]) - op.Cos(x) * coefficients[1];
  if (coefficients.size() == 3) out = out + op.Cos(x * 2) * coefficients[2];
  return op.cast(out, t);
}

// aten::hann_window.periodic(int window_length, bool periodic, *, ScalarType? dtype=None, …) -> Tensor
Value hann_window(Op& op) { return cosine_window(op, {0.5, 0.5}); }

// aten::hamming_window.periodic_alpha_beta(int window_length, bool periodic, float alpha, float beta, *, …) -> Tensor
Value hamming_window(Op& op) { return cosine_window(op, {op.real("alpha", 0.54), op.real("beta", 0.46)}); }

// aten::blackman_window.periodic(int window_length, bool periodic, *, ScalarType? dtype=None, …) -> Tensor
Value blackman_window(Op& op) { return cosine_window(op, {0.42, 0.5, 0.08}); }

// aten::bartlett_window.periodic(int window_length, bool periodic, *, ScalarType? dtype=None, …) -> Tensor
Value bartlett_window(Op& op) {
  const DType t = op.dtype("dtype", DType::f32);
  Value length = op["window_length"];
  Value span = op.boolean("periodic", true) ? length : op.Max({length - 1, op.constant(1)});
  Value x = op.cast(op.arange(length), DType::f32) * 2 / op.cast(span, DType::f32);
  return op.cast(1 - op.Abs(x - 1), t);
}

}  // namespace

Mappings creation() {
  return {
      {"aten::zeros", made<0>},
      {"aten::ones", made<1>},
      {"aten::empty", made<0>},
      {"aten::empty_permuted", made<0>},
      {"aten::empty_strided", made<0>},
      Mapping("aten::new_zeros", made_new<0>).complex(),
      Mapping("aten::new_ones", made_new<1>).complex(),
      Mapping("aten::new_empty", made_new<0>).complex(),
      Mapping("aten::new_empty_strided", made_new<0>).complex(),
      Mapping("aten::zeros_like", made_like<0>).complex(),
      Mapping("aten::ones_like", made_like<1>).complex(),
      Mapping("aten::empty_like", made_like<0>).complex(),
      Mapping("aten::zero", made_like<0>).complex(),
      Mapping("aten::full", full).complex(),
      Mapping("aten::new_full", new_full).complex(),
      Mapping("aten::full_like", full_like).complex(),
      Mapping("aten::fill", fill).complex(),
      Mapping("aten::copy", copy).complex(),
      {"aten::arange", arange},
      {"aten::linspace", linspace},
      {"aten::logspace", logspace},
      {"aten::eye", eye},
      {"aten::scalar_tensor", scalar_tensor},
      {"aten::tensor", tensor},
      {"aten::tensor.int", number_tensor},
      {"aten::tensor.float", number_tensor},
      {"aten::tensor.bool", number_tensor},
      {"aten::as_tensor", as_tensor},
      {"aten::as_tensor.int", number_tensor},
      {"aten::as_tensor.float", number_tensor},
      {"aten::as_tensor.bool", number_tensor},
      {"aten::tril_indices", tril_indices},
      {"aten::triu_indices", triu_indices},
      {"aten::hann_window", hann_window},
      {"aten::hamming_window", hamming_window},
      {"aten::blackman_window", blackman_window},
      {"aten::bartlett_window", bartlett_window},
  };
}

}  // namespace onnxport::aten
