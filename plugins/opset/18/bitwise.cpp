// Bitwise operators are new in 18: before, integers are taken apart into bits, as bools along a new last axis.
#include "rules.h"

using namespace onnxport;

namespace {

int64_t width_of(DType t) {
  switch (t) {
    case DType::i8:
    case DType::u8:
      return 8;
    case DType::i16:
    case DType::u16:
      return 16;
    case DType::i32:
    case DType::u32:
      return 32;
    default:
      return 64;
  }
}

bool is_signed(DType t) { return t == DType::i8 || t == DType::i16 || t == DType::i32 || t == DType::i64; }

// 1, 2, 4, … for each bit but the sign.
Value powers(Node& node, DType t) {
  std::vector<int64_t> out;
  for (int64_t bit = 0; bit < width_of(t) - (is_signed(t) ? 1 : 0); ++bit) out.push_back(int64_t{1} << bit);
  return node.ints(out);
}

struct Bits {
  Value bits;      // bool[..., width]
  Value negative;  // bool[...]; absent: the type has no sign
};

// A negative number has the bits of -x - 1, all turned over.
Bits bits_of(Node& node, const Value& x, const Value& weights) {
  const Value wide = node.cast(x, DType::i64);
  const bool has_sign = is_signed(x.dtype());
  const Value negative = has_sign ? wide < 0 : Value();
  const Value magnitude = has_sign ? node.where(negative, -wide - 1, wide) : wide;
  const Value digits = node.unsqueeze(magnitude, {x.rank()}) / weights;
  const Value bits = node.equal(digits - digits / 2 * 2, node.constant(1));
  if (!has_sign) return {bits, {}};
  return {node.Xor(bits, node.unsqueeze(negative, {x.rank()})), negative};
}

Value number_of(Node& node, const Bits& b, const Value& weights, DType t) {
  const int64_t last = b.bits.rank() - 1;
  const auto sum = [&](const Value& bits) {
    return node.reduce_sum(node.cast(bits, DType::i64) * weights, {last}, false);
  };
  if (!b.negative) return node.cast(sum(b.bits), t);
  const Value magnitude = sum(node.Xor(b.bits, node.unsqueeze(b.negative, {last})));
  return node.cast(node.where(b.negative, -magnitude - 1, magnitude), t);
}

}  // namespace

Value bitwise_to_17(Node& node) {
  const Value a = node.input(0), b = node.input(1);
  if (a.dtype() == DType::u64) node.fail("64-bit unsigned integers cannot be taken apart below opset 18");
  const int64_t rank = std::max(a.rank(), b.rank());
  const std::string op = std::string(node.op_type()).substr(7);  // BitwiseAnd -> And
  const auto of_rank = [&](const Value& x) {  // so that the bits of both are along the same axis
    std::vector<int64_t> front;
    for (int64_t i = 0; i < rank - x.rank(); ++i) front.push_back(i);
    return node.unsqueeze(x, front);
  };
  const Value weights = powers(node, a.dtype());
  const Bits x = bits_of(node, of_rank(a), weights), y = bits_of(node, of_rank(b), weights);
  const Bits joined = {node.node(op, {x.bits, y.bits}),
                       x.negative ? node.node(op, {x.negative, y.negative}) : Value()};
  return number_of(node, joined, weights, a.dtype());
}

Value bitwise_not_to_17(Node& node) {
  const Value x = node.input(0);
  if (is_signed(x.dtype())) return node.like(x, -1) - x;
  if (x.dtype() == DType::u64) node.fail("64-bit unsigned integers cannot be turned over below opset 18");
  const Value highest = node.constant((int64_t{1} << width_of(x.dtype())) - 1);
  return node.cast(highest - node.cast(x, DType::i64), x.dtype());
}
