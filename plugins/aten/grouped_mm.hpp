// Products of many matrices, one per group of rows: the experts of a mixture, each of the tokens that it was given.
#pragma once

#include "onnxport/plugin.hpp"

namespace onnxport {

// Rows of `x` (rows, in) times the matrix of their group (groups, in, out). Group g has the rows from ends[g - 1] to
// ends[g] (its end, 1-D integers), of which there may be none; rows behind the last group give zeros. A Loop over the
// groups: no row is multiplied by another group's matrix, and none is copied out of `weight` but the one at hand.
inline Value grouped_matmul(Op& op, const Value& x, const Value& weight, const Value& ends) {
  const Value last = op.cast(ends, DType::i64);
  const Block body = op.block(
      {{"group", DType::i64, 0}, {"on", DType::boolean, 0}, {"start", DType::i64, 0}, {"rows", x.dtype(), 2}},
      [&](const Values& in) -> Values {
        Value end = op.Gather(last, in[0]);
        Value own = op.MatMul(op.slice(x, 0, in[2], end), op.Gather(weight, in[0]));
        return {op.Identity(in[1]), end, op.Concat({in[3], own}, {attr::axis(0)})};
      });
  const Value width = op.dim(weight, 2);
  const Value none = op.full(op.shape({op.constant(0), width}), 0, x.dtype());
  const Values out = op.Loop(op.dim(weight, 0), {}, {op.constant(0), none}, 2, {attr::body(body)});
  const Value rows = op.typed(out[1], x.dtype(), {Dim(), weight.size(2)});
  const Value behind = op.dim(x, 0) - op.typed(out[0], DType::i64, {});
  const Value all = op.Pad(rows, op.shape({op.ints({0, 0}), behind, op.constant(0)}));
  return op.reshape(all, {op.dim(x, 0), width});
}

}  // namespace onnxport
