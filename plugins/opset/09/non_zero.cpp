// NonZero and Compress are new in 9. How many elements they find is known at run time only: a Loop of so many steps gives out
// where each lies, the next one after the one before.
#include "rules.h"
#include "shared.h"

using namespace onnxport;

namespace {

// Where a 1-D bool value is true.
Value places(Node& node, const Value& mask) {
  const Value index = node.arange(node.dim(mask, 0));
  const Value end = node.dim(mask, 0);
  const Value hits = node.where(mask, index, end);  // where there is none, beyond the end
  const Value count = node.reduce_sum(node.cast(mask, DType::i64), {}, false);
  const Block body = node.block({{"i", DType::i64, 0}, {"on", DType::boolean, 0}, {"before", DType::i64, 0}},
                                [&](const Values& in) -> Values {
                                  const Value later = node.where(node.less(in[2], hits), hits, end);
                                  const Value next = node.reduce_min(later, {0}, false);
                                  return {node.Identity(in[1]), next, node.Identity(next)};
                                });
  const Values out = node.node("Loop", {count, {}, node.constant(-1)}, {{"body", body}}, size_t{2});
  return node.typed(out[1], DType::i64, {node.fresh_dim()});
}

Value as_bools(Node& node, const Value& x) {
  if (x.dtype() == DType::boolean) return x;
  return ~node.equal(x, node.like(x, 0));
}

}  // namespace

Value non_zero_to_8(Node& node) {
  const Value x = node.input(0);
  node.require(x.has_rank() && x.rank() > 0, "its rank is known at run time only, or 0");
  Value rest = places(node, node.reshape(as_bools(node, x), {-1}));
  if (x.rank() == 1) return node.unsqueeze(rest, {0});
  Values rows;
  for (int64_t axis = x.rank() - 1; axis > 0; --axis) {
    const Value size = node.dim(x, axis), whole = rest / size;
    rows.insert(rows.begin(), node.unsqueeze(rest - whole * size, {0}));
    rest = whole;
  }
  rows.insert(rows.begin(), node.unsqueeze(rest, {0}));
  return node.Concat(rows, {attr::axis(0)});
}

// Without an axis, of the elements one after the other.
Value compress_to_8(Node& node) {
  const bool flat = !node.has_attr("axis");
  const Value data = flat ? node.reshape(node.input(0), {-1}) : node.input(0);
  const int64_t axis = flat ? 0 : node.normalized(node.integer("axis", 0), data.rank());
  return node.Gather(data, places(node, node.input(1)), {attr::axis(axis)});
}
