// The places that a list of index tensors (x[i, :, mask]) names, as both reading and writing need them.
#pragma once

#include "common.hpp"

namespace onnxport::aten {

// Index tensors of several axes seen as one: the indexed axes are laid out as one axis, and one tensor of
// numbers counts along it. Adjacent axes stay where they are, others go to the front, as torch places the
// result.
struct Places {
  std::vector<int64_t> order;   // of the axes: the indexed ones together
  int64_t axis = 0, count = 0;  // where they start then, how many they are
  Value number;                 // along the joined axis, in the broadcast shape of the index tensors
};

// A mask stands for the coordinates of its true elements, one vector per axis.
inline Values coordinates(Op& op, const Value& mask) {
  Value found = op.NonZero(mask);
  if (mask.rank() == 1) return {op.squeeze(found, {0})};
  Values out;
  for (int64_t axis = 0; axis < mask.rank(); ++axis) out.push_back(op.Gather(found, op.constant(axis)));
  return out;
}

// The index as non-negative i64 numbers.
inline Value counted_from_start(Op& op, const Value& index, const Value& size) {
  Value number = op.cast(index, DType::i64);
  const auto known = number.constant_ints();
  if (known && std::all_of(known->begin(), known->end(), [](int64_t i) { return i >= 0; })) return number;
  return op.Mod(number, size);
}

// One index tensor per axis, absent where the axis is kept.
inline Values index_per_axis(Op& op, const Value& self, bool* from_mask) {
  Values out;
  for (const Value& index : op.values("indices")) {
    const bool mask = index && (index.dtype() == DType::boolean || index.dtype() == DType::u8);
    if (!mask) {
      out.push_back(index);
      continue;
    }
    *from_mask = true;
    op.require(index.rank() > 0, "indexing with a 0-d mask");
    for (const Value& c : coordinates(op, op.cast(index, DType::boolean))) out.push_back(c);
  }
  out.resize(static_cast<size_t>(self.rank()));
  return out;
}

inline Places places_of(Op& op, const Value& self) {
  Places p;
  bool from_mask = false;
  const Values index = index_per_axis(op, self, &from_mask);
  std::vector<int64_t> indexed;
  for (int64_t axis = 0; axis < self.rank(); ++axis) {
    if (index[axis]) indexed.push_back(axis);
  }
  op.require(!indexed.empty(), "indexing without an index");
  p.count = static_cast<int64_t>(indexed.size());
  const bool adjacent = indexed.back() - indexed.front() + 1 == p.count;
  p.axis = adjacent ? indexed.front() : 0;
  p.order = adjacent ? all_axes(self.rank()) : axes_first(self.rank(), indexed);
  if (p.count == 1) {  // ONNX counts negative indices from the end, as torch does
    p.number = op.cast(index[indexed[0]], DType::i64);
    return p;
  }
  for (int64_t axis : indexed) {
    Value size = op.dim(self, axis);
    Value number = from_mask ? op.cast(index[axis], DType::i64) : counted_from_start(op, index[axis], size);
    p.number = p.number ? p.number * size + number : number;
  }
  return p;
}

// `self` with the indexed axes as one.
inline Value joined_axes(Op& op, const Value& self, const Places& p) {
  Value turned = permuted(op, self, p.order);
  if (p.count == 1) return turned;
  Values size(static_cast<size_t>(p.axis), op.constant(0));
  Value together = op.constant(1);
  for (const Value& d : dims(op, turned, p.axis, p.axis + p.count)) together = together * d;
  size.push_back(together);
  for (const Value& d : dims(op, turned, p.axis + p.count, turned.rank())) size.push_back(d);
  return op.reshape(turned, size);
}

}  // namespace onnxport::aten
