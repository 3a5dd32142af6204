// Rows of a table, by number.
#include "axes.hpp"
#include "families.hpp"
#include "numerics.hpp"
#include "reductions.hpp"

namespace onnxport::aten {
namespace {

// aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False,
//     bool sparse=False) -> Tensor
Value embedding(Op& op) { return op.Gather(op["weight"], op["indices"]); }

// aten::embedding_renorm(Tensor self, Tensor indices, float max_norm, float norm_type) -> Tensor: the rows that are asked
// for, where longer than max_norm, made as long as that.
Value embedding_renorm(Op& op) {
  Value table = op["self"], places = op.reshape(op.cast(op["indices"], DType::i64), {-1});
  Value rows = op.Gather(table, places);
  Value norm = p_norm(op, rows, op.real("norm_type"), op.ints({1}), true);
  Value limit = op.like(norm, op.real("max_norm"));
  Value factor = op.Where(norm > limit, limit / (norm + op.like(norm, 1e-7)), op.like(norm, 1));
  return op.ScatterND(table, op.unsqueeze(places, {1}), rows * factor);
}

// aten::one_hot(Tensor self, int num_classes=-1) -> Tensor
Value one_hot(Op& op) {
  Value self = op["self"], classes = op["num_classes"];
  if (op.is_known("num_classes") && op.integer("num_classes") < 0) {
    classes = op.ReduceMax(self, {}, {attr::keepdims(0)}) + 1;
  }
  return atleast_1d(op, self, [&](const Value& x) { return op.OneHot(x, classes, op.ints({0, 1})); });
}

// Which bag holds which index: a matrix of bags by indices.
Value membership(Op& op, const Value& indices) {
  Value offsets = op.cast(op["offsets"], DType::i64);
  Value ends = op.slice(offsets, 0, 1, to_end);
  if (op.boolean("include_last_offset")) {  // where the last bag ends, which need not be the last index
    offsets = op.slice(offsets, 0, 0, -1);
  } else {
    ends = op.Concat({ends, op.Shape(indices)}, {attr::axis(0)});
  }
  Value position = op.arange(op.dim(indices, 0));
  Value inside = (op.unsqueeze(offsets, {1}) <= position) & (position < op.unsqueeze(ends, {1}));
  if (op.integer("padding_idx", -1) < 0) return inside;
  return inside & ~(indices == op.integer("padding_idx"));
}

// aten::embedding_bag.padding_idx(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, int mode,
//     bool sparse, Tensor? per_sample_weights, bool include_last_offset, int? padding_idx) -> (Tensor, Tensor, Tensor,
//     Tensor)
Values embedding_bag(Op& op) {
  for (size_t i = 1; i < 4; ++i)
    op.require(!op.is_used(i), "only the first result of embedding_bag can be exported");
  Value indices = op["indices"], rows = op.Gather(op["weight"], indices), inside = membership(op, indices);
  if (op.has("per_sample_weights")) rows = rows * op.unsqueeze(op["per_sample_weights"], {1});
  Value weights = op.cast_like(inside, rows);
  Value count = op.ReduceSum(weights, op.ints({1}), {attr::keepdims(1)});
  Value out;
  if (op.integer("mode") == 2) {
    Value member = op.unsqueeze(inside, {2});
    Value greatest =
        op.ReduceMax(op.Where(member, rows, op.like(rows, -infinity)), op.ints({1}), {attr::keepdims(0)});
    out = op.Where(count == 0, op.like(rows, 0), greatest);
  } else {
    out = op.MatMul(weights, rows);
    if (op.integer("mode") == 1) out = out / op.Max({count, op.like(count, 1)});
  }
  return {out, {}, {}, {}};
}

}  // namespace

Mappings embedding() {
  return {
      {"aten::embedding", embedding},
      {"aten::embedding_renorm", embedding_renorm},
      {"aten::one_hot", one_hot},
      {"aten::embedding_bag", embedding_bag},
      {"aten::_embedding_bag", embedding_bag},
      {"aten::_embedding_bag_forward_only", embedding_bag},
  };
}

}  // namespace onnxport::aten
