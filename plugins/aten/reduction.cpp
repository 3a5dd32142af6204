// Reductions over axes, and running ones along an axis.
#include "families.hpp"
#include "reductions.hpp"

namespace onnxport::aten {
namespace {

// The input in the type a sum has: dtype= where given, else i64 for integers and bools.
Value summand(Op& op) {
  Value self = op["self"];
  const DType own = is_floating(self.dtype()) ? self.dtype() : DType::i64;
  return op.cast(self, op.dtype("dtype", own));
}

// aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor
// aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
Value sum(Op& op) { return reduce(op, "ReduceSum", summand(op)); }

// aten::nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
Value nansum(Op& op) {
  Value x = summand(op);
  return reduce(op, "ReduceSum", is_floating(x.dtype()) ? op.Where(op.IsNaN(x), op.like(x, 0), x) : x);
}

// aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor
// aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
Value prod(Op& op) { return reduce(op, "ReduceProd", summand(op)); }

// aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor
// aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
Value mean(Op& op) {
  Value self = op["self"];
  return reduce_mean(op, op.cast(self, op.dtype("dtype", self.dtype())));
}

// aten::nanmean(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
Value nanmean(Op& op) {
  Value self = op["self"];
  Value x = op.cast(self, op.dtype("dtype", self.dtype()));
  Value missing = op.IsNaN(x);
  Value total = reduce(op, "ReduceSum", op.Where(missing, op.like(x, 0), x));
  return total / reduce(op, "ReduceSum", op.cast(~missing, x.dtype()));
}

// aten::count_nonzero(Tensor self, int? dim=None) -> Tensor
// aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor
Value count_nonzero(Op& op) {
  return reduce(op, "ReduceSum", op.cast(op.as("self", DType::boolean), DType::i64));
}

// A greatest or least value; ONNX has none of 16-bit integers.
Value extreme(Op& op, std::string_view onnx_op, const Value& x) {
  if (x.dtype() != DType::i16) return reduce(op, onnx_op, x);
  return op.cast(reduce(op, onnx_op, op.cast(x, DType::i32)), DType::i16);
}

// A NaN goes through, as in torch and ONNX's reference; ONNX Runtime passes it over.
Value extreme_or_nan(Op& op, std::string_view onnx_op) {
  Value self = op["self"], out = extreme(op, onnx_op, self);
  if (!is_floating(self.dtype())) return out;
  return out + reduce(op, "ReduceSum", op.Where(op.IsNaN(self), self, op.like(self, 0)));
}

// aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor
Value amax(Op& op) { return extreme_or_nan(op, "ReduceMax"); }

// aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor
Value amin(Op& op) { return extreme_or_nan(op, "ReduceMin"); }

// aten::aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)
Values aminmax(Op& op) { return {amin(op), amax(op)}; }

// The place of a greatest or least value: in the flattened tensor where dim is None.
Value arg_extreme(Op& op, std::string_view onnx_op) {
  Value self = op["self"];
  if (self.dtype() == DType::boolean) self = op.cast(self, DType::i32);
  const bool keepdim = op.boolean("keepdim", false);
  if (self.rank() == 0) return op.constant(0);
  if (op.has("dim"))
    return op.node(onnx_op, {self}, {attr::axis(op.axis("dim", self)), attr::keepdims(keepdim)});
  Value index = op.node(onnx_op, {op.reshape(self, {-1})}, {attr::axis(0), attr::keepdims(0)});
  return keepdim ? op.reshape(index, std::vector<int64_t>(static_cast<size_t>(self.rank()), 1)) : index;
}

// aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor
Value argmax(Op& op) { return arg_extreme(op, "ArgMax"); }

// aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor
Value argmin(Op& op) { return arg_extreme(op, "ArgMin"); }

// aten::max(Tensor self) -> Tensor
Value max(Op& op) { return extreme(op, "ReduceMax", op["self"]); }

// aten::min(Tensor self) -> Tensor
Value min(Op& op) { return extreme(op, "ReduceMin", op["self"]); }

// aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)
Values max_dim(Op& op) { return {max(op), op.is_used(1) ? argmax(op) : Value()}; }

// aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)
Values min_dim(Op& op) { return {min(op), op.is_used(1) ? argmin(op) : Value()}; }

// any and all are bools, but u8 of u8.
Value quantified(Op& op, std::string_view onnx_op) {
  Value result = reduce(op, onnx_op, op.as("self", DType::boolean));
  return op["self"].dtype() == DType::u8 ? op.cast(result, DType::u8) : result;
}

// aten::any(Tensor self) -> Tensor
// aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor
Value any(Op& op) { return quantified(op, "ReduceMax"); }

// aten::all(Tensor self) -> Tensor
// aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor
Value all(Op& op) { return quantified(op, "ReduceMin"); }

// aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor
Value logsumexp(Op& op) { return reduce(op, "ReduceLogSumExp", op.promoted_to_float("self")); }

// aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor
Value cumsum(Op& op) {
  Value x = summand(op);
  return x.rank() == 0 ? x : op.CumSum(x, op.constant(op.axis("dim", x)));
}

// aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor
Value cumprod(Op& op) {
  Value x = summand(op);
  if (x.rank() == 0) return x;
  const auto step = [](const Value& product, const Value& next) { return product * next; };
  return op.accumulate(x, op.axis("dim", x), 1, step);
}

// aten::logcumsumexp(Tensor self, int dim) -> Tensor
Value logcumsumexp(Op& op) {
  Value x = op["self"];
  if (x.rank() == 0) return x;
  const int64_t axis = op.axis("dim", x);
  Value top = op.ReduceMax(x, op.ints({axis}), {attr::keepdims(1)});
  return op.Log(op.CumSum(op.Exp(x - top), op.constant(axis))) + top;
}

// The greatest or least so far, and where it was seen last.
Values extreme_so_far(Op& op, bool greatest) {
  const DType t = op["self"].dtype(), in = is_floating(t) ? t : DType::i64;
  Value x = op.cast(op["self"], in);
  if (x.rank() == 0) return {op["self"], op.constant(0)};
  const int64_t axis = op.axis("dim", x);
  const double bound = is_floating(t) ? infinity : 9223372036854775807.0;
  const auto most = [&](const Value& a, const Value& b) { return op.Max({a, b}); };
  const auto least = [&](const Value& a, const Value& b) { return op.Min({a, b}); };
  Value values = greatest ? op.accumulate(x, axis, -bound, most) : op.accumulate(x, axis, bound, least);
  if (!op.is_used(1)) return {op.cast(values, t), {}};
  Value place = op.unsqueeze_around(op.arange(op.dim(x, axis)), axis, x.rank());
  Value here = is_floating(t) ? (values == x) | op.IsNaN(x) : values == x;
  Value seen = op.Where(here, place, op.constant(0));
  return {op.cast(values, t), op.accumulate(seen, axis, 0, most)};
}

// aten::cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)
Values cummax(Op& op) { return extreme_so_far(op, true); }

// aten::cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)
Values cummin(Op& op) { return extreme_so_far(op, false); }

// The middle of the sorted values, the lower one of two, and where it was.
Values lower_median(Op& op, const Value& x, int64_t axis, bool keepdim) {
  Value count = (op.dim(x, axis) + 1) / 2;
  const auto lower = op.TopK(x, op.shape({count}), {attr::axis(axis), attr::largest(0)});
  Value last = keepdim ? op.ints({-1}) : op.constant(-1);
  return {op.Gather(lower.Values, last, {attr::axis(axis)}),
          op.Gather(lower.Indices, last, {attr::axis(axis)})};
}

// aten::median(Tensor self) -> Tensor
Value median(Op& op) { return lower_median(op, op.reshape(op["self"], {-1}), 0, false)[0]; }

// aten::median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)
Values median_dim(Op& op) {
  Value self = op["self"];
  if (self.rank() == 0) return {self, op.constant(0)};
  return lower_median(op, self, op.axis("dim", self), op.boolean("keepdim"));
}

// The same of those that are numbers; NaN where none is.
Values middle_of_numbers(Op& op, const Value& x, int64_t axis, bool keepdim) {
  if (!is_floating(x.dtype())) return lower_median(op, x, axis, keepdim);
  Value missing = op.IsNaN(x);
  Value count = op.ReduceSum(op.cast(~missing, DType::i64), op.ints({axis}));
  Value whole = op.Where(missing, op.like(x, infinity), x);
  const auto sorted = op.TopK(whole, op.shape({op.dim(x, axis)}), {attr::axis(axis), attr::largest(0)});
  Value place = op.Max({(count - 1) / 2, op.constant(0)});
  Values out = {op.GatherElements(sorted.Values, place, {attr::axis(axis)}),
                op.GatherElements(sorted.Indices, place, {attr::axis(axis)})};
  out[0] = op.Where(count == 0, op.like(x, std::nan("")), out[0]);
  if (!keepdim) out = {op.squeeze(out[0], {axis}), op.squeeze(out[1], {axis})};
  return out;
}

// aten::nanmedian(Tensor self) -> Tensor
Value nanmedian(Op& op) { return middle_of_numbers(op, op.reshape(op["self"], {-1}), 0, false)[0]; }

// aten::nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)
Values nanmedian_dim(Op& op) {
  Value self = op["self"];
  if (self.rank() == 0) return {self, op.constant(0)};
  return middle_of_numbers(op, self, op.axis("dim", self), op.boolean("keepdim"));
}

// Which elements along an axis belong to which segment: axes (…, segment, element).
Value segments(Op& op, const Value& data, int64_t axis) {
  Value starts, ends;
  if (op.has("offsets")) {
    Value offsets = op.as("offsets", DType::i64);
    starts = op.slice(offsets, axis, 0, -1);
    ends = op.slice(offsets, axis, 1, to_end);
  } else {
    op.require(op.has("lengths"), "segments by indices");
    Value lengths = op.as("lengths", DType::i64);
    ends = op.CumSum(lengths, op.constant(axis));
    starts = ends - lengths;
  }
  Value place = op.arange(op.dim(data, axis));
  return (op.unsqueeze(starts, {axis + 1}) <= place) & (place < op.unsqueeze(ends, {axis + 1}));
}

// What a segment without elements has, and a reduction begins with.
double segment_start(const std::string& reduce) {
  if (reduce == "max") return -infinity;
  if (reduce == "min") return infinity;
  return reduce == "prod" ? 1 : 0;
}

// aten::segment_reduce(Tensor data, str reduce, *, Tensor? lengths=None, Tensor? indices=None, Tensor? offsets=None,
//     int axis=0, bool unsafe=False, Scalar? initial=None) -> Tensor
Value segment_reduce(Op& op) {
  Value data = op["data"];
  const std::string reduce = op.string("reduce");
  const int64_t axis = op.axis("axis", data);
  std::vector<int64_t> rest;
  for (int64_t i = axis + 2; i <= data.rank(); ++i) rest.push_back(i);
  Value member = op.unsqueeze(segments(op, data, axis), rest);
  const double start = op.real("initial", segment_start(reduce));
  const bool sum = reduce == "sum" || reduce == "mean", product = reduce == "prod";
  const char* onnx_op = sum               ? "ReduceSum"
                        : product         ? "ReduceProd"
                        : reduce == "max" ? "ReduceMax"
                                          : "ReduceMin";
  const double neutral = sum ? 0 : product ? 1 : start;
  Value elements = op.Where(member, op.unsqueeze(data, {axis}), op.like(data, neutral));
  Value over = op.ints({axis + 1});
  Value out = op.node(onnx_op, {elements, over}, {attr::keepdims(0)});
  if (sum && start != 0) out = out + start;
  if (product && start != 1) out = out * start;
  if (reduce == "max") out = op.Max({out, op.like(out, start)});
  if (reduce == "min") out = op.Min({out, op.like(out, start)});
  if (reduce != "mean") return out;
  Value count = op.ReduceSum(op.cast_like(member, data), over, {attr::keepdims(0)});
  Value empty = op.has("initial") ? out : op.like(out, std::nan(""));
  return op.Where(count == 0, empty, out / count);
}

}  // namespace

Mappings reduction() {
  return {
      Mapping("aten::sum", sum).by_parts(),
      {"aten::nansum", nansum},
      {"aten::prod", prod},
      Mapping("aten::mean", mean).by_parts(),
      {"aten::nanmean", nanmean},
      {"aten::count_nonzero", count_nonzero},
      {"aten::amax", amax},
      {"aten::amin", amin},
      {"aten::aminmax", aminmax},
      {"aten::argmax", argmax},
      {"aten::argmin", argmin},
      {"aten::max", max},
      {"aten::max.dim", max_dim},
      {"aten::min", min},
      {"aten::min.dim", min_dim},
      {"aten::any", any},
      {"aten::all", all},
      {"aten::logsumexp", logsumexp},
      {"aten::special_logsumexp", logsumexp},
      Mapping("aten::cumsum", cumsum).by_parts(),
      {"aten::cumprod", cumprod},
      {"aten::logcumsumexp", logcumsumexp},
      {"aten::cummax", cummax},
      {"aten::cummin", cummin},
      {"aten::median", median},
      {"aten::median.dim", median_dim},
      {"aten::nanmedian", nanmedian},
      {"aten::nanmedian.dim", nanmedian_dim},
      {"aten::segment_reduce", segment_reduce},
  };
}

}  // namespace onnxport::aten
