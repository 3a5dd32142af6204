// The fast paths that torch.nn.MultiheadAttention and TransformerEncoderLayer take in eval mode.
#include "families.hpp"
#include "numerics.hpp"

namespace onnxport::aten {
namespace {

// x W' + b
Value linear(Op& op, const Value& x, const Value& weight, const Value& bias) {
  return op.MatMul(x, op.permute(weight, {1, 0})) + bias;
}

// (batch, position, feature) as (batch, head, position, feature of the head).
Value by_head(Op& op, const Value& x, int64_t heads, int64_t width) {
  return op.permute(op.reshape(x, {0, 0, heads, width / heads}), {0, 2, 1, 3});
}

// Which keys each query may look at, as (batch, head, query, key) or something that broadcasts to it; absent
// when all. In torch's mask, something that is not zero hides a key; mask_type 0 is (query, key), 1 (batch,
// key), 2 all four.
Value visible(Op& op) {
  Value mask = op["mask"];
  if (!mask) return mask;
  Value shown = ~op.cast(mask, DType::boolean);
  const int64_t type = op.integer("mask_type", 2);
  op.require(type >= 0 && type <= 2, "a mask of type 0, 1 or 2");
  return type == 1 ? op.unsqueeze(shown, {1, 2}) : shown;
}

struct Attended {
  Value result, weights;  // (batch, query, feature); (batch, head, query, key), when they were asked for
};

Attended attend(Op& op, const Value& query, const Value& key, const Value& value, int64_t heads,
                bool with_weights) {
  const int64_t width = op.integer("embed_dim");
  op.require(query.rank() == 3 && heads > 0 && width % heads == 0, "three axes, and heads of one width");
  const Value weight = op["qkv_weight"], bias = op["qkv_bias"];
  const auto projected = [&](const Value& x, int64_t part) {
    const int64_t from = part * width;
    return by_head(
        op, linear(op, x, op.slice(weight, 0, from, from + width), op.slice(bias, 0, from, from + width)),
        heads, width);
  };
  const Value q = projected(query, 0), k = projected(key, 1), v = projected(value, 2);
  Value shown = visible(op);
  Attended out;
  if (!with_weights) {
    // Runtimes refuse a mask that is broadcast along queries or keys.
    if (shown)
      shown = op.Expand(shown, op.shape({op.constant(1), op.constant(1), op.dim(query, 1), op.dim(key, 1)}));
    out.result = op.node("Attention", {q, k, v, shown});
  } else {
    const int64_t of_head = width / heads;
    Value scores = op.MatMul(q / std::sqrt(static_cast<double>(of_head)), op.permute(k, {0, 1, 3, 2}));
    if (shown) scores = op.Where(shown, scores, op.like(scores, -infinity));
    out.weights = op.Softmax(scores, {attr::axis(-1)});
    out.result = op.MatMul(out.weights, v);
  }
  Value joined = op.reshape(op.permute(out.result, {0, 2, 1, 3}), {0, 0, width});
  out.result = linear(op, joined, op["proj_weight"], op["proj_bias"]);
  return out;
}

// aten::_native_multi_head_attention(Tensor query, Tensor key, Tensor value, int embed_dim, int num_head,
//     Tensor qkv_weight, Tensor qkv_bias, Tensor proj_weight, Tensor proj_bias, Tensor? mask=None,
//     bool need_weights=True, bool average_attn_weights=True, int? mask_type=None) -> (Tensor, Tensor)
Values multi_head_attention(Op& op) {
  const bool with_weights = op.boolean("need_weights") && op.is_used(1);
  const Attended a = attend(op, op["query"], op["key"], op["value"], op.integer("num_head"), with_weights);
  if (!with_weights || !op.boolean("average_attn_weights")) return {a.result, a.weights};
  return {a.result, op.ReduceMean(a.weights, op.ints({1}), {attr::keepdims(0)})};
}

// aten::_transformer_encoder_layer_fwd(Tensor src, int embed_dim, int num_heads, Tensor qkv_weight, Tensor qkv_bias,
//     Tensor proj_weight, Tensor proj_bias, bool use_gelu, bool norm_first, float eps, Tensor norm_weight_1,
//     Tensor norm_bias_1, Tensor norm_weight_2, Tensor norm_bias_2, Tensor ffn_weight_1, Tensor ffn_bias_1,
//     Tensor ffn_weight_2, Tensor ffn_bias_2, Tensor? mask=None, int? mask_type=None) -> Tensor
Value encoder_layer(Op& op) {
  const bool norm_first = op.boolean("norm_first");
  const auto normalized = [&](const Value& x, std::string_view weight, std::string_view bias) {
    return op.LayerNormalization(x, op[weight], op[bias], {attr::axis(-1), attr::epsilon(op.real("eps"))});
  };
  const auto first_norm = [&](const Value& x) { return normalized(x, "norm_weight_1", "norm_bias_1"); };
  const auto second_norm = [&](const Value& x) { return normalized(x, "norm_weight_2", "norm_bias_2"); };
  const auto feed_forward = [&](const Value& x) {
    Value hidden = linear(op, x, op["ffn_weight_1"], op["ffn_bias_1"]);
    hidden = op.boolean("use_gelu") ? op.Gelu(hidden) : op.Relu(hidden);
    return linear(op, hidden, op["ffn_weight_2"], op["ffn_bias_2"]);
  };
  const auto self_attention = [&](const Value& x) {
    return attend(op, x, x, x, op.integer("num_heads"), false).result;
  };
  const Value src = op["src"];
  if (norm_first) {
    Value x = src + self_attention(first_norm(src));
    return x + feed_forward(second_norm(x));
  }
  Value x = first_norm(src + self_attention(src));
  return second_norm(x + feed_forward(x));
}

}  // namespace

Mappings transformer() {
  return {
      {"aten::_native_multi_head_attention", multi_head_attention},
      {"aten::_transformer_encoder_layer_fwd", encoder_layer},
  };
}

}  // namespace onnxport::aten
