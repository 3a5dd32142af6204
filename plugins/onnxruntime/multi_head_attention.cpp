// Attention between the Reshapes and Transposes that bring heads to the front and back: com.microsoft.MultiHeadAttention.
#include <array>
#include <cmath>

#include "fusions.h"

namespace ort {
namespace {

using namespace onnxport;

struct Operands {
  std::array<Value, 3>
      flat;  // query, key, value: (batch, position, head * feature); absent when they are not that
};

// Query, key and value by three indices into (3, batch, head, position, feature), which a Reshape and a Transpose made of
// (batch, position, 3 * head * feature): its three parts.
bool packed(Node& node, const NodeRef& attention, Operands& out) {
  NodeRef transpose;
  for (size_t i = 0; i < 3; ++i) {
    const NodeRef gather = node.producer(attention.input(i));
    const auto index = gather.is("Gather") ? gather.input(1).constant_ints() : std::nullopt;
    if (!index || index->size() != 1 || gather.integer("axis", 0) != 0 ||
        index->front() != static_cast<int64_t>(i))
      return false;
    if (i == 0) transpose = node.producer(gather.input(0));
    if (!(node.producer(gather.input(0)) == transpose)) return false;
  }
  if (!transpose.is("Transpose") || transpose.integers("perm") != std::vector<int64_t>{2, 0, 3, 1, 4})
    return false;
  const NodeRef reshape = node.producer(transpose.input(0));
  if (!reshape.is("Reshape")) return false;
  const Value joined = reshape.input(0), apart = reshape.output(0);
  if (!joined.has_rank() || joined.rank() != 3 || !apart.has_rank() || apart.rank() != 5) return false;
  const auto heads = apart.static_dim(3), features = apart.static_dim(4), width = joined.static_dim(2);
  if (apart.static_dim(2) != 3 || !heads || !features || !width || *width != 3 * *heads * *features ||
      !node.same_dim(joined, 0, apart, 0) || !node.same_dim(joined, 1, apart, 1))
    return false;
  const int64_t part = *heads * *features;
  const Values parts = node.split(joined, {part, part, part}, 2);
  std::copy(parts.begin(), parts.end(), out.flat.begin());
  return true;
}

// What is computed alike, and faster: with a mask, also that of causal attention, the kernel gains nothing (docs/passes.md).
bool is_plain(const NodeRef& attention) {
  for (size_t i = 3; i < attention.input_count(); ++i) {
    if (attention.input(i)) return false;  // a mask, and what was computed before
  }
  return attention.real("softcap", 0) == 0 && attention.integer("is_causal", 0) == 0 &&
         attention.output_count() == 1;
}

Value attend(Node& reshape) {
  const NodeRef transpose = reshape.sole_producer(0, "Transpose");
  reshape.require(transpose.integers("perm") == std::vector<int64_t>{0, 2, 1, 3}, "no heads that go back");
  const Value attended = transpose.input(0);
  const NodeRef attention = reshape.producer(attended);
  reshape.require(attention.is("Attention") && reshape.use_count(attended) == 1 && is_plain(attention),
                  "no attention");
  const Value query = attention.input(0), key = attention.input(1), value = attention.input(2);
  const Value result = reshape.output();
  reshape.require(query.dtype() == DType::f32 && query.has_rank() && query.rank() == 4 && result.has_rank() &&
                      result.rank() == 3,
                  "other ranks");
  const auto heads = query.static_dim(1), width = query.static_dim(3), of_value = value.static_dim(3);
  reshape.require(heads && width && of_value && key.static_dim(1) == heads && value.static_dim(1) == heads &&
                      result.static_dim(2) == *heads * *of_value && reshape.same_dim(result, 0, query, 0) &&
                      reshape.same_dim(result, 1, query, 2),
                  "heads of another number");
  Operands operands;
  if (!packed(reshape, attention, operands)) {
    for (size_t i = 0; i < 3; ++i) operands.flat[i] = flat_heads(reshape, attention.input(i));
  }
  for (const Value& flat : operands.flat) reshape.require(bool(flat), "operands that are laid out otherwise");
  const Attrs attrs = {{"num_heads", *heads},
                       {"scale", attention.real("scale", 1 / std::sqrt(static_cast<double>(*width)))}};
  return reshape.node("MultiHeadAttention", {operands.flat[0], operands.flat[1], operands.flat[2]}, attrs,
                      "com.microsoft");
}

}  // namespace

Rules multi_head_attention_rules() { return {{"Reshape", attend}}; }

}  // namespace ort
