// x * cos + rotate_half(x) * sin, where both halves of cos, and of sin, are the same: com.microsoft.RotaryEmbedding.
#include "fusions.h"

namespace ort {
namespace {

using namespace onnxport;

constexpr int kDeepest = 8;

// Whether that input of the node is the value. (A value has many handles, a node has one.)
bool reads(Node& node, const NodeRef& user, size_t input, const Value& value) {
  for (const Node::Use& use : node.uses(value)) {
    if (use.user == user && use.input == input) return true;
  }
  return false;
}

bool is_last_axis(int64_t axis, const Value& x) { return axis == -1 || axis == x.rank() - 1; }

// Whether a constant holds the same numbers in both halves of its last axis.
bool repeats(const Value& x) {
  const auto numbers = x.constant_reals();
  const auto width = x.static_dim(-1);
  if (!numbers || !width || *width % 2 != 0 || *width == 0) return false;
  const size_t half = static_cast<size_t>(*width) / 2;
  for (size_t row = 0; row < numbers->size(); row += 2 * half) {
    for (size_t i = 0; i < half; ++i) {
      if ((*numbers)[row + i] != (*numbers)[row + half + i]) return false;
    }
  }
  return true;
}

bool is_number(const Value& x) { return x.is_constant() && x.has_rank() && x.rank() == 0; }

// Whether both halves of the last axis are known to be the same: they come of one tensor that was put beside itself.
bool halves_alike(Node& node, const Value& x, int depth = 0) {
  if (depth == kDeepest || !x.has_rank() || x.rank() == 0) return false;
  if (x.is_constant()) return repeats(x);
  const NodeRef made = node.producer(x);
  if (made.is("Concat")) {
    return made.input_count() == 2 && is_last_axis(made.integer("axis", 0), x) &&
           reads(node, made, 1, made.input(0));
  }
  if (made.is("Cos") || made.is("Sin") || made.is("Cast") || made.is("Identity"))
    return halves_alike(node, made.input(0), depth + 1);
  if (made.is("Mul")) {
    for (const size_t i : {0u, 1u}) {
      if (is_number(made.input(1 - i))) return halves_alike(node, made.input(i), depth + 1);
    }
  }
  if (made.is("Unsqueeze")) {
    const auto axes = made.input(1).constant_ints();
    if (!axes) return false;
    for (const int64_t axis : *axes) {
      if (is_last_axis(axis, x)) return false;
    }
    return halves_alike(node, made.input(0), depth + 1);
  }
  return false;
}

bool holds(const Value& x, int64_t number) {
  const auto numbers = x.constant_ints();
  return numbers && numbers->size() == 1 && numbers->front() == number;
}

// Whether it is x[..., from:to] by a Slice; `to` is beyond the end when that is the end.
bool is_part(Node& node, const NodeRef& slice, const Value& x, int64_t from, int64_t to) {
  if (!slice.is("Slice") || !reads(node, slice, 0, x) || !holds(slice.input(1), from)) return false;
  const auto end = slice.input(2).constant_ints();
  const auto axes = slice.input(3).constant_ints();
  const bool until =
      end && end->size() == 1 && (end->front() == to || (to == *x.static_dim(-1) && end->front() > to));
  return until && axes && axes->size() == 1 && is_last_axis(axes->front(), x) &&
         (!slice.input(4) || holds(slice.input(4), 1));
}

// The x of (-x2, x1), where x1 and x2 are its halves; absent when the value is no such thing.
Value turned_of(Node& node, const Value& value) {
  const NodeRef joined = node.producer(value);
  if (!joined.is("Concat") || joined.input_count() != 2 || !is_last_axis(joined.integer("axis", 0), value))
    return {};
  const NodeRef negated = node.producer(joined.input(0));
  if (!negated.is("Neg")) return {};
  const NodeRef second = node.producer(negated.input(0)), first = node.producer(joined.input(1));
  const Value x = second.input(0);
  if (!x || !x.has_rank() || x.rank() != 4 || !x.static_dim(3) || *x.static_dim(3) % 2 != 0) return {};
  const int64_t width = *x.static_dim(3), half = width / 2;
  if (second.is("Split")) {
    const bool halved = second == first && second.output_count() == 2 &&
                        is_last_axis(second.integer("axis", 0), x) &&
                        second.output(0).static_dim(3) == half && reads(node, negated, 0, second.output(1)) &&
                        reads(node, joined, 1, second.output(0));
    return halved ? x : Value();
  }
  return is_part(node, second, x, half, width) && is_part(node, first, x, 0, half) ? x : Value();
}

// One row of cosines, or of sines, for each position of x, whatever the head and the batch.
bool is_table(Node& node, const Value& table, const Value& x) {
  if (!table.has_rank() || table.rank() < 2 || table.dtype() != DType::f32) return false;
  for (int64_t axis = 0; axis < table.rank() - 2; ++axis) {
    if (table.static_dim(axis) != 1) return false;
  }
  return table.static_dim(-1) == x.static_dim(3) && node.same_dim(table, -2, x, 2) &&
         halves_alike(node, table);
}

Value cache_of(Node& node, const Value& table) {
  const int64_t half = *table.static_dim(-1) / 2;
  const Value first = node.slice(table, -1, 0, half);
  return table.rank() == 2 ? first : node.reshape(first, {-1, half});
}

Value rotate(Node& add) {
  for (const size_t i : {0u, 1u}) {
    const NodeRef plain = add.producer(add.input(i)), turned = add.producer(add.input(1 - i));
    if (!plain.is("Mul") || !turned.is("Mul") || add.use_count(plain.output()) != 1 ||
        add.use_count(turned.output()) != 1)
      continue;
    for (const size_t k : {0u, 1u}) {
      const Value x = turned_of(add, turned.input(k));
      if (!x || x.dtype() != DType::f32) continue;
      const size_t at = reads(add, plain, 0, x) ? 0 : 1;
      if (at == 1 && !reads(add, plain, 1, x)) continue;
      const Value cos = plain.input(1 - at), sin = turned.input(1 - k);
      if (!is_table(add, cos, x) || !is_table(add, sin, x)) continue;
      const Value from = add.ints({0}), cosines = cache_of(add, cos), sines = cache_of(add, sin);
      // Before the heads are brought to the front, where that is how they came there: attention takes them as they lie.
      const Value flat = flat_heads(add, x);
      const Value given = flat ? flat : x;
      const Value out = add.typed_like(
          add.node("RotaryEmbedding", {given, from, cosines, sines}, {}, "com.microsoft"), given);
      if (!flat) return out;
      return add.permute(add.reshape(out, {0, 0, *x.static_dim(1), *x.static_dim(3)}), {0, 2, 1, 3});
    }
  }
  add.decline("no rotary embedding");
}

}  // namespace

Rules rotary_embedding_rules() { return {{"Add", rotate}}; }

}  // namespace ort
