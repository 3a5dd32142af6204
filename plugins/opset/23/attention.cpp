#include <cmath>
#include <limits>

#include "rules.h"

using namespace onnxport;

namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

// (batch, sequence, heads * size) -> (batch, heads, sequence, size).
Value split_heads(Node& node, const Value& x, const char* heads) {
  if (x.rank() == 4) return x;
  const int64_t count = node.integer(heads, 0);
  node.require(count > 0, std::string("a 3-d input needs the attribute ") + heads);
  return node.permute(node.Reshape(x, node.ints({0, 0, count, -1})), {0, 2, 1, 3});
}

// Each key / value head serves as many query heads in a row as there are of them for each.
Value repeat_heads(Node& node, const Value& x, const Value& q) {
  const auto q_heads = q.static_dim(1), own = x.static_dim(1);
  if (node.same_dim(q, 1, x, 1) || (q_heads && own && *q_heads == *own)) return x;
  node.require(!q_heads || !own || (*own > 0 && *q_heads % *own == 0), "the numbers of heads must divide");
  const Value group = q_heads && own ? node.constant(*q_heads / *own) : node.dim(q, 1) / node.dim(x, 1);
  const Value one = node.constant(1);
  const Value expanded = node.Expand(node.unsqueeze(x, {2}), node.shape({one, one, group, one, one}));
  return node.reshape(expanded, {node.dim(x, 0), node.dim(q, 1), node.dim(x, 2), node.dim(x, 3)});
}

Value scaled(Node& node, const Value& q) {
  const auto size = q.static_dim(3);
  if (node.has_attr("scale") || size) {
    const double factor = node.real("scale", size ? 1.0 / std::sqrt(static_cast<double>(*size)) : 1.0);
    return factor == 1.0 ? q : q * factor;
  }
  return q / node.Sqrt(node.cast(node.dim(q, 3), q.dtype()));
}

// What may be attended to, in the form in which it is applied to the scores.
struct Mask {
  Value allowed;  // bool: false is -inf
  Value bias;     // added
  Value never;    // bool, true for rows of which nothing may be attended to; absent: there are none
  bool some_in_each_row = false;  // of `allowed`
};

constexpr int kFirstWithTrilu = 14;

// Query i sees key j <= i + past, by their positions.
Value up_to_its_own(Node& node, const Value& scores, const Value& past) {
  Value queries = node.unsqueeze(node.arange(node.dim(scores, 2)), {1});
  if (past) queries = queries + past;
  return node.arange(node.dim(scores, 3)) <= queries;
}

// A row of the bias that is -inf throughout gives zeros, not NaN; a constant that has no -inf needs no such care.
Value rows_without_any(Node& node, const Value& bias) {
  if (const auto numbers = bias.constant_reals()) {
    if (std::find(numbers->begin(), numbers->end(), kMinusInfinity) == numbers->end()) return {};
  }
  return node.reduce_max(bias, {-1}, true) == kMinusInfinity;
}

Mask mask_of(Node& node, const Value& scores) {
  Mask mask;
  const Value given = node.input(3);
  if (given && given.dtype() == DType::boolean) mask.allowed = given;
  if (given && given.dtype() != DType::boolean) mask.bias = node.cast(given, scores.dtype());
  if (node.integer("is_causal", 0) == 0) {
    if (mask.bias) mask.never = rows_without_any(node, mask.bias);
    return mask;
  }

  if (!given && node.target_opset() < kFirstWithTrilu) {
    mask.allowed = up_to_its_own(node, scores, node.input(4) ? node.dim(node.input(4), 2) : Value());
    mask.some_in_each_row = true;
    return mask;
  }
  // Query i sees key j <= i + past.
  const Value shape = node.Shape(scores, {attr::start(-2)});
  const Value past = node.input(4) ? node.dim(node.input(4), 2) : node.constant(0);
  if (mask.allowed) {
    const Value lower = node.Trilu(node.full(shape, 1, DType::boolean), past, {attr::upper(0)});
    mask.allowed = mask.allowed & lower;
    return mask;
  }
  const Value upper =
      node.Trilu(node.full(shape, kMinusInfinity, scores.dtype()), past + 1, {attr::upper(1)});
  mask.bias = mask.bias ? mask.bias + upper : upper;
  if (given) mask.never = rows_without_any(node, mask.bias);
  return mask;
}

Value softcapped(Node& node, const Value& scores) {
  const double cap = node.real("softcap", 0);
  return cap == 0 ? scores : node.Tanh(scores / cap) * cap;
}

Value probabilities(Node& node, const Value& scores, const Mask& mask) {
  const auto precision =
      static_cast<DType>(node.integer("softmax_precision", static_cast<int64_t>(scores.dtype())));
  const Value p = node.cast(node.Softmax(node.cast(scores, precision), {attr::axis(-1)}), scores.dtype());
  const Value zero = node.like(p, 0);
  if (mask.allowed && !mask.some_in_each_row) return node.Where(mask.allowed, p, zero);
  return mask.never ? node.Where(mask.never, zero, p) : p;
}

}  // namespace

// softmax(scale * Q K^T, capped, masked) V.
Values attention_to_22(Node& node) {
  const Value q = split_heads(node, node.input(0), "q_num_heads");
  Value k = split_heads(node, node.input(1), "kv_num_heads");
  Value v = split_heads(node, node.input(2), "kv_num_heads");
  if (node.input(4)) k = node.Concat({node.input(4), k}, {attr::axis(2)});
  if (node.input(5)) v = node.Concat({node.input(5), v}, {attr::axis(2)});

  const Value keys = node.permute(repeat_heads(node, k, q), {0, 1, 3, 2});
  const Value raw = node.MatMul(scaled(node, q), keys);
  const Value capped = softcapped(node, raw);
  const Mask mask = mask_of(node, raw);
  Value masked = capped;
  if (mask.allowed) masked = node.Where(mask.allowed, masked, node.like(masked, kMinusInfinity));
  if (mask.bias) masked = masked + mask.bias;
  const Value p = probabilities(node, masked, mask);
  Value y = node.MatMul(p, repeat_heads(node, v, q));
  if (node.input(0).rank() == 3) y = node.Reshape(node.permute(y, {0, 2, 1, 3}), node.ints({0, 0, -1}));

  const Values steps = {raw, capped, masked, p};
  Values outputs = {y, k, v,
                    steps[static_cast<size_t>(node.integer("qk_matmul_output_mode", 0)) % steps.size()]};
  outputs.resize(node.output_count());
  return outputs;
}
