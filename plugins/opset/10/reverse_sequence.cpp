#include "rules.h"
#include "shared.h"

using namespace onnxport;

// ReverseSequence is new in 10: of each sequence, the first so many steps are gathered from the last of them on. The input is
// of any rank from 2 on, time and batch its first two axes.
Value reverse_sequence_to_9(Node& node) {
  const Value x = node.input(0);
  const int64_t batch_axis = node.normalized(node.integer("batch_axis", 1), x.rank());
  const int64_t time_axis = node.normalized(node.integer("time_axis", 0), x.rank());
  const Value batch = node.dim(x, batch_axis), time = node.dim(x, time_axis);

  const Value step = node.arange(time);                                            // (time)
  const Value length = node.unsqueeze(node.cast(node.input(1), DType::i64), {1});  // (batch, 1)
  const Value source = node.where(node.less(step, length), length - 1 - step, step);
  const Value row = node.unsqueeze(node.arange(batch), {1}) * time + source;  // (batch, time)

  std::vector<int64_t> order = {batch_axis, time_axis}, back(static_cast<size_t>(x.rank()));
  for (int64_t a = 2; a < x.rank(); ++a) order.push_back(a);
  for (size_t i = 0; i < order.size(); ++i) back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  const Value by_batch = node.permute(x, order);
  Values rest = {node.constant(-1)};
  for (int64_t a = 2; a < x.rank(); ++a) rest.push_back(node.dim(x, a));
  return node.permute(node.Gather(node.reshape(by_batch, rest), row), back);
}
