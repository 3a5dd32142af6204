// Recurrent layers: ONNX's LSTM, GRU and RNN, one node per layer, and single steps of them.
#include "families.hpp"
#include "packed.hpp"

namespace onnxport::aten {
namespace {

// What the three kinds differ in: the ONNX operator and the order in which it wants torch's gates.
struct Kind {
  std::string onnx_op;
  std::vector<int64_t> gates;
  std::string activation;
  bool has_cell = false;
};

const Kind lstm_kind{"LSTM", {0, 3, 1, 2}, "", true};  // torch: input, forget, cell, output
const Kind gru_kind{"GRU", {1, 0, 2}, "", false};      // torch: reset, update, new
const Kind tanh_kind{"RNN", {0}, "Tanh", false};
const Kind relu_kind{"RNN", {0}, "Relu", false};

struct Layers {
  Value hidden, cell;  // initial states: layers * directions, batch, features
  Value lengths;       // of the sequences, where they are not all as long as the input
  Values params;
  bool biases = false, batch_first = false;
  int64_t count = 1, directions = 1, size = 0;
};

Value in_gate_order(Op& op, const Value& x, const Kind& kind, int64_t size) {
  if (kind.gates.size() == 1) return x;
  Values gates;
  for (int64_t gate : kind.gates) gates.push_back(op.slice(x, 0, gate * size, (gate + 1) * size));
  return op.Concat(gates, {attr::axis(0)});
}

// One parameter of a layer for all its directions, `which` of: input weight, hidden weight, the two biases.
Value stacked(Op& op, const Layers& l, const Kind& kind, int64_t layer, int64_t which) {
  const int64_t each = l.biases ? 4 : 2;
  Values parts;
  for (int64_t direction = 0; direction < l.directions; ++direction) {
    const Value& x = l.params.at(static_cast<size_t>((layer * l.directions + direction) * each + which));
    parts.push_back(op.unsqueeze(in_gate_order(op, x, kind, l.size), {0}));
  }
  return parts.size() == 1 ? parts[0] : op.Concat(parts, {attr::axis(0)});
}

Value of_layer(Op& op, const Value& state, const Layers& l, int64_t layer) {
  return l.count == 1 ? state : op.slice(state, 0, layer * l.directions, (layer + 1) * l.directions);
}

// One layer over x (time, batch, feature): the output (time, direction, batch, feature) and the final states.
Values layer_results(Op& op, const Kind& kind, const Layers& l, const Value& x, int64_t layer) {
  Value bias;
  if (l.biases) {
    bias = op.Concat({stacked(op, l, kind, layer, 2), stacked(op, l, kind, layer, 3)}, {attr::axis(1)});
  }
  Values inputs = {x,         stacked(op, l, kind, layer, 0),  stacked(op, l, kind, layer, 1), bias,
                   l.lengths, of_layer(op, l.hidden, l, layer)};
  Attrs attrs = {attr::hidden_size(l.size)};
  if (l.directions == 2) attrs.push_back(attr::direction("bidirectional"));
  if (kind.has_cell) inputs.push_back(of_layer(op, l.cell, l, layer));
  if (kind.onnx_op == "GRU") attrs.push_back(attr::linear_before_reset(1));
  if (!kind.activation.empty()) {
    attrs.push_back(
        attr::activations(std::vector<std::string>(static_cast<size_t>(l.directions), kind.activation)));
  }
  return op.node(kind.onnx_op, inputs, attrs, kind.has_cell ? 3 : 2);
}

// (time, direction, batch, feature) as (time, batch, features of all directions), or batch before time.
Value output_of(Op& op, const Value& y, int64_t directions, bool batch_first) {
  if (directions == 1) {
    Value out = op.squeeze(y, {1});
    return batch_first ? op.permute(out, {1, 0, 2}) : out;
  }
  return op.reshape(
      op.permute(y, batch_first ? std::vector<int64_t>{2, 0, 1, 3} : std::vector<int64_t>{0, 2, 1, 3}),
      {0, 0, -1});
}

Values recurrent(Op& op, const Kind& kind, Layers l) {
  Value x = op["input"], there;
  if (op.has("data")) {
    there = steps_of(op, op["batch_sizes"]);
    x = unpacked(op, op["data"], there, op.like(op["data"], 0));
    l.lengths = op.cast(lengths_of(op, there), DType::i32);
  }
  const bool unbatched = x.rank() == 2;
  op.require(!op.training() || !op.boolean("train") || op.real("dropout") == 0,
             "a recurrent layer that drops out");
  l.params = op.values("params");
  l.biases = op.boolean("has_biases");
  l.batch_first = op.boolean("batch_first", false) && !unbatched;
  l.count = op.integer("num_layers");
  l.directions = op.boolean("bidirectional") ? 2 : 1;
  const size_t expected = static_cast<size_t>(l.count * l.directions * (l.biases ? 4 : 2));
  op.require(l.params.size() == expected, "a recurrent layer with projections");
  l.size = op.static_size(l.params.at(1), 1);
  if (unbatched) {
    x = op.unsqueeze(x, {1});
    if (l.hidden.rank() == 2) l.hidden = op.unsqueeze(l.hidden, {1});
    if (l.cell && l.cell.rank() == 2) l.cell = op.unsqueeze(l.cell, {1});
  }
  if (l.batch_first) x = op.permute(x, {1, 0, 2});
  std::vector<Values> states(kind.has_cell ? 2 : 1);
  for (int64_t layer = 0; layer < l.count; ++layer) {
    const Values y = layer_results(op, kind, l, x, layer);
    x = output_of(op, y[0], l.directions, l.batch_first && layer + 1 == l.count);
    for (size_t i = 0; i < states.size(); ++i) states[i].push_back(y[i + 1]);
  }
  Values results = {x};
  for (const Values& state : states) {
    results.push_back(state.size() == 1 ? state[0] : op.Concat(state, {attr::axis(0)}));
  }
  if (there) results[0] = packed(op, results[0], there);
  if (unbatched) {
    for (Value& r : results) r = op.squeeze(r, {1});
  }
  return results;
}

// aten::lstm.input(Tensor input, Tensor[] hx, Tensor[] params, bool has_biases, int num_layers, float dropout,
//     bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor, Tensor)
// aten::lstm.data(Tensor data, Tensor batch_sizes, Tensor[] hx, Tensor[] params, …) -> (Tensor, Tensor, Tensor)
Values lstm(Op& op) {
  Layers l;
  const Values hx = op.values("hx");
  l.hidden = hx.at(0);
  l.cell = hx.at(1);
  return recurrent(op, lstm_kind, l);
}

Values without_cell(Op& op, const Kind& kind) {
  Layers l;
  l.hidden = op["hx"];
  return recurrent(op, kind, l);
}

// aten::gru.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train,
//     bool bidirectional, bool batch_first) -> (Tensor, Tensor)
Values gru(Op& op) { return without_cell(op, gru_kind); }

// aten::rnn_tanh.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout,
//     bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)
Values rnn_tanh(Op& op) { return without_cell(op, tanh_kind); }

// aten::rnn_relu.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout,
//     bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)
Values rnn_relu(Op& op) { return without_cell(op, relu_kind); }

// aten::_pack_padded_sequence(Tensor input, Tensor lengths, bool batch_first) -> (Tensor, Tensor)
Values pack_padded_sequence(Op& op) {
  Value x = op["input"], lengths = op.as("lengths", DType::i64);
  if (op.boolean("batch_first")) x = swap_batch_and_time(op, x);
  Value there = op.unsqueeze(op.arange(op.dim(x, 0)), {1}) < lengths;
  Value sizes = op.ReduceSum(op.cast(there, DType::i64), op.ints({1}), {attr::keepdims(0)});
  Value longest = op.Gather(lengths, op.constant(0));  // they come sorted
  return {packed(op, x, there), op.slice(sizes, 0, op.constant(0), longest)};
}

// aten::_pad_packed_sequence(Tensor data, Tensor batch_sizes, bool batch_first, Scalar padding_value,
//     int total_length) -> (Tensor, Tensor)
Values pad_packed_sequence(Op& op) {
  Value data = op["data"], there = steps_of(op, op["batch_sizes"]);
  Value filler = op.as("padding_value", data.dtype());
  Value x = unpacked(op, data, there, filler);
  if (!op.is_known("total_length") || op.integer("total_length") > 0) {
    Value missing = op["total_length"] - op.dim(x, 0);
    x = op.Pad(x, op.shape({op.constant(0), missing}), filler, op.ints({0}));
  }
  if (op.boolean("batch_first")) x = swap_batch_and_time(op, x);
  return {x, lengths_of(op, there)};
}

// input * w_ih^T + b_ih and hidden * w_hh^T + b_hh, of one step.
std::pair<Value, Value> step_inputs(Op& op, const Value& hidden) {
  const auto product = [&](const Value& x, std::string_view weight, std::string_view bias) {
    if (x.rank() == 2) return op.Gemm(x, op[weight], op[bias], {attr::transB(1)});
    Value out = op.MatMul(x, op.permute(op[weight], {1, 0}));
    return op.has(bias) ? out + op[bias] : out;
  };
  return {product(op["input"], "w_ih", "b_ih"), product(hidden, "w_hh", "b_hh")};
}

// aten::lstm_cell(Tensor input, Tensor[] hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None,
//     Tensor? b_hh=None) -> (Tensor, Tensor)
Values lstm_cell(Op& op) {
  const Values hx = op.values("hx");
  auto [from_input, from_hidden] = step_inputs(op, hx.at(0));
  const Values gate = op.chunk(from_input + from_hidden, 4, -1);
  Value cell = op.Sigmoid(gate[1]) * hx.at(1) + op.Sigmoid(gate[0]) * op.Tanh(gate[2]);
  return {op.Sigmoid(gate[3]) * op.Tanh(cell), cell};
}

// aten::gru_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor
Value gru_cell(Op& op) {
  Value hx = op["hx"];
  auto [from_input, from_hidden] = step_inputs(op, hx);
  const Values i = op.chunk(from_input, 3, -1), h = op.chunk(from_hidden, 3, -1);
  Value reset = op.Sigmoid(i[0] + h[0]), update = op.Sigmoid(i[1] + h[1]);
  Value fresh = op.Tanh(i[2] + reset * h[2]);
  return fresh + update * (hx - fresh);
}

// aten::rnn_tanh_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None,
//     Tensor? b_hh=None) -> Tensor
Value rnn_tanh_cell(Op& op) {
  auto [from_input, from_hidden] = step_inputs(op, op["hx"]);
  return op.Tanh(from_input + from_hidden);
}

// aten::rnn_relu_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None,
//     Tensor? b_hh=None) -> Tensor
Value rnn_relu_cell(Op& op) {
  auto [from_input, from_hidden] = step_inputs(op, op["hx"]);
  return op.Relu(from_input + from_hidden);
}

}  // namespace

Mappings rnn() {
  return {
      {"aten::lstm", lstm},
      {"aten::gru", gru},
      {"aten::rnn_tanh", rnn_tanh},
      {"aten::rnn_relu", rnn_relu},
      {"aten::_pack_padded_sequence", pack_padded_sequence},
      {"aten::_pad_packed_sequence", pad_packed_sequence},
      {"aten::lstm_cell", lstm_cell},
      {"aten::gru_cell", gru_cell},
      {"aten::rnn_tanh_cell", rnn_tanh_cell},
      {"aten::rnn_relu_cell", rnn_relu_cell},
  };
}

}  // namespace onnxport::aten
