// Packed sequences: the steps of sequences of falling length, one after another, without what pads the
// shorter ones. batch_sizes says how many sequences still have a step at each time.
#pragma once

#include "common.hpp"

namespace onnxport::aten {

// Which steps there are: (time, batch) of bool.
inline Value steps_of(Op& op, const Value& batch_sizes) {
  Value widest = op.Gather(batch_sizes, op.constant(0));
  return counted(op, widest) < op.unsqueeze(batch_sizes, {1});
}

inline Value lengths_of(Op& op, const Value& there) {
  return op.ReduceSum(op.cast(there, DType::i64), op.ints({0}), {{"keepdims", 0}});
}

// (time, batch) coordinates of the steps, in the order in which they are packed.
inline Value coordinates_of(Op& op, const Value& there) { return op.transpose(op.NonZero(there), {1, 0}); }

inline Value batch_and_time_swapped(Op& op, const Value& x) {
  std::vector<int64_t> order = all_axes(x.rank());
  std::swap(order[0], order[1]);
  return op.transpose(x, order);
}

// (time, batch, …) -> (step, …)
inline Value packed(Op& op, const Value& x, const Value& there) {
  return op.GatherND(x, coordinates_of(op, there));
}

// (step, …) -> (time, batch, …), the filler where there is no step.
inline Value unpacked(Op& op, const Value& data, const Value& there, const Value& filler) {
  Values size = {op.shape_of(there)};
  for (const Value& rest : dims(op, data, 1, data.rank())) size.push_back(rest);
  return op.ScatterND(op.Expand(filler, op.shape(size)), coordinates_of(op, there), data);
}

}  // namespace onnxport::aten
