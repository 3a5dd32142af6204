// Elements repeated, reversed or shifted along axes.
#include "axes.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

Value tiled(Op& op, Value x, std::string_view arg) {
  const auto count = static_cast<int64_t>(op.size(arg));
  if (count > x.rank()) x = op.unsqueeze(x, all_axes(count - x.rank()));
  Value repeats = op.shape(arg);
  if (count < x.rank()) {
    repeats = op.shape({op.ints(std::vector<int64_t>(static_cast<size_t>(x.rank() - count), 1)), repeats});
  }
  return op.Tile(x, repeats);
}

// aten::repeat(Tensor self, SymInt[] repeats) -> Tensor
Value repeat(Op& op) { return tiled(op, op["self"], "repeats"); }

// aten::tile(Tensor self, SymInt[] dims) -> Tensor
Value tile(Op& op) { return tiled(op, op["self"], "dims"); }

// aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor
// aten::repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *,
//     SymInt? output_size=None) -> Tensor
Value repeat_interleave(Op& op) {
  Value self = op["self"], repeats = op["repeats"];
  if (!op.has("dim")) self = op.reshape(self, {-1});
  const int64_t axis = op.has("dim") ? op.axis("dim", self) : 0;
  const bool one_number = repeats.is_number() || repeats.rank() == 0 || repeats.static_dim(0) == 1;
  if (!one_number) {
    // Position p of the result comes from the first place up to which more than p elements were made.
    // One number that is seen at run time only serves every element.
    if (!op.same_dim(repeats, 0, self, axis)) repeats = op.Expand(repeats, op.shape({op.dim(self, axis)}));
    Value ends = op.CumSum(op.cast(repeats, DType::i64), op.constant(0));
    Value total = op.Gather(ends, op.constant(-1));
    Value done = op.unsqueeze(ends, {0}) <= op.unsqueeze(op.arange(total), {1});
    Value place = op.ReduceSum(op.cast(done, DType::i64), op.ints({1}), {attr::keepdims(0)});
    return op.Gather(self, place, {attr::axis(axis)});
  }
  Value count = repeats.rank() == 0 ? repeats : op.squeeze(repeats, {0});
  Values wide(static_cast<size_t>(self.rank() + 1), op.constant(1));
  wide[axis + 1] = op.cast(count, DType::i64);
  Values size = op.dims(self, 0, self.rank());
  size[axis] = size[axis] * wide[axis + 1];
  return op.reshape(op.Expand(op.unsqueeze(self, {axis + 1}), op.shape(wide)), size);
}

Value flipped(Op& op, const Value& x, const std::vector<int64_t>& axes) {
  if (axes.empty()) return x;
  const std::vector<int64_t> last(axes.size(), -1), before(axes.size(), std::numeric_limits<int64_t>::min());
  return op.Slice(x, op.ints(last), op.ints(before), op.ints(axes), op.ints(last));
}

// aten::flip(Tensor self, int[] dims) -> Tensor
Value flip(Op& op) {
  return op["self"].rank() == 0 ? op["self"] : flipped(op, op["self"], op.axes("dims", op["self"]));
}

// aten::fliplr(Tensor self) -> Tensor
Value fliplr(Op& op) { return flipped(op, op["self"], {1}); }

// aten::flipud(Tensor self) -> Tensor
Value flipud(Op& op) { return flipped(op, op["self"], {0}); }

// aten::rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor
Value rot90(Op& op) {
  Value self = op["self"];
  const std::vector<int64_t> plane = op.axes("dims", self);
  std::vector<int64_t> order = all_axes(self.rank());
  std::swap(order[plane.at(0)], order[plane.at(1)]);
  switch ((op.integer("k") % 4 + 4) % 4) {
    case 1:
      return op.permute(flipped(op, self, {plane[1]}), order);
    case 2:
      return flipped(op, self, plane);
    case 3:
      return op.permute(flipped(op, self, {plane[0]}), order);
    default:
      return self;
  }
}

// Cut before element -shift, counted from the front.
Value rolled(Op& op, const Value& x, int64_t axis, const Value& shift) {
  Value cut = op.Mod(op.shape({-shift}), op.Max({op.shape({op.dim(x, axis)}), op.ints({1})}));
  return op.Concat({op.slice(x, axis, cut, op.constant(to_end)), op.slice(x, axis, op.constant(0), cut)},
                   {attr::axis(axis)});
}

// aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor
Value roll(Op& op) {
  Value self = op["self"];
  const Values shifts = op.values("shifts");
  if (self.rank() == 0) return self;
  const std::vector<int64_t> axes = op.axes("dims", self);
  if (axes.empty()) return op.Reshape(rolled(op, op.reshape(self, {-1}), 0, shifts.at(0)), op.shape_of(self));
  for (size_t i = 0; i < axes.size(); ++i) self = rolled(op, self, axes[i], shifts.at(i));
  return self;
}

}  // namespace

Mappings repeat_flip_roll() {
  return {
      Mapping("aten::repeat", repeat).by_parts(),
      Mapping("aten::tile", tile).by_parts(),
      Mapping("aten::repeat_interleave.self_int", repeat_interleave).by_parts(),
      Mapping("aten::repeat_interleave.self_Tensor", repeat_interleave).by_parts(),
      Mapping("aten::flip", flip).by_parts(),
      Mapping("aten::fliplr", fliplr).by_parts(),
      Mapping("aten::flipud", flipud).by_parts(),
      Mapping("aten::rot90", rot90).by_parts(),
      Mapping("aten::roll", roll).by_parts(),
  };
}

}  // namespace onnxport::aten
