// Advanced indexing: what a list of index tensors (x[i, :, mask]) names, as both reading and writing need it.
#pragma once

#include <algorithm>

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

// The indexed axes of a tensor and what they are indexed with. Where the result has the axes of the index
// tensors: in place of the indexed axes when those are neighbours, else in front, as torch does.
struct AdvancedIndex {
  std::vector<int64_t> indexed;  // axes, ascending
  Values indices;     // one i64 tensor per indexed axis, all of one shape; negative ones count from the end
  Value coordinates;  // the same joined along a last axis, when they come so
  int64_t axis = 0;   // where the axes of the index tensors go
  int64_t rank() const { return coordinates ? coordinates.rank() - 1 : indices.front().rank(); }
};

// A mask stands for the coordinates of its true elements, one vector per axis.
inline Values coordinates(Op& op, const Value& mask) {
  Value found = op.NonZero(mask);
  if (mask.rank() == 1) return {op.squeeze(found, {0})};
  Values out;
  for (int64_t axis = 0; axis < mask.rank(); ++axis) out.push_back(op.Gather(found, op.constant(axis)));
  return out;
}

inline bool is_mask(const Value& index) {
  return index && (index.dtype() == DType::boolean || index.dtype() == DType::u8);
}

// One index tensor per axis, absent where the axis is kept.
inline Values index_per_axis(Op& op, const Value& self) {
  Values out;
  for (const Value& index : op.values("indices")) {
    if (!is_mask(index)) {
      out.push_back(index ? op.cast(index, DType::i64) : index);
      continue;
    }
    op.require(index.rank() > 0, "indexing with a 0-d mask");
    for (const Value& c : coordinates(op, op.cast(index, DType::boolean))) out.push_back(c);
  }
  out.resize(static_cast<size_t>(self.rank()));
  return out;
}

// All in the shape they broadcast to; those that have it for certain stay as they are.
inline Values broadcast_together(Op& op, Values all) {
  bool same = true;
  for (const Value& v : all) same = same && op.same_shape(v, all.front());
  if (same) return all;
  Value zero;  // in the common shape
  for (const Value& v : all) zero = zero ? zero + op.like(v, 0) * v : op.like(v, 0) * v;
  for (Value& v : all) v = v + zero;
  return all;
}

inline AdvancedIndex advanced_index_of(Op& op, const Value& self) {
  AdvancedIndex p;
  const Values given = op.values("indices");
  const auto present = [](const Value& v) { return static_cast<bool>(v); };
  const bool one_mask = std::count_if(given.begin(), given.end(), present) == 1 &&
                        std::any_of(given.begin(), given.end(), is_mask);
  if (one_mask) {  // what NonZero finds is the coordinates already
    const auto mask = std::find_if(given.begin(), given.end(), present);
    op.require(mask->rank() > 0, "indexing with a 0-d mask");
    for (int64_t i = 0; i < mask->rank(); ++i) p.indexed.push_back(mask - given.begin() + i);
    p.axis = p.indexed.front();
    Value found = op.NonZero(op.cast(*mask, DType::boolean));
    if (mask->rank() == 1) {
      p.indices = {op.squeeze(found, {0})};
    } else {
      p.coordinates = op.permute(found, {1, 0});
    }
    return p;
  }
  const Values index = index_per_axis(op, self);
  for (int64_t axis = 0; axis < self.rank(); ++axis) {
    if (!index[axis]) continue;
    p.indexed.push_back(axis);
    p.indices.push_back(index[axis]);
  }
  op.require(!p.indexed.empty(), "indexing without an index");
  const auto count = static_cast<int64_t>(p.indexed.size());
  p.axis = p.indexed.back() - p.indexed.front() + 1 == count ? p.indexed.front() : 0;
  p.indices = broadcast_together(op, p.indices);
  return p;
}

// The coordinates with a last axis of one number per indexed axis.
inline Value stacked(Op& op, const AdvancedIndex& p) {
  if (p.coordinates) return p.coordinates;
  Values parts;
  for (const Value& v : p.indices) parts.push_back(op.unsqueeze(v, {p.rank()}));
  return parts.size() == 1 ? parts.front() : op.Concat(parts, {attr::axis(p.rank())});
}

// The axes of x[indices] when the index tensors' come first, in the order that torch gives them.
inline std::vector<int64_t> order_of_result(const AdvancedIndex& p, int64_t self_rank) {
  std::vector<int64_t> order;
  const int64_t rest = self_rank - static_cast<int64_t>(p.indexed.size());
  for (int64_t i = 0; i < p.axis; ++i) order.push_back(p.rank() + i);
  for (int64_t i = 0; i < p.rank(); ++i) order.push_back(i);
  for (int64_t i = p.axis; i < rest; ++i) order.push_back(p.rank() + i);
  return order;
}

}  // namespace onnxport::aten
