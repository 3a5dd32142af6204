#include "rules.h"

using namespace onnxport;

namespace {

int64_t listed(Node& node, const char* name, size_t i) {
  const std::vector<int64_t> all = node.integers(name);
  return i < all.size() ? all[i] : 0;
}

// Axis `from` in place of `to`, the others in order.
std::vector<int64_t> moved(int64_t rank, int64_t from, int64_t to) {
  std::vector<int64_t> order;
  for (int64_t a = 0; a < rank; ++a) {
    if (a != from) order.push_back(a);
  }
  order.insert(order.begin() + to, from);
  return order;
}

}  // namespace

// Scan went over the second axis of everything, the first being a batch: here of one.
Values scan_to_8(Node& node) {
  const int64_t scanned = node.integer("num_scan_inputs", 0);
  const size_t states = node.input_count() - static_cast<size_t>(scanned);
  for (const char* name : {"scan_output_directions"}) {
    for (const int64_t direction : node.integers(name)) {
      if (direction != 0) node.fail("Scan that writes from the end cannot be written below opset 9");
    }
  }
  Values inputs = {{}};
  for (size_t i = 0; i < node.input_count(); ++i) {
    Value x = node.input(i);
    if (i >= states) {
      const int64_t axis = node.normalized(listed(node, "scan_input_axes", i - states), x.rank());
      x = node.permute(x, moved(x.rank(), axis, 0));
    }
    inputs.push_back(node.unsqueeze(x, {0}));
  }
  Attrs attrs = node.attrs_except(
      {"scan_input_axes", "scan_output_axes", "scan_input_directions", "scan_output_directions"});
  if (node.has_attr("scan_input_directions"))
    attrs.emplace_back("directions", node.integers("scan_input_directions"));
  Values outputs = node.node("Scan", inputs, attrs, node.output_count());
  for (size_t i = 0; i < outputs.size(); ++i) {
    Dims dims = {Dim(1)};
    const Value before = node.output(i);
    const int64_t rank = before.rank();
    const bool is_state = i < states;
    const int64_t axis = is_state ? 0 : node.normalized(listed(node, "scan_output_axes", i - states), rank);
    const std::vector<int64_t> order = rank == 0 ? std::vector<int64_t>{} : moved(rank, axis, 0);
    for (const int64_t a : order) dims.push_back(before.size(a));
    outputs[i] = node.squeeze(node.typed(outputs[i], before.dtype(), dims), {0});
    if (!is_state) outputs[i] = node.permute(outputs[i], moved(rank, 0, axis));
  }
  return outputs;
}
