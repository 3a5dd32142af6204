// Sorting, the greatest and the distinct elements, and places in sorted ones.
#include "families.hpp"

namespace onnxport::aten {
namespace {

// The `count` greatest or least elements along an axis and where they were; the first of equal ones comes
// first. ONNX Runtime has kernels for f32, f64, i32 and i64: narrower integers are compared as i64.
Values topmost(Op& op, const Value& x, const Value& count, int64_t axis, bool largest) {
  const DType t = x.dtype();
  const bool narrow = !is_floating(t) && t != DType::i64 && t != DType::i32;
  Value in = narrow ? op.cast(x, DType::i64) : x;
  const auto found =
      op.TopK(in, op.shape({count}), {attr::axis(axis), attr::largest(largest), attr::sorted(1)});
  return {op.cast(found.Values, t), found.Indices};
}

Values sorted_along(Op& op, const Value& x, int64_t axis, bool descending) {
  if (x.rank() == 0) return {x, op.constant(0)};
  return topmost(op, x, op.dim(x, axis), axis, descending);
}

// aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)
// aten::sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)
Values sort(Op& op) {
  return sorted_along(op, op["self"], op.axis("dim", op["self"]), op.boolean("descending"));
}

// aten::argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor
Value argsort(Op& op) { return sort(op)[1]; }

// aten::msort(Tensor self) -> Tensor
Value msort(Op& op) { return sorted_along(op, op["self"], 0, false)[0]; }

// aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)
Values topk(Op& op) {
  Value self = op["self"];
  if (self.rank() == 0) return {self, op.constant(0)};
  return topmost(op, self, op["k"], op.axis("dim", self), op.boolean("largest"));
}

// aten::kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)
Values kthvalue(Op& op) {
  Value self = op["self"];
  if (self.rank() == 0) return {self, op.constant(0)};
  const int64_t axis = op.axis("dim", self);
  Values least = topmost(op, self, op["k"], axis, false);
  Value last = op.boolean("keepdim") ? op.ints({-1}) : op.constant(-1);
  return {op.Gather(least[0], last, {attr::axis(axis)}), op.Gather(least[1], last, {attr::axis(axis)})};
}

// The distinct elements, the place of each element among them, and how often each occurs.
Values distinct(Op& op, const Value& x, attributes_of::Unique attrs) {
  const DType t = x.dtype();
  const bool taken = t == DType::f32 || t == DType::f64 || t == DType::i64 || t == DType::i8;
  Value in = taken ? x : op.cast(x, is_floating(t) ? DType::f32 : DType::i64);
  attrs.add(attr::sorted(1));
  const auto out = op.Unique(all_outputs, in, attrs);
  return {op.cast(out.Y, t), out.inverse_indices, out.counts};
}

// aten::_unique2(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> (Tensor,
//     Tensor, Tensor)
Values unique2(Op& op) {
  Values out = distinct(op, op["self"], {});
  out[1] = op.is_used(1) ? op.Reshape(out[1], op.shape_of(op["self"])) : Value();
  return out;
}

// aten::_unique(Tensor self, bool sorted=True, bool return_inverse=False) -> (Tensor, Tensor)
Values unique(Op& op) {
  Values out = unique2(op);
  out.pop_back();
  return out;
}

// aten::unique_dim(Tensor self, int dim, bool sorted=True, bool return_inverse=False,
//     bool return_counts=False) -> (Tensor, Tensor, Tensor)
Values unique_dim(Op& op) { return distinct(op, op["self"], {attr::axis(op.axis("dim", op["self"]))}); }

// aten::unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, int? dim=None) -> (Tensor,
//     Tensor, Tensor)
Values unique_consecutive(Op& op) {
  Value self = op["self"];
  op.require(!op.has("dim") || self.rank() == 1, "unique_consecutive along an axis");
  Value flat = op.reshape(self, {-1});
  Value changes = ~(op.slice(flat, 0, 1, to_end) == op.slice(flat, 0, 0, -1));
  Value first = op.Pad(op.cast(changes, DType::i64), op.ints({1, 0}), op.constant(1));
  Value group = op.CumSum(first, op.constant(0)) - 1;
  Value starts = op.squeeze(op.NonZero(first), {0});
  Value ends = op.Concat({op.slice(starts, 0, 1, to_end), op.Shape(flat)}, {attr::axis(0)});
  return {op.Gather(flat, starts), op.Reshape(group, op.shape_of(self)), ends - starts};
}

// How many boundaries lie before each value.
Value boundaries_before(Op& op, const Value& boundaries, const Value& x, bool right) {
  Value b = boundaries.rank() == 1 ? boundaries : op.unsqueeze(boundaries, {boundaries.rank() - 1});
  Value v = op.unsqueeze(x, {x.rank()});
  Value before = right ? b <= v : b < v;
  const DType t = op.boolean("out_int32", false) ? DType::i32 : DType::i64;
  return op.ReduceSum(op.cast(before, t), op.ints({-1}), {attr::keepdims(0)});
}

// aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor
Value bucketize(Op& op) {
  const DType t = op.result_type({"boundaries", "self"});
  return boundaries_before(op, op.as("boundaries", t), op.as("self", t), op.boolean("right"));
}

// aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False,
//     str? side=None, Tensor? sorter=None) -> Tensor
Value searchsorted(Op& op) {
  const DType t = op.result_type({"sorted_sequence", "self"});
  Value sequence = op.as("sorted_sequence", t);
  if (op.has("sorter")) sequence = op.GatherElements(sequence, op["sorter"], {attr::axis(-1)});
  const bool right = op.boolean("right") || op.string("side", "left") == "right";
  return boundaries_before(op, sequence, op.as("self", t), right);
}

// aten::isin.Tensor_Tensor(Tensor elements, Tensor test_elements, *, bool assume_unique=False,
//     bool invert=False) -> Tensor
Value isin(Op& op) {
  Value elements = op.has("elements") ? op["elements"] : op["element"];
  Value tests = op.has("test_elements") ? op["test_elements"] : op["test_element"];
  Value equal = op.unsqueeze(elements, {elements.rank()}) == op.reshape(op.cast_like(tests, elements), {-1});
  Value found = op.ReduceSum(op.cast(equal, DType::i64), op.ints({-1}), {attr::keepdims(0)});
  return op.boolean("invert") ? found == 0 : found > 0;
}

}  // namespace

Mappings sorting() {
  return {
      {"aten::sort", sort},
      {"aten::argsort", argsort},
      {"aten::msort", msort},
      {"aten::topk", topk},
      {"aten::kthvalue", kthvalue},
      {"aten::_unique2", unique2},
      {"aten::_unique", unique},
      {"aten::unique_dim", unique_dim},
      {"aten::unique_consecutive", unique_consecutive},
      {"aten::bucketize", bucketize},
      {"aten::searchsorted", searchsorted},
      {"aten::isin", isin},
  };
}

}  // namespace onnxport::aten
