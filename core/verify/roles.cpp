#include "core/verify/roles.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

namespace onnxport {
namespace {

// An argument of an operator whose values have a meaning.
struct Role {
  std::string_view op;  // without its overload
  std::string_view argument;
  Draw draw;
  std::string_view table;   // integers: the argument whose size they stay below …
  std::string_view axis{};  // … along this axis, 0 without; or the argument that is the limit itself
};

constexpr Draw reals(Draw::Reals how) { return {.reals = how}; }
constexpr Draw integers(Draw::Integers how, int64_t limit = 10) { return {.integers = how, .limit = limit}; }

constexpr std::array<Role, 31> kRoles{{
    {"aten::embedding", "indices", {}, "weight"},
    {"aten::embedding_bag", "indices", {}, "weight"},
    {"aten::embedding_bag", "offsets", integers(Draw::Integers::offsets, 2), ""},
    {"aten::_embedding_bag", "indices", {}, "weight"},
    {"aten::_embedding_bag", "offsets", integers(Draw::Integers::offsets, 2), ""},
    {"aten::_embedding_bag_forward_only", "indices", {}, "weight"},
    {"aten::_embedding_bag_forward_only", "offsets", integers(Draw::Integers::offsets, 2), ""},
    {"aten::index_select", "index", {}, "self", "dim"},
    {"aten::gather", "index", {}, "self", "dim"},
    {"aten::take", "index", {}, ""},
    {"aten::take_along_dim", "indices", {}, "self", "dim"},
    {"aten::scatter", "index", {}, "self", "dim"},
    {"aten::scatter_add", "index", {}, "self", "dim"},
    {"aten::scatter_reduce", "index", {}, "self", "dim"},
    {"aten::index_add", "index", {}, "self", "dim"},
    {"aten::index_copy", "index", {}, "self", "dim"},
    {"aten::index_fill", "index", {}, "self", "dim"},
    {"aten::one_hot", "self", {}, "num_classes"},
    {"aten::bucketize", "boundaries", reals(Draw::Reals::ascending), ""},
    {"aten::searchsorted", "sorted_sequence", reals(Draw::Reals::ascending), ""},
    {"aten::binary_cross_entropy", "self", reals(Draw::Reals::unit), ""},
    {"aten::binary_cross_entropy", "target", reals(Draw::Reals::unit), ""},
    {"aten::logit", "self", reals(Draw::Reals::unit), ""},
    {"aten::bernoulli", "self", reals(Draw::Reals::unit), ""},
    {"aten::cholesky", "self", reals(Draw::Reals::definite), ""},
    {"aten::linalg_cholesky", "self", reals(Draw::Reals::definite), ""},
    {"aten::linalg_cholesky_ex", "self", reals(Draw::Reals::definite), ""},
    {"aten::_pack_padded_sequence", "lengths", integers(Draw::Integers::lengths, 2), ""},
    {"aten::floor_divide", "other", integers(Draw::Integers::from_one), ""},
    {"aten::remainder", "other", integers(Draw::Integers::from_one), ""},
    {"aten::fmod", "other", integers(Draw::Integers::from_one), ""},
}};

// Operators whose result holds their first operand's values and no other.
bool hands_values_on(std::string_view op) {
  static constexpr std::array<std::string_view, 24> names{
      "aten::view",    "aten::reshape", "aten::to",         "aten::_to_copy",       "aten::contiguous",
      "aten::clone",   "aten::detach",  "aten::alias",      "aten::unsqueeze",      "aten::squeeze",
      "aten::flatten", "aten::expand",  "aten::expand_as",  "aten::transpose",      "aten::permute",
      "aten::slice",   "aten::select",  "aten::t",          "aten::narrow",         "aten::long",
      "aten::int",     "aten::type_as", "aten::lift_fresh", "aten::lift_fresh_copy"};
  return std::find(names.begin(), names.end(), op.substr(0, op.find('.'))) != names.end();
}

std::optional<int64_t> constant_integer(const ir::Value* value) {
  const ir::Node* producer = value == nullptr ? nullptr : value->producer();
  if (producer == nullptr || producer->op() != "prim::Constant") return std::nullopt;
  const auto* number = producer->attribute_as<int64_t>("value");
  return number == nullptr ? std::nullopt : std::optional(*number);
}

class Roles {
 public:
  explicit Roles(const ir::Graph& graph) : graph_(graph), draws_(graph.body().parameters().size()) {
    const auto inputs = graph.body().parameters();
    for (size_t i = 0; i < inputs.size(); ++i) position_[inputs[i]] = i;
  }

  std::vector<Draw> run() {
    ir::for_each_node(const_cast<ir::Graph&>(graph_).body(), [&](const ir::Node* node) { visit(*node); });
    return std::move(draws_);
  }

 private:
  // The input that `value` is, or is a view of; nullptr when it is computed.
  Draw* draw_of(const ir::Value* value) {
    for (int step = 0; value != nullptr && step < 64; ++step) {
      const auto found = position_.find(value);
      if (found != position_.end()) return &draws_[found->second];
      const ir::Node* node = value->producer();
      if (node == nullptr || node->operand_count() == 0 || !hands_values_on(node->op_text())) return nullptr;
      value = node->operand(0);
    }
    return nullptr;
  }

  void visit(const ir::Node& node) {
    const std::string_view op = node.op_text().substr(0, node.op_text().find('.'));
    if (op == "aten::index") return visit_index(node);
    for (const Role& role : kRoles) {
      if (role.op != op) continue;
      Draw* draw = draw_of(node.argument(role.argument));
      if (draw == nullptr) continue;
      *draw = role.draw;
      if (role.table.empty()) continue;
      const auto own = constant_integer(node.argument(role.table));
      const int64_t axis = role.axis.empty() ? 0 : constant_integer(node.argument(role.axis)).value_or(0);
      limit(*draw, own ? own : size_of(node.argument(role.table), axis));
    }
  }

  // x[i, :, j]: each index stays below the size of its own axis.
  void visit_index(const ir::Node& node) {
    const ir::Value* list = node.operand_count() < 2 ? nullptr : node.operand(1);
    const ir::Node* made = list == nullptr ? nullptr : list->producer();
    if (made == nullptr || made->op() != "prim::ListConstruct") return;
    for (size_t i = 0; i < made->operand_count(); ++i) {
      Draw* draw = draw_of(made->operand(i));
      if (draw != nullptr) limit(*draw, size_of(node.operand(0), static_cast<int64_t>(i)));
    }
  }

  static std::optional<int64_t> size_of(const ir::Value* table, int64_t axis) {
    if (table == nullptr) return std::nullopt;
    if (table->is_constant()) {
      const std::vector<int64_t>& dims = table->constant()->dims();
      const int64_t at = axis < 0 ? axis + static_cast<int64_t>(dims.size()) : axis;
      if (at < 0 || at >= static_cast<int64_t>(dims.size())) return std::nullopt;
      return dims[static_cast<size_t>(at)];
    }
    const auto& shape = table->type().shape();
    const int64_t rank = shape ? static_cast<int64_t>(shape->size()) : 0;
    const int64_t at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank || !(*shape)[static_cast<size_t>(at)].is_constant()) return std::nullopt;
    return (*shape)[static_cast<size_t>(at)].value();
  }

  // An input may index several tables: the smallest counts.
  void limit(Draw& draw, std::optional<int64_t> size) {
    if (!size || *size < 1) return;
    const bool known = limited_.contains(&draw);
    draw.limit = known ? std::min(draw.limit, *size) : *size;
    limited_[&draw] = true;
  }

  const ir::Graph& graph_;
  std::vector<Draw> draws_;
  std::unordered_map<const ir::Value*, size_t> position_;
  std::unordered_map<const Draw*, bool> limited_;
};

}  // namespace

std::vector<Draw> input_roles(const ir::Graph& captured) { return Roles(captured).run(); }

}  // namespace onnxport
