#include "rules.h"
#include "shared.h"

using namespace onnxport;

namespace {

Value scattered(Node& node, const Value& data, const Value& index, const Value& updates, int64_t axis,
                int64_t from) {
  const int64_t rank = data.rank();
  for (int64_t a = from; a < rank; ++a) {
    if (a == axis || node.same_dim(data, a, index, a)) continue;
    const auto size = index.static_dim(a);
    node.require(size.has_value(), "the indices are of other sizes than the data, known at run time only");
    const Value head = scattered(node, node.slice(data, a, 0, *size), index, updates, axis, a + 1);
    return node.Concat({head, node.slice(data, a, *size, to_end)}, {attr::axis(a)});
  }
  // Each place along the axis with each index: the last one that is equal writes.
  const auto last = [&](const Value& v) { return node.transpose(v, axis, -1); };
  const Value places = node.arange(node.dim(data, axis));
  const Value hits = node.equal(node.unsqueeze(node.cast(last(index), DType::i64), {rank}), places);
  const Value turn = node.unsqueeze(node.arange(node.dim(index, axis)) + 1, {1});  // from 1
  const Value turns = node.cast(hits, DType::i64) * turn;
  const Value latest = node.reduce_max(turns, {rank - 1}, true);
  const Value writes = hits & node.equal(turns, latest);
  const DType t = is_floating(data.dtype()) ? data.dtype() : DType::i64;
  const Value wide = node.cast(node.unsqueeze(last(updates), {rank}), t);
  const Value written = node.reduce_sum(node.where(writes, wide, node.constant(0.0, t)), {rank - 1}, false);
  const Value any = ~node.equal(node.squeeze(latest, {rank - 1}), node.constant(0));
  return last(node.where(any, node.cast(written, data.dtype()), last(data)));
}

}  // namespace

// Scatter is new in 9.
Value scatter_to_8(Node& node) {
  const Value data = node.input(0);
  const int64_t axis = node.normalized(node.integer("axis", 0), data.rank());
  const Value index = shared::from_front(node, node.input(1), node.dim(data, axis));
  return scattered(node, data, index, node.input(2), axis, 0);
}
