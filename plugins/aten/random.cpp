// Random numbers: drawn anew at every run, so that only their distribution is torch's.
#include "families.hpp"

namespace onnxport::aten {
namespace {

// The float type that is drawn in, for a result of type t: ONNX Runtime draws no halves.
DType drawn_in(DType t) { return t == DType::f64 ? t : DType::f32; }

Value uniform(Op& op, const Value& size, DType t, double low = 0, double high = 1) {
  Value model = op.full(size, 0, DType::f32);
  attributes_of::RandomUniformLike attrs{attr::dtype(drawn_in(t))};
  if (low != 0 || high != 1) {
    attrs.add(attr::low(low));
    attrs.add(attr::high(high));
  }
  return op.cast(op.RandomUniformLike(model, attrs), t);
}

Value gaussian(Op& op, const Value& size, DType t) {
  return op.cast(op.RandomNormalLike(op.full(size, 0, DType::f32), {attr::dtype(drawn_in(t))}), t);
}

// aten::rand(SymInt[] size, *, ScalarType? dtype=None, …) -> Tensor
Value rand(Op& op) { return uniform(op, op.shape("size"), op.dtype("dtype", DType::f32)); }

// aten::rand_like(Tensor self, *, ScalarType? dtype=None, …) -> Tensor
Value rand_like(Op& op) {
  return uniform(op, op.shape_of(op["self"]), op.dtype("dtype", op["self"].dtype()));
}

// aten::uniform(Tensor self, float from=0., float to=1., *, Generator? generator=None) -> Tensor
Value uniform_between(Op& op) {
  return uniform(op, op.shape_of(op["self"]), op["self"].dtype(), op.real("from"), op.real("to"));
}

// aten::randn(SymInt[] size, *, ScalarType? dtype=None, …) -> Tensor
Value randn(Op& op) { return gaussian(op, op.shape("size"), op.dtype("dtype", DType::f32)); }

// aten::randn_like(Tensor self, *, ScalarType? dtype=None, …) -> Tensor
Value randn_like(Op& op) {
  return gaussian(op, op.shape_of(op["self"]), op.dtype("dtype", op["self"].dtype()));
}

Value random_integers(Op& op, const Value& size, DType t) {
  const double low = op.real("low", 0), high = op.real("high");
  return op.cast(op.Floor(uniform(op, size, DType::f32, low, high)), t);
}

// aten::randint.low(SymInt low, SymInt high, SymInt[] size, *, ScalarType? dtype=long, …) -> Tensor
Value randint(Op& op) { return random_integers(op, op.shape("size"), op.dtype("dtype", DType::i64)); }

// aten::randint_like.low_dtype(Tensor self, SymInt low, SymInt high, *, ScalarType? dtype=None, …) -> Tensor
Value randint_like(Op& op) {
  return random_integers(op, op.shape_of(op["self"]), op.dtype("dtype", op["self"].dtype()));
}

// aten::randperm(SymInt n, *, ScalarType? dtype=long, …) -> Tensor
Value randperm(Op& op) {
  Value n = op.shape({op["n"]});
  return op.cast(op.TopK(uniform(op, n, DType::f32), n).Indices, op.dtype("dtype", DType::i64));
}

// aten::normal.Tensor_float(Tensor mean, float std=1, *, Generator? generator=None) -> Tensor
// aten::normal.Tensor_Tensor(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor
Value normal(Op& op) {
  const DType t = op.result_type({"mean", "std"});
  Value mean = op.as("mean", t), deviation = op.as("std", t);
  return mean + deviation * gaussian(op, op.shape_of(mean + deviation), t);
}

// aten::normal.float_float(float mean, float std, SymInt[] size, *, Generator? generator=None, …) -> Tensor
Value normal_of_size(Op& op) {
  Value drawn = gaussian(op, op.shape("size"), op.dtype("dtype", DType::f32));
  return drawn * op.real("std") + op.real("mean");
}

// aten::normal_functional(Tensor self, float mean=0., float std=1., *, Generator? generator=None) -> Tensor
Value normal_like(Op& op) {
  Value drawn = gaussian(op, op.shape_of(op["self"]), op["self"].dtype());
  return drawn * op.real("std") + op.real("mean");
}

// aten::bernoulli(Tensor self, *, Generator? generator=None) -> Tensor
// Not ONNX's operator: its official body, and the runtimes that follow it, draw ones with 1 - p.
Value bernoulli(Op& op) {
  Value self = op["self"];
  return op.cast_like(uniform(op, op.shape_of(self), self.dtype()) < self, self);
}

// aten::bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor
Value bernoulli_p(Op& op) {
  Value drawn = uniform(op, op.shape_of(op["self"]), DType::f32);
  return op.cast(drawn < op.real("p"), op["self"].dtype());
}

// aten::multinomial(Tensor self, SymInt num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor
Value multinomial(Op& op) {
  Value self = op["self"];
  const int64_t count = op.integer("num_samples");
  Value rows = self.rank() == 1 ? op.unsqueeze(self, {0}) : self;
  Value drawn;
  if (op.boolean("replacement") || count == 1) {
    drawn = op.Multinomial(op.Log(rows), {attr::sample_size(count), attr::dtype(DType::i64)});
  } else {  // the greatest of probabilities divided by exponential noise
    Value noise = -op.Log(uniform(op, op.shape_of(rows), rows.dtype()));
    drawn = op.TopK(rows / noise, op.ints({count})).Indices;
  }
  return self.rank() == 1 ? op.squeeze(drawn, {0}) : drawn;
}

// aten::exponential(Tensor self, float lambd=1, *, Generator? generator=None) -> Tensor
Value exponential(Op& op) {
  Value drawn = uniform(op, op.shape_of(op["self"]), op["self"].dtype());
  return -op.Log(1 - drawn) / op.real("lambd");
}

}  // namespace

Mappings random() {
  return {
      {"aten::rand", rand},
      {"aten::rand_like", rand_like},
      {"aten::uniform", uniform_between},
      {"aten::randn", randn},
      {"aten::randn_like", randn_like},
      {"aten::randint", randint},
      {"aten::randint_like", randint_like},
      {"aten::randperm", randperm},
      {"aten::normal", normal},
      {"aten::normal.float_float", normal_of_size},
      {"aten::normal_functional", normal_like},
      {"aten::bernoulli", bernoulli},
      {"aten::bernoulli.p", bernoulli_p},
      {"aten::multinomial", multinomial},
      {"aten::exponential", exponential},
  };
}

}  // namespace onnxport::aten
