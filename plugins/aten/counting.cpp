// How often elements occur.
#include "axes.hpp"
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

// The amounts, added up at their places in `size` zeros.
Value added_up(Op& op, const Value& places, const Value& amounts, const Value& size) {
  Value zeros = op.full(op.shape({size}), 0, amounts.dtype());
  return op.ScatterElements(zeros, places, amounts, {attr::reduction("add")});
}

// aten::bincount(Tensor self, Tensor? weights=None, SymInt minlength=0) -> Tensor
Value bincount(Op& op) {
  Value self = op.cast(op["self"], DType::i64);
  Value amounts = op.has("weights") ? op["weights"] : op.full(op.shape_of(self), 1, DType::i64);
  if (op.has("weights") && amounts.dtype() != DType::f32) amounts = op.cast(amounts, DType::f64);
  Value all = op.Concat({self, op.ints({-1})}, {attr::axis(0)});  // of nothing there is no greatest
  Value greatest = op.ReduceMax(all, op.ints({0}), {attr::keepdims(0)});
  return added_up(op, self, amounts, op.Max({greatest + 1, op["minlength"]}));
}

struct Range {
  Value from, to;
};

// That of the elements where the arguments name none, and one around where they are all the same.
Range range_of(Op& op, const Value& x) {
  const double min = op.real("min"), max = op.real("max");
  if (min != max) return {op.like(x, min), op.like(x, max)};
  Value from = op.ReduceMin(x, {}, {attr::keepdims(0)}), to = op.ReduceMax(x, {}, {attr::keepdims(0)});
  return {op.Where(from == to, from - 1, from), op.Where(from == to, to + 1, to)};
}

// aten::histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor
// The last bin holds its upper end too; what lies outside of all counts nowhere.
Value histc(Op& op) {
  Value x = op.reshape(op["self"], {-1});
  const Value bins = op["bins"];
  const Range range = range_of(op, x);
  Value inside = (x >= range.from) & (x <= range.to);
  Value place = op.Floor((x - range.from) * op.cast_like(bins, x) / (range.to - range.from));
  Value bin = op.Min({op.cast(op.Where(inside, place, op.like(x, 0)), DType::i64), bins - 1});
  return added_up(op, bin, op.cast_like(inside, x), bins);
}

// aten::mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)
// The least of those that occur most often, and where it was last.
Values mode(Op& op) {
  Value self = op["self"];
  if (self.rank() == 0) return {self, op.constant(0)};
  const int64_t axis = op.axis("dim", self);
  const DType t = is_floating(self.dtype()) ? self.dtype() : DType::i64;
  Value x = op.permute(op.cast(self, t), axes_last(self.rank(), {axis}));
  const Value over = op.ints({-1});
  Value equal = op.unsqueeze(x, {-1}) == op.unsqueeze(x, {-2});
  Value count = op.ReduceSum(op.cast(equal, DType::i64), over, {attr::keepdims(0)});
  Value often = count == op.ReduceMax(count, over);
  Value bound = is_floating(t) ? op.like(x, infinity) : op.constant(to_end);
  Value least = op.ReduceMin(op.Where(often, x, bound), over);
  Value place = op.Where(x == least, op.arange(op.dim(x, -1)), op.constant(-1));
  Values out = {op.cast_like(least, self), op.ReduceMax(place, over)};
  for (Value& y : out) {
    y = op.squeeze(y, {-1});
    if (op.boolean("keepdim")) y = op.unsqueeze(y, {axis});
  }
  return out;
}

}  // namespace

Mappings counting() {
  return {
      {"aten::bincount", bincount},
      {"aten::histc", histc},
      {"aten::mode", mode},
  };
}

}  // namespace onnxport::aten
