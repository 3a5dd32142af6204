// Elements written at given places.
#include "advanced_index.hpp"
#include "axes.hpp"
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

// data with `updates` at `index` along the axis, in 0-d tensors too; `reduction` of ONNX: none, add, mul, max, min.
Value scattered(Op& op, Value data, Value index, Value updates, int64_t axis,
                const std::string& reduction = "none") {
  const bool scalar = data.rank() == 0;
  for (Value* x : {&data, &index, &updates}) {
    if (x->rank() == 0) *x = op.unsqueeze(*x, {0});
  }
  attributes_of::ScatterElements attrs{attr::axis(axis)};
  if (reduction != "none") attrs.add(attr::reduction(reduction));
  // ONNX Runtime adds no halves in place; in f32 the sum of many is the better one too.
  const DType t = data.dtype();
  const bool widen = reduction != "none" && (t == DType::f16 || t == DType::bf16);
  if (widen) data = op.cast(data, DType::f32), updates = op.cast(updates, DType::f32);
  Value out = op.cast(op.ScatterElements(data, index, updates, attrs), t);
  return scalar ? op.squeeze(out, {0}) : out;
}

// The part of `src` that the index has places for: it may be longer.
Value matching(Op& op, const Value& src, const Value& index) {
  bool same = true;
  for (int64_t axis = 0; axis < src.rank(); ++axis) same = same && op.same_dim(src, axis, index, axis);
  if (same || src.rank() == 0) return src;
  return op.Slice(src, op.ints(std::vector<int64_t>(static_cast<size_t>(src.rank()), 0)), op.shape_of(index),
                  op.ints(all_axes(src.rank())));
}

std::string onnx_reduction(Op& op) {
  std::string name = op.string("reduce", "none");
  if (name == "add" || name == "sum") return "add";
  if (name == "multiply" || name == "prod") return "mul";
  if (name == "amax") return "max";
  if (name == "amin") return "min";
  return name;
}

// aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor
// aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor
// aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor
// aten::scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor
Value scatter(Op& op) {
  Value self = op["self"], index = op["index"];
  Value updates = op.has("src") ? matching(op, op["src"], index)
                                : op.Expand(op.as("value", self.dtype()), op.shape_of(index));
  return scattered(op, self, index, updates, op.axis("dim", self), onnx_reduction(op));
}

// aten::scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor
Value scatter_add(Op& op) {
  Value self = op["self"], index = op["index"];
  return scattered(op, self, index, matching(op, op["src"], index), op.axis("dim", self), "add");
}

// What leaves a reduction as it is.
double neutral(const std::string& reduction, DType t) {
  if (reduction == "mul") return 1;
  if (reduction == "add" || reduction == "mean") return 0;
  const double greatest = is_floating(t) ? infinity : t == DType::i32 ? 2147483647.0 : 9223372036854775807.0;
  return reduction == "max" ? -greatest : greatest;
}

// aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *,
//     bool include_self=True) -> Tensor
// aten::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *,
//     bool include_self=True) -> Tensor
Value reduced_into(Op& op, const Value& index, const Value& src, int64_t axis) {
  Value self = op["self"];
  const std::string reduction = onnx_reduction(op);
  Value ones = op.Expand(op.like(self, 1), op.shape_of(index));
  Value start = self;
  if (!op.boolean("include_self")) {
    start = scattered(op, self, index, ones * neutral(reduction, self.dtype()), axis);
    if (reduction == "max" || reduction == "min") {
      start = scattered(op, self, index,
                        op.Expand(op.like(self, neutral(reduction, self.dtype())), op.shape_of(index)), axis);
    }
  }
  if (reduction != "mean") return scattered(op, start, index, src, axis, reduction);
  Value base = op.Expand(op.like(self, 1), op.shape_of(self));
  Value count = op.boolean("include_self") ? base : scattered(op, base, index, ones * 0, axis);
  count = op.Max({scattered(op, count, index, ones, axis, "add"), op.like(self, 1)});
  Value sum = scattered(op, start, index, src, axis, "add");
  return is_floating(self.dtype()) ? sum / count : op.floor_divide(sum, count);
}

Value scatter_reduce(Op& op) {
  return reduced_into(op, op["index"], matching(op, op["src"], op["index"]), op.axis("dim", op["self"]));
}

// A vector of indices along the axis, repeated over the other axes of `x`.
Value spread(Op& op, Value index, int64_t axis, const Value& x) {
  if (x.rank() == 0) return index;
  if (index.rank() == 0) index = op.unsqueeze(index, {0});
  return op.Expand(op.unsqueeze_around(index, axis, x.rank()), op.shape_of(x));
}

Value index_reduce(Op& op) {
  const int64_t axis = op.axis("dim", op["self"]);
  return reduced_into(op, spread(op, op["index"], axis, op["source"]), op["source"], axis);
}

// aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor
Value index_add(Op& op) {
  Value self = op["self"], source = scale_by(op, op["source"], "alpha");
  const int64_t axis = op.axis("dim", self);
  return scattered(op, self, spread(op, op["index"], axis, source), source, axis, "add");
}

// aten::index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor
Value index_copy(Op& op) {
  Value self = op["self"], source = op["source"];
  const int64_t axis = op.axis("dim", self);
  return scattered(op, self, spread(op, op["index"], axis, source), source, axis);
}

// aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor
Value index_fill(Op& op) {
  Value self = op["self"], index = op["index"];
  if (self.rank() == 0) return op.as("value", self.dtype());
  if (index.rank() == 0) index = op.unsqueeze(index, {0});
  const int64_t axis = op.axis("dim", self);
  Values size = op.dims(self, 0, self.rank());
  size[axis] = op.dim(index, 0);
  Value places = op.Expand(op.unsqueeze_around(index, axis, self.rank()), op.shape(size));
  return scattered(op, self, places, op.Expand(op.as("value", self.dtype()), op.shape(size)), axis);
}

// The one mask of the indices, where it covers the leading axes of `self` and one number is written.
Value only_mask(Op& op, const Value& self, const Value& values) {
  const Values indices = op.values("indices");
  const bool one = values.rank() == 0 || (values.rank() == 1 && values.static_dim(0) == 1);
  if (!one || indices.size() != 1 || indices[0].dtype() != DType::boolean || op.boolean("accumulate"))
    return {};
  std::vector<int64_t> rest = all_axes(self.rank());
  rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(indices[0].rank()));
  return op.unsqueeze(indices[0], rest);
}

// aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor
Value index_put(Op& op) {
  Value self = op["self"], values = op.as("values", self.dtype());
  if (Value mask = only_mask(op, self, values))
    return op.where(mask, values.rank() == 1 ? op.squeeze(values, {0}) : values, self);
  const AdvancedIndex p = advanced_index_of(op, self);
  const std::vector<int64_t> order =
      axes_first(self.rank(), p.indexed);  // ScatterND writes along leading axes
  const auto count = static_cast<int64_t>(p.indexed.size());
  Value data = op.permute(self, order), places = stacked(op, p);
  const std::vector<int64_t> to_torch = order_of_result(p, self.rank());
  Values front, result;  // the shape of the updates, and of x[indices]
  for (int64_t i = 0; i < p.rank(); ++i) front.push_back(op.dim(places, i));
  for (const Value& d : op.dims(data, count, data.rank())) front.push_back(d);
  for (int64_t axis : to_torch) result.push_back(front[static_cast<size_t>(axis)]);
  Value updates = result.empty() ? values : op.Expand(values, op.shape(result));
  attributes_of::ScatterND attrs;
  if (op.boolean("accumulate")) attrs.add(attr::reduction("add"));
  Value out = op.ScatterND(data, places, op.permute(updates, inverse_permutation(to_torch)), attrs);
  return op.permute(out, inverse_permutation(order));
}

// aten::put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor
Value put(Op& op) {
  Value flat = op.reshape(op["self"], {-1});
  Value out = scattered(op, flat, op.reshape(op["index"], {-1}), op.reshape(op["source"], {-1}), 0,
                        op.boolean("accumulate") ? "add" : "none");
  return op.Reshape(out, op.shape_of(op["self"]));
}

// aten::select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor
Value select_scatter(Op& op) {
  Value self = op["self"];
  const int64_t axis = op.axis("dim", self);
  Value src = op.unsqueeze(op.as("src", self.dtype()), {axis});
  Values size = op.dims(self, 0, self.rank());
  size[axis] = op.constant(1);
  return op.ScatterElements(self, op.Expand(op["index"], op.shape(size)), op.Expand(src, op.shape(size)),
                            {attr::axis(axis)});
}

// A bound of a slice as an index from the front; one that is known to be there stays.
Value from_front(Op& op, const Value& bound, const Value& size) {
  const auto known = bound.constant_ints();
  if (known) return known->at(0) < 0 ? size + known->at(0) : bound;
  return op.Where(bound < 0, size + bound, bound);
}

// Where what a slice leaves begins again: its end, or its start where that lies behind and nothing is written.
Value behind_slice(Op& op, const Value& self, const Value& src, int64_t axis, const Value& start,
                   const Value& end) {
  const auto from = start.constant_ints(), to = end.constant_ints();
  const bool one_sign = from && to && (from->at(0) < 0) == (to->at(0) < 0);
  if (one_sign && from->at(0) <= to->at(0)) return end;
  if (src.static_dim(axis).value_or(0) > 0) return end;  // something is written, so the end is behind
  const Value size = op.dim(self, axis);
  return op.Max({from_front(op, start, size), from_front(op, end, size), op.constant(0)});
}

// aten::slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? end=None,
//     SymInt step=1) -> Tensor
Value slice_scatter(Op& op) {
  Value self = op["self"], src = op.as("src", self.dtype());
  const int64_t axis = op.axis("dim", self);
  Value start = op.has("start") ? op["start"] : op.constant(0);
  Value end = op.has("end") ? op["end"] : op.constant(to_end);
  const auto from = start.constant_ints(), to = end.constant_ints();
  const bool at_start = from && from->at(0) == 0;
  const bool at_end = to && to->at(0) >= self.static_dim(axis).value_or(to_end);
  if (op.is_known("step") && op.integer("step") == 1) {
    Values parts;
    if (!at_start) parts.push_back(op.slice(self, axis, op.constant(0), start));
    parts.push_back(src);
    if (!at_end) {
      Value behind = at_start ? end : behind_slice(op, self, src, axis, start, end);
      parts.push_back(op.slice(self, axis, behind, op.constant(to_end)));
    }
    return parts.size() == 1 ? src : op.Concat(parts, {attr::axis(axis)});
  }
  Value places = op.Slice(op.arange(op.dim(self, axis)), op.shape({start}), op.shape({end}), op.ints({0}),
                          op.shape({op["step"]}));
  return op.ScatterElements(self, spread(op, places, axis, src), src, {attr::axis(axis)});
}

}  // namespace

Mappings scatter() {
  return {
      Mapping("aten::scatter", scatter).by_parts(),
      Mapping("aten::scatter_add", scatter_add).by_parts(),
      {"aten::scatter_reduce", scatter_reduce},
      {"aten::index_reduce", index_reduce},
      Mapping("aten::index_add", index_add).by_parts(),
      Mapping("aten::index_copy", index_copy).by_parts(),
      Mapping("aten::index_fill", index_fill).by_parts(),
      Mapping("aten::index_put", index_put).by_parts(),
      Mapping("aten::_index_put_impl", index_put).by_parts(),
      Mapping("aten::_unsafe_index_put", index_put).by_parts(),
      Mapping("aten::put", put).by_parts(),
      Mapping("aten::select_scatter", select_scatter).by_parts(),
      Mapping("aten::slice_scatter", slice_scatter).by_parts(),
  };
}

}  // namespace onnxport::aten
