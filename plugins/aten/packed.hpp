// Packed sequences: the steps of sequences of falling length, one after another, without what pads the
// shorter ones. batch_sizes says how many sequences still have a step at each time.
#pragma once

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

// Which steps there are: (time, batch) of bool.
inline Value steps_of(Op& op, const Value& batch_sizes) {
  Value widest = op.Gather(batch_sizes, op.constant(0));
  return op.arange(widest) < op.unsqueeze(batch_sizes, {1});
}

inline Value lengths_of(Op& op, const Value& there) {
  return op.ReduceSum(op.cast(there, DType::i64), op.ints({0}), {attr::keepdims(0)});
}

// (time, batch) coordinates of the steps, in the order in which they are packed.
inline Value coordinates_of(Op& op, const Value& there) { return op.permute(op.NonZero(there), {1, 0}); }

inline Value swap_batch_and_time(Op& op, const Value& x) { return op.transpose(x, 0, 1); }

// (time, batch, …) -> (step, …)
inline Value packed(Op& op, const Value& x, const Value& there) {
  return op.GatherND(x, coordinates_of(op, there));
}

// (step, …) -> (time, batch, …), the filler where there is no step.
inline Value unpacked(Op& op, const Value& data, const Value& there, const Value& filler) {
  Values size = {op.shape_of(there)};
  for (const Value& rest : op.dims(data, 1, data.rank())) size.push_back(rest);
  return op.ScatterND(op.Expand(filler, op.shape(size)), coordinates_of(op, there), data);
}

}  // namespace onnxport::aten
