// Attention in one operator, which older opsets take apart (plugins/opset/23).
#include "axes.hpp"
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

struct Heads {
  Value query, key, value;
};

// Each head of keys and values repeated, so that there are as many as of queries (torch's order: head by head).
Value repeat_heads(Op& op, const Value& x, const Value& query) {
  const int64_t head = x.rank() - 3;
  Value groups = op.dim(query, head) / op.dim(x, head);
  std::vector<int64_t> one(static_cast<size_t>(x.rank() + 1), 1);
  Value wide = op.Expand(
      op.unsqueeze(x, {head + 1}),
      op.shape({op.ints(std::vector<int64_t>(static_cast<size_t>(head + 1), 1)), groups, op.ints({1, 1})}));
  Values size = op.dims(x, 0, head);
  size.push_back(op.dim(query, head));
  size.push_back(op.dim(x, -2));
  size.push_back(op.dim(x, -1));
  return op.reshape(wide, size);
}

Heads heads(Op& op) {
  Heads h{op["query"], op["key"], op["value"]};
  if (op.boolean("enable_gqa", false)) {
    h.key = repeat_heads(op, h.key, h.query);
    h.value = repeat_heads(op, h.value, h.query);
  }
  return h;
}

// The mask, if any, with at least two axes. Runtimes refuse one that is broadcast along queries or keys.
Value mask_of(Op& op, const Heads& h) {
  Value mask = op["attn_mask"];
  if (!mask) return mask;
  if (mask.dtype() != DType::boolean) mask = op.cast_like(mask, h.query);
  while (mask.rank() < 2) mask = op.unsqueeze(mask, {0});
  const auto broadcast = [&](int64_t axis, const Value& of) {
    return mask.static_dim(axis) == 1 && of.static_dim(-2) != 1;
  };
  if (!broadcast(-2, h.query) && !broadcast(-1, h.key)) return mask;
  return op.Expand(mask, op.shape({op.dim(h.query, -2), op.dim(h.key, -2)}));
}

// ONNX's operator takes (batch, head, position, feature): the axes that are missing are put in front.
Value attend(Op& op, const Heads& h, const Value& mask) {
  std::vector<int64_t> missing = all_axes(4 - h.query.rank());
  if (h.query.rank() == 3) missing = {1};  // (batch, position, feature)
  attributes_of::Attention attrs;
  if (op.boolean("is_causal", false)) attrs.add(attr::is_causal(1));
  if (op.has("scale")) attrs.add(attr::scale(op.real("scale")));
  Value aligned = mask && mask.rank() == 3 && h.query.rank() == 3 ? op.unsqueeze(mask, {1}) : mask;
  Value out = op.Attention(op.unsqueeze(h.query, missing), op.unsqueeze(h.key, missing),
                           op.unsqueeze(h.value, missing), aligned, {}, {}, attrs);
  return op.squeeze(out, missing);
}

// Whether all axes but the last two are known to be those of `model`.
bool same_batch(Op& op, const Value& x, const Value& model) {
  if (x.rank() != model.rank()) return false;
  for (int64_t axis = 0; axis < x.rank() - 2; ++axis) {
    if (!op.same_dim(x, axis, model, axis)) return false;
  }
  return true;
}

// What the axes before the last two broadcast to.
Value batch_shape(Op& op, const Values& operands) {
  Value common = op.constant(1, DType::boolean);
  for (const Value& x : operands) {
    common = op.Expand(common, op.shape(op.dims(x, 0, x.rank() - 2)));
  }
  return op.shape_of(common);
}

// Tensors of more than four axes, or of several ranks: one batch axis, one head.
Value attend_batches(Op& op, const Heads& h, const Value& mask) {
  Values operands = {h.query, h.key, h.value};
  if (mask && mask.rank() > 2) operands.push_back(mask);
  const bool same = std::all_of(operands.begin(), operands.end(),
                                [&](const Value& x) { return same_batch(op, x, h.query); });
  const Value batch = same ? op.shape(op.dims(h.query, 0, h.query.rank() - 2)) : batch_shape(op, operands);
  for (Value& x : operands) {
    Value wide = same ? x : op.Expand(x, op.shape({batch, op.ints({1, 1})}));
    x = op.reshape(wide, {op.constant(-1), op.constant(1), op.dim(x, -2), op.dim(x, -1)});
  }
  Value out = attend(op, {operands[0], operands[1], operands[2]}, operands.size() > 3 ? operands[3] : mask);
  return op.reshape(out, {batch, op.dim(h.query, -2), op.dim(h.value, -1)});
}

// aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None,
//     float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor
Value scaled_dot_product_attention(Op& op) {
  op.require(!op.training() || op.real("dropout_p") == 0, "attention with dropout, in training mode");
  const Heads h = heads(op);
  const Value mask = mask_of(op, h);
  const bool fits = h.query.rank() <= 4 && h.key.rank() == h.query.rank() && h.value.rank() == h.query.rank();
  return fits ? attend(op, h, mask) : attend_batches(op, h, mask);
}

// aten::_scaled_dot_product_flash_attention_for_cpu(Tensor query, Tensor key, Tensor value, float dropout_p=0.,
//     bool is_causal=False, *, Tensor? attn_mask=None, float? scale=None) -> (Tensor output, Tensor logsumexp)
Values attention_kernel(Op& op) {
  for (size_t i = 1; i < op.output_count(); ++i) {
    op.require(!op.is_used(i), "only the first result of the attention kernels can be exported");
  }
  Values results(op.output_count());
  results[0] = scaled_dot_product_attention(op);
  return results;
}

}  // namespace

Mappings attention() {
  return {
      {"aten::scaled_dot_product_attention", scaled_dot_product_attention},
      {"aten::_scaled_dot_product_flash_attention_for_cpu", attention_kernel},
      {"aten::_scaled_dot_product_flash_attention", attention_kernel},
      {"aten::_scaled_dot_product_attention_math", attention_kernel},
  };
}

}  // namespace onnxport::aten
