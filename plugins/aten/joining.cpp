// Tensors joined to one, and one taken apart.
#include "axes.hpp"
#include "families.hpp"

namespace onnxport::aten {
namespace {

Value joined(Op& op, const Values& tensors, int64_t axis) {
  return tensors.size() == 1 ? tensors[0] : op.Concat(tensors, {attr::axis(axis)});
}

// aten::cat(Tensor[] tensors, int dim=0) -> Tensor
Value cat(Op& op) {
  Values tensors = op.promoted("tensors");
  int64_t rank = 1;
  for (const Value& x : tensors) rank = std::max(rank, x.rank());
  Values kept;  // torch lets an empty vector stand among tensors of any rank
  for (const Value& x : tensors) {
    if (x.rank() == rank) kept.push_back(x);
  }
  return joined(op, kept, op.normalized(op.integer("dim"), rank));
}

// aten::stack(Tensor[] tensors, int dim=0) -> Tensor
Value stack(Op& op) {
  Values tensors = op.promoted("tensors");
  const int64_t axis = op.normalized(op.integer("dim"), tensors.at(0).rank() + 1);
  for (Value& x : tensors) x = op.unsqueeze(x, {axis});
  return joined(op, tensors, axis);
}

// Joined along `axis` after missing axes have been put before (or behind) until there are `rank`.
Value joined_at_rank(Op& op, int64_t rank, int64_t axis, bool behind) {
  Values tensors = op.promoted("tensors");
  for (Value& x : tensors) {
    while (x.rank() < rank) x = op.unsqueeze(x, {behind && x.rank() > 0 ? x.rank() : 0});
  }
  return joined(op, tensors, axis);
}

// aten::hstack(Tensor[] tensors) -> Tensor
Value hstack(Op& op) { return joined_at_rank(op, 1, op.values("tensors").at(0).rank() < 2 ? 0 : 1, false); }

// aten::vstack(Tensor[] tensors) -> Tensor
Value vstack(Op& op) { return joined_at_rank(op, 2, 0, false); }

// aten::dstack(Tensor[] tensors) -> Tensor
Value dstack(Op& op) {
  Values tensors = op.promoted("tensors");
  for (Value& x : tensors) {
    while (x.rank() < 2) x = op.unsqueeze(x, {0});
    if (x.rank() == 2) x = op.unsqueeze(x, {2});
  }
  return joined(op, tensors, 2);
}

// aten::column_stack(Tensor[] tensors) -> Tensor
Value column_stack(Op& op) { return joined_at_rank(op, 2, 1, true); }

Values split_into(Op& op, const Value& x, int64_t axis, const std::vector<int64_t>& sizes) {
  if (sizes.size() == 1) return {x};
  return op.Split(x, op.ints(sizes), sizes.size(), {attr::axis(axis)});
}

// Pieces of `size`, the last one smaller where it does not divide.
Values split_evenly(Op& op, const Value& x, int64_t axis, int64_t size) {
  const int64_t all = op.static_size(x, axis);
  std::vector<int64_t> sizes;
  for (int64_t rest = all; rest > 0; rest -= size) sizes.push_back(std::min(rest, size));
  if (sizes.empty()) sizes.push_back(0);
  return split_into(op, x, axis, sizes);
}

// aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]
Values split(Op& op) {
  Value self = op["self"];
  return split_evenly(op, self, op.axis("dim", self), op.integer("split_size"));
}

Values split_as(Op& op, std::string_view arg) {
  Value self = op["self"];
  const size_t count = op.size(arg);
  if (count == 1) return {self};
  const int64_t axis = op.axis("dim", self);
  Values parts = op.Split(self, op.shape(arg), count, {attr::axis(axis)});
  if (op.is_known(arg)) return parts;
  // ONNX infers nothing of a static axis that is split by sizes known at run time.
  for (Value& part : parts) {
    Dims dims;
    for (int64_t i = 0; i < self.rank(); ++i) dims.push_back(i == axis ? op.fresh_dim() : self.size(i));
    part = op.with_shape(part, dims);
  }
  return parts;
}

// aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]
Values split_with_sizes(Op& op) { return split_as(op, "split_sizes"); }

// aten::split.sizes(Tensor(a -> *) self, SymInt[] split_size, int dim=0) -> Tensor(a)[]
Values split_sizes(Op& op) { return split_as(op, "split_size"); }

// aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]
Values chunk(Op& op) {
  Value self = op["self"];
  const int64_t axis = op.axis("dim", self), chunks = op.integer("chunks");
  op.require(chunks > 0, "chunk expects at least one chunk");
  if (chunks == 1) return {self};
  const int64_t size = (op.static_size(self, axis) + chunks - 1) / chunks;
  if (size > 0) return split_evenly(op, self, axis, size);
  return split_into(op, self, axis, std::vector<int64_t>(static_cast<size_t>(chunks), 0));
}

// A list whose length is known at run time only: pieces of `size` (absent: slices without the axis).
Results pieces(Op& op, int64_t axis, const Value& size) {
  return {Result(op.node("SplitToSequence", {op["self"], size},
                         {{"axis", axis}, {"keepdims", size ? int64_t{1} : int64_t{0}}}))};
}

// Sizes that are a tensor: as many pieces as it has elements.
Results split_as_or_pieces(Op& op) {
  const std::string_view arg = op.has("split_sizes") ? "split_sizes" : "split_size";
  if (op.is_list(arg)) return {Result(split_as(op, arg))};
  return pieces(op, op.axis("dim", op["self"]), op[arg]);
}

bool has_static_size(Op& op, int64_t axis) { return op["self"].static_dim(axis).has_value(); }

Results split_or_pieces(Op& op) {
  const int64_t axis = op.axis("dim", op["self"]);
  if (has_static_size(op, axis) && op.is_known("split_size")) return {Result(split(op))};
  return pieces(op, axis, op["split_size"]);
}

Results chunk_or_pieces(Op& op) {
  const int64_t axis = op.axis("dim", op["self"]);
  if (op.is_known("chunks")) {
    const int64_t chunks = op.integer("chunks");
    if (has_static_size(op, axis) || chunks == 1) return {Result(chunk(op))};
    op.require(chunks > 0, "chunk expects at least one chunk");
  }
  const Value count = op["chunks"];
  return pieces(op, axis, op.Max({(op.dim(op["self"], axis) + count - 1) / count, op.constant(1)}));
}

Values split_into_sections(Op& op, int64_t axis) {
  Value self = op["self"];
  const int64_t all = op.static_size(self, axis), sections = op.integer("sections");
  constexpr int64_t kMost = 1 << 16;  // more is a number gone wrong, not a model
  op.require(sections > 0 && sections <= kMost, "a number of sections that is none, or no model's");
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < sections; ++i) sizes.push_back(all / sections + (i < all % sections ? 1 : 0));
  return split_into(op, self, axis, sizes);
}

// Pieces that end where the indices say.
Values split_at_indices(Op& op, int64_t axis) {
  Value self = op["self"];
  Values pieces;
  Value from = op.constant(0);
  for (const Value& to : op.values("indices")) {
    pieces.push_back(op.slice(self, axis, from, to));
    from = to;
  }
  pieces.push_back(op.slice(self, axis, from, op.constant(to_end)));
  return pieces;
}

Values split_tensor(Op& op, int64_t axis) {
  return op.has("sections") ? split_into_sections(op, axis) : split_at_indices(op, axis);
}

// aten::tensor_split.sections(Tensor(a -> *) self, SymInt sections, int dim=0) -> Tensor(a)[]
// aten::tensor_split.indices(Tensor(a -> *) self, SymInt[] indices, int dim=0) -> Tensor(a)[]
Values tensor_split(Op& op) { return split_tensor(op, op.axis("dim", op["self"])); }

// aten::hsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]
Values hsplit(Op& op) { return split_tensor(op, op["self"].rank() == 1 ? 0 : 1); }

// aten::vsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]
Values vsplit(Op& op) { return split_tensor(op, 0); }

// aten::dsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]
Values dsplit(Op& op) { return split_tensor(op, 2); }

// aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]
Values unbind(Op& op) {
  Value self = op["self"];
  const int64_t axis = op.axis("dim", self), count = op.static_size(self, axis);
  if (count == 1) return {op.squeeze(self, {axis})};
  Values slices;
  for (int64_t i = 0; i < count; ++i) slices.push_back(op.Gather(self, op.constant(i), {attr::axis(axis)}));
  return slices;
}

Results unbind_or_pieces(Op& op) {
  const int64_t axis = op.axis("dim", op["self"]);
  return has_static_size(op, axis) ? Results{Result(unbind(op))} : pieces(op, axis, {});
}

// aten::meshgrid.indexing(Tensor[] tensors, *, str indexing) -> Tensor[]
Values meshgrid(Op& op) {
  Values tensors = op.values("tensors");
  const auto rank = static_cast<int64_t>(tensors.size());
  std::vector<int64_t> place = all_axes(rank);
  if (rank > 1 && op.string("indexing", "ij") == "xy") std::swap(place[0], place[1]);
  Values sizes(tensors.size());
  for (int64_t i = 0; i < rank; ++i) sizes[place[i]] = op.numel(tensors[i]);
  Value shape = op.shape(sizes);
  for (int64_t i = 0; i < rank; ++i) {
    Value flat = tensors[i].rank() == 0 ? op.unsqueeze(tensors[i], {0}) : tensors[i];
    tensors[i] = op.Expand(op.unsqueeze_around(flat, place[i], rank), shape);
  }
  return tensors;
}

// aten::broadcast_tensors(Tensor[] tensors) -> Tensor[]
Values broadcast_tensors(Op& op) {
  Values tensors = op.values("tensors");
  Value common = op.full(op.shape_of(tensors.at(0)), 0, DType::i64);
  for (const Value& x : tensors) common = op.Expand(common, op.shape_of(x));
  for (Value& x : tensors) x = op.Expand(x, op.shape_of(common));
  return tensors;
}

// aten::block_diag(Tensor[] tensors) -> Tensor
Value block_diag(Op& op) {
  Values tensors = op.promoted("tensors");
  Value above = op.constant(0), left = op.constant(0), height = above, width = left;
  for (Value& x : tensors) {
    while (x.rank() < 2) x = op.unsqueeze(x, {0});
    height = height + op.dim(x, 0);
    width = width + op.dim(x, 1);
  }
  Values rows;
  for (const Value& x : tensors) {
    Value behind = width - left - op.dim(x, 1);
    rows.push_back(op.Pad(x, op.shape({op.constant(0), left, op.constant(0), behind})));
    left = left + op.dim(x, 1);
  }
  return joined(op, rows, 0);
}

// What takes a tensor apart: how often is known, or known at run time only, which no complex tensor may be.
struct TakenApart {
  const char* name;
  Mapping::Many parts;
  Mapping::Mixed any;
};

}  // namespace

Mappings joining() {
  Mappings out = {
      Mapping("aten::cat", cat).by_parts(),
      Mapping("aten::concat", cat).by_parts(),
      Mapping("aten::concatenate", cat).by_parts(),
      Mapping("aten::stack", stack).by_parts(),
      Mapping("aten::hstack", hstack).by_parts(),
      Mapping("aten::vstack", vstack).by_parts(),
      Mapping("aten::row_stack", vstack).by_parts(),
      Mapping("aten::dstack", dstack).by_parts(),
      Mapping("aten::column_stack", column_stack).by_parts(),
      Mapping("aten::tensor_split", tensor_split).list().by_parts(),
      Mapping("aten::hsplit", hsplit).list().by_parts(),
      Mapping("aten::vsplit", vsplit).list().by_parts(),
      Mapping("aten::dsplit", dsplit).list().by_parts(),
      Mapping("aten::meshgrid", meshgrid).list().by_parts(),
      Mapping("aten::broadcast_tensors", broadcast_tensors).list().by_parts(),
      Mapping("aten::block_diag", block_diag).by_parts(),
  };
  for (const TakenApart& row : std::initializer_list<TakenApart>{
           {"aten::split", split_with_sizes, split_as_or_pieces},
           {"aten::split.Tensor", split, split_or_pieces},
           {"aten::split.sizes", split_sizes, split_as_or_pieces},
           {"aten::split_copy", split, split_or_pieces},
           {"aten::split_with_sizes", split_with_sizes, split_as_or_pieces},
           {"aten::split_with_sizes_copy", split_with_sizes, split_as_or_pieces},
           {"aten::unsafe_split", split, split_or_pieces},
           {"aten::unsafe_split_with_sizes", split_with_sizes, split_as_or_pieces},
           {"aten::chunk", chunk, chunk_or_pieces},
           {"aten::unsafe_chunk", chunk, chunk_or_pieces},
           {"aten::unbind", unbind, unbind_or_pieces},
           {"aten::unbind_copy", unbind, unbind_or_pieces},
       }) {
    out.push_back(Mapping(row.name, row.parts).list().by_parts().only_complex());
    out.emplace_back(row.name, row.any);
  }
  return out;
}

}  // namespace onnxport::aten
