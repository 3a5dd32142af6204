// Attention in one operator.
#include "common.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

struct Heads {
  Value query, key, value;
};

// Each head of keys and values repeated, so that there are as many as of queries (torch's order: head by
// head).
Value repeated_heads(Op& op, const Value& x, const Value& query) {
  const int64_t head = x.rank() - 3;
  Value groups = op.dim(query, head) / op.dim(x, head);
  std::vector<int64_t> one(static_cast<size_t>(x.rank() + 1), 1);
  Value wide = op.Expand(
      op.unsqueeze(x, {head + 1}),
      op.shape({op.ints(std::vector<int64_t>(static_cast<size_t>(head + 1), 1)), groups, op.ints({1, 1})}));
  Values size = dims(op, x, 0, head);
  size.push_back(op.dim(query, head));
  size.push_back(op.dim(x, -2));
  size.push_back(op.dim(x, -1));
  return op.reshape(wide, size);
}

Heads heads(Op& op) {
  Heads h{op["query"], op["key"], op["value"]};
  if (op.boolean("enable_gqa", false)) {
    h.key = repeated_heads(op, h.key, h.query);
    h.value = repeated_heads(op, h.value, h.query);
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
Value fused(Op& op, const Heads& h, const Value& mask) {
  std::vector<int64_t> missing = all_axes(4 - h.query.rank());
  if (h.query.rank() == 3) missing = {1};  // (batch, position, feature)
  Attrs attrs;
  if (op.boolean("is_causal", false)) attrs.push_back({"is_causal", 1});
  if (op.has("scale")) attrs.push_back({"scale", op.real("scale")});
  Value aligned = mask && mask.rank() == 3 && h.query.rank() == 3 ? op.unsqueeze(mask, {1}) : mask;
  Value out = op.node(
      "Attention",
      {op.unsqueeze(h.query, missing), op.unsqueeze(h.key, missing), op.unsqueeze(h.value, missing), aligned},
      attrs);
  return op.squeeze(out, missing);
}

// For tensors of more than four axes.
Value spelled_out(Op& op, const Heads& h, Value mask) {
  Value scale = op.has("scale") ? op.as("scale", h.query.dtype())
                                : op.Reciprocal(op.Sqrt(op.cast_like(op.dim(h.query, -1), h.query)));
  std::vector<int64_t> order = all_axes(h.key.rank());
  std::swap(order[order.size() - 2], order[order.size() - 1]);
  Value scores = op.MatMul(h.query * scale, op.transpose(h.key, order));
  if (op.boolean("is_causal", false)) {
    Value ones = op.full(op.shape({op.dim(h.query, -2), op.dim(h.key, -2)}), 1, DType::i64);
    mask = op.cast(op.Trilu(ones, {}, {{"upper", 0}}), DType::boolean);
  }
  if (mask && mask.dtype() == DType::boolean) {
    scores = op.Where(mask, scores, op.like(scores, -infinity));
  } else if (mask) {
    scores = scores + mask;
  }
  return op.MatMul(op.Softmax(scores, {{"axis", -1}}), h.value);
}

// aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None,
//                                    float dropout_p=0.0, bool is_causal=False, *, float? scale=None,
//                                    bool enable_gqa=False) -> Tensor
Value scaled_dot_product_attention(Op& op) {
  op.require(!op.training() || op.real("dropout_p") == 0, "attention with dropout, in training mode");
  const Heads h = heads(op);
  const Value mask = mask_of(op, h);
  const bool fits = h.query.rank() <= 4 && h.key.rank() == h.query.rank() && h.value.rank() == h.query.rank();
  return fits ? fused(op, h, mask) : spelled_out(op, h, mask);
}

// aten::_scaled_dot_product_flash_attention_for_cpu(Tensor query, Tensor key, Tensor value, float
// dropout_p=0.,
//     bool is_causal=False, *, Tensor? attn_mask=None, float? scale=None) -> (Tensor output, Tensor
//     logsumexp)
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
