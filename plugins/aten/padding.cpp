// Padding, by a constant or by what is there.
#include "families.hpp"

namespace onnxport::aten {
namespace {

// torch counts from the last axis, (begin, end) by (begin, end); ONNX wants all beginnings, then all ends.
Value padded(Op& op, std::string_view amounts, const char* mode, const Value& fill = {}) {
  Value self = op["self"];
  const Values by_axis = op.values(amounts);
  const auto rank = static_cast<size_t>(self.rank());
  op.require(by_axis.size() % 2 == 0 && by_axis.size() / 2 <= rank, "more padding than the input has axes");
  Values pads(2 * rank, op.constant(0));
  for (size_t i = 0; i < by_axis.size() / 2; ++i) {
    pads[rank - 1 - i] = by_axis[2 * i];
    pads[2 * rank - 1 - i] = by_axis[2 * i + 1];
  }
  return op.Pad(self, op.shape(pads), fill, {}, {attr::mode(mode)});
}

// aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor
Value constant_pad(Op& op) {
  if (!op.has("value") || (op.is_known("value") && op.real("value") == 0))
    return padded(op, "pad", "constant");
  return padded(op, "pad", "constant", op.as("value", op["self"].dtype()));
}

// aten::pad(Tensor self, SymInt[] pad, str mode="constant", float? value=None) -> Tensor
Value pad(Op& op) {
  const std::string mode = op.string("mode");
  if (mode == "constant") return constant_pad(op);
  if (mode == "reflect") return padded(op, "pad", "reflect");
  if (mode == "replicate") return padded(op, "pad", "edge");
  op.require(mode == "circular", "padding mode '" + mode + "'");
  return padded(op, "pad", "wrap");
}

// aten::_pad_circular(Tensor self, SymInt[] pad) -> Tensor
Value pad_circular(Op& op) { return padded(op, "pad", "wrap"); }

// aten::reflection_pad2d(Tensor self, SymInt[4] padding) -> Tensor
Value reflection_pad(Op& op) { return padded(op, "padding", "reflect"); }

// aten::replication_pad2d(Tensor self, SymInt[4] padding) -> Tensor
Value replication_pad(Op& op) { return padded(op, "padding", "edge"); }

}  // namespace

Mappings padding() {
  return {
      Mapping("aten::constant_pad_nd", constant_pad).by_parts(),
      Mapping("aten::pad", pad).by_parts(),
      Mapping("aten::_pad_circular", pad_circular).by_parts(),
      Mapping("aten::reflection_pad1d", reflection_pad).by_parts(),
      Mapping("aten::reflection_pad2d", reflection_pad).by_parts(),
      Mapping("aten::reflection_pad3d", reflection_pad).by_parts(),
      Mapping("aten::replication_pad1d", replication_pad).by_parts(),
      Mapping("aten::replication_pad2d", replication_pad).by_parts(),
      Mapping("aten::replication_pad3d", replication_pad).by_parts(),
  };
}

}  // namespace onnxport::aten
