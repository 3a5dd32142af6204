#include "core/prepare/views.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace onnxport {

namespace {

// Where a view's geometry is undone by one operator on the new contents.
struct Inverse {
  std::string_view view;
  std::string_view schema;  // takes the contents, then the view's own arguments
};

constexpr Inverse kInverses[] = {
    {"aten::transpose", "aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)"},
    {"aten::swapaxes", "aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)"},
    {"aten::swapdims", "aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)"},
    {"aten::t", "aten::t(Tensor(a) self) -> Tensor(a)"},
    {"aten::numpy_T", "aten::numpy_T(Tensor(a) self) -> Tensor(a)"},
    {"aten::mT", "aten::mT(Tensor(a) self) -> Tensor(a)"},
    {"aten::unsqueeze", "aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)"},
    {"aten::view_as_real", "aten::view_as_complex(Tensor(a) self) -> Tensor(a)"},
    {"aten::view_as_complex", "aten::view_as_real(Tensor(a) self) -> Tensor(a)"},
};

// The same elements in the same order: any of these is undone by viewing as the base's sizes.
constexpr std::array<std::string_view, 12> kReshaping = {
    "aten::view",           "aten::reshape",      "aten::flatten",    "aten::squeeze",
    "aten::view_as",        "aten::unflatten",    "aten::ravel",      "aten::reshape_as",
    "aten::_reshape_alias", "aten::_unsafe_view", "aten::atleast_1d", "aten::atleast_2d"};

struct Scatter {
  std::string_view view;
  std::string_view schema;  // takes the base, the contents, then the view's own arguments
};

constexpr Scatter kScatters[] = {
    {"aten::select.int", "aten::select_scatter(Tensor self, Tensor src, int dim, int index) -> Tensor"},
    {"aten::slice.Tensor",
     "aten::slice_scatter(Tensor self, Tensor src, int dim=0, int? start=None, int? end=None, int step=1) -> "
     "Tensor"},
    {"aten::diagonal",
     "aten::diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor"},
};

std::vector<ir::Value*> arguments_after_self(const ir::Node& view) {
  std::vector<ir::Value*> out;
  for (size_t i = 1; i < view.operand_count(); ++i) out.push_back(view.operand(i));
  return out;
}

ir::Value* slice_scatter(ir::Value* base, ir::Value* contents, ir::Value* dim, ir::Value* start,
                         ir::Value* end, const ir::Type& type, NodeMaker& make) {
  ir::Value* operands[] = {base, contents, dim, start, end, make.integer(1)};
  return make.call(kScatters[1].schema, operands, type);
}

ir::Value* sum(ir::Value* a, ir::Value* b, NodeMaker& make) {
  const auto x = constant_int(a);
  const auto y = constant_int(b);
  int64_t total = 0;
  if (x && y && !__builtin_add_overflow(*x, *y, &total)) return make.integer(total);
  ir::Value* operands[] = {a, b};
  return make.call("aten::add.int(int a, int b) -> int", operands, ir::Type::integer());
}

// narrow(start, length) is slice(start, start + length), but for a start that counts from the end.
ir::Value* write_through_narrow(const ir::Node& view, ir::Value* base, ir::Value* contents,
                                const ir::Type& type, NodeMaker& make) {
  if (!(view.op() == "aten::narrow") || view.operand_count() != 4) return nullptr;
  const auto start = constant_int(view.operand(2));
  const auto length = constant_int(view.operand(3));
  // x[-3:0] would be empty: up to the end is what is meant.
  const bool to_end = start && length && *start < 0 && *start + *length == 0;
  ir::Value* end = to_end ? make.constant(std::monostate(), ir::Type::none())
                          : sum(view.operand(2), view.operand(3), make);
  return slice_scatter(base, contents, view.operand(1), view.operand(2), end, type, make);
}

ir::Value* write_through_permute(const ir::Node& view, ir::Value* contents, const ir::Type& type,
                                 NodeMaker& make) {
  const auto dims = view.operand_count() == 2 ? constant_ints(view.operand(1)) : std::nullopt;
  if (!dims) return nullptr;
  const auto rank = static_cast<int64_t>(dims->size());
  std::vector<int64_t> inverse(dims->size(), -1);
  for (int64_t i = 0; i < rank; ++i) {
    int64_t d = (*dims)[static_cast<size_t>(i)];
    if (d < 0) d += rank;
    if (d < 0 || d >= rank) return nullptr;
    inverse[static_cast<size_t>(d)] = i;
  }
  if (std::find(inverse.begin(), inverse.end(), -1) != inverse.end()) return nullptr;
  ir::Value* operands[] = {contents, make.ints(std::move(inverse))};
  return make.call("aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)", operands, type);
}

ir::Value* view_as_base(ir::Value* base, ir::Value* contents, const ir::Type& type, NodeMaker& make) {
  ir::Value* size =
      make.call("aten::size(Tensor self) -> int[]", {&base, 1}, ir::Type::list(ir::Type::integer()));
  ir::Value* operands[] = {contents, size};
  // reshape, for what was written need not lie in the base's order.
  return make.call("aten::reshape(Tensor(a) self, int[] shape) -> Tensor(a)", operands, type);
}

// Where a piece of known size begins and ends: split by one size or by a list of them.
std::optional<std::pair<int64_t, int64_t>> element_range(const ir::Node& split, int64_t index) {
  if (index < 0 || index > 4096 || split.operand_count() != 3) return std::nullopt;
  const std::string_view name = operator_base_name(split.op_text());
  if (name != "aten::split" && name != "aten::split_with_sizes") return std::nullopt;
  if (const auto size = constant_int(split.operand(1)); size && *size > 0 && *size < INT32_MAX) {
    return std::pair(index * *size, (index + 1) * *size);
  }
  const auto sizes = constant_ints(split.operand(1));
  if (!sizes || static_cast<size_t>(index) >= sizes->size()) return std::nullopt;
  int64_t start = 0;
  for (int64_t i = 0; i < index; ++i) {
    if (__builtin_add_overflow(start, (*sizes)[static_cast<size_t>(i)], &start)) return std::nullopt;
  }
  int64_t end = 0;
  if (__builtin_add_overflow(start, (*sizes)[static_cast<size_t>(index)], &end)) return std::nullopt;
  return std::pair(start, end);
}

}  // namespace

ir::Value* write_through(const ir::Node& view, ir::Value* base, ir::Value* contents,
                         const ir::Type& base_type, NodeMaker& make) {
  const std::string_view op = view.op_text();
  const std::string_view name = operator_base_name(op);
  std::vector<ir::Value*> arguments = arguments_after_self(view);
  for (const Scatter& s : kScatters) {
    if (s.view != op) continue;
    arguments.insert(arguments.begin(), {base, contents});
    return make.call(s.schema, arguments, base_type);
  }
  if (op == "aten::view.dtype") return nullptr;
  if (op == "aten::transpose.Dimname" || op == "aten::select.Dimname") return nullptr;
  for (const Inverse& inverse : kInverses) {
    if (inverse.view != name) continue;
    arguments.insert(arguments.begin(), contents);
    return make.call(inverse.schema, arguments, base_type);
  }
  if (name == "aten::narrow") return write_through_narrow(view, base, contents, base_type, make);
  if (name == "aten::permute") return write_through_permute(view, contents, base_type, make);
  if (op == "aten::movedim.int" && arguments.size() == 2) {
    ir::Value* operands[] = {contents, arguments[1], arguments[0]};
    return make.call("aten::movedim.int(Tensor(a) self, int source, int destination) -> Tensor(a)", operands,
                     base_type);
  }
  if (std::find(kReshaping.begin(), kReshaping.end(), name) != kReshaping.end()) {
    return view_as_base(base, contents, base_type, make);
  }
  return nullptr;
}

ir::Value* write_through_element(const ir::Node& split, ir::Value* base, ir::Value* list, int64_t index,
                                 size_t parts, ir::Value* contents, const ir::Type& base_type,
                                 NodeMaker& make) {
  const std::string_view name = operator_base_name(split.op_text());
  if (name == "aten::unbind" && split.operand_count() == 2) {
    ir::Value* operands[] = {base, contents, split.operand(1), make.integer(index)};
    return make.call(kScatters[0].schema, operands, base_type);
  }
  const auto count = static_cast<int64_t>(parts);
  ir::Value* dim = split.argument("dim");
  if (const auto range = element_range(split, index); range && dim != nullptr) {
    return slice_scatter(base, contents, dim, make.integer(range->first), make.integer(range->second),
                         base_type, make);
  }
  if (name != "aten::split" && name != "aten::chunk" && name != "aten::split_with_sizes" &&
      name != "aten::tensor_split" && name != "aten::unsafe_chunk" && name != "aten::unsafe_split") {
    return nullptr;
  }
  if (dim == nullptr || index < -count || index >= count) return nullptr;
  std::vector<ir::Value*> pieces;
  for (int64_t i = 0; i < count; ++i) {
    ir::Value* operands[] = {list, make.integer(i)};
    const bool written = i == index || i == index + count;
    pieces.push_back(
        written ? contents
                : make.call("aten::__getitem__.t(t[](a) list, int idx) -> t(*)", operands, contents->type()));
  }
  ir::Value* all = make.node("prim::ListConstruct", pieces, nullptr, 1, ir::Type::list(base_type))->output();
  ir::Value* operands[] = {all, dim};
  return make.call("aten::cat(Tensor[] tensors, int dim=0) -> Tensor", operands, base_type);
}

}  // namespace onnxport
