#include "core/prepare/fold.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/prepare/aliases.h"
#include "core/prepare/clone.h"
#include "core/prepare/node_facts.h"
#include "core/prepare/scalars.h"

namespace onnxport {

namespace {

constexpr int64_t kMaxTrips = 1024;
constexpr size_t kMaxUnrolledNodes = 1u << 16;

size_t count_nodes(const ir::Block& block) {
  size_t count = 0;
  for (const ir::Node* node : block) {
    ++count;
    for (const ir::Block* inner : node->blocks()) count += count_nodes(*inner);
  }
  return count;
}

bool writes_some_container(const ir::Block& block) {
  for (const ir::Node* node : block) {
    if (writes_container(*node)) return true;
    for (const ir::Block* inner : node->blocks()) {
      if (writes_some_container(*inner)) return true;
    }
  }
  return false;
}

class Folder {
 public:
  explicit Folder(ir::Graph& graph) : graph_(graph), frozen_(!writes_some_container(graph.body())) {}

  void run() { walk(graph_.body()); }

 private:
  void walk(ir::Block& block) {
    for (ir::Node* node = block.first(); node != nullptr;) {
      ir::Node* before = node->previous();
      ir::Node* next = node->next();
      if (process(*node)) {
        // Replaced by what stands before it now: that is looked at in turn.
        next = before == nullptr ? block.first() : before->next();
      }
      node = next;
    }
  }

  // True when other nodes took the place of this one.
  bool process(ir::Node& node) {
    if (node.op() == "prim::Constant" || is_construct(node)) return false;
    if (node.op() == "prim::If") return inline_branch(node) || walk_blocks(node);
    if (node.op() == "prim::Loop") return unroll(node) || walk_blocks(node);
    if (!node.blocks().empty()) return walk_blocks(node);
    if (take_apart(node) || decide_identity(node) || decide_mode(node) || pass_through(node)) return false;
    evaluate(node);
    return false;
  }

  bool walk_blocks(ir::Node& node) {
    for (ir::Block* block : node.blocks()) walk(*block);
    return false;
  }

  // ---- regions ----

  static bool raises(const ir::Block& block) {
    for (const ir::Node* node : block) {
      if (node->op() == "prim::RaiseException") return true;
    }
    return false;
  }

  bool inline_branch(ir::Node& node) {
    if (node.blocks().size() != 2) return false;
    auto condition = constant_bool(node.operand(0));
    // ONNX cannot raise: where one branch only does that, a model that gives a result took the other.
    if (!condition && raises(*node.blocks()[0]) != raises(*node.blocks()[1]))
      condition = raises(*node.blocks()[1]);
    if (!condition) return false;
    ir::Block& taken = *node.blocks()[*condition ? 0 : 1];
    while (taken.first() != nullptr) graph_.move_before(&node, taken.first());
    for (size_t i = 0; i < node.output_count(); ++i) node.output(i)->replace_all_uses_with(taken.result(i));
    graph_.erase(&node);
    return true;
  }

  bool unroll(ir::Node& node) {
    ir::Block& body = *node.blocks()[0];
    const auto trips = constant_int(node.operand(0));
    const auto entered = constant_bool(node.operand(1));
    const bool never = (trips && *trips <= 0) || (entered && !*entered);
    if (!never) {
      if (!trips || !entered || *trips > kMaxTrips) return false;
      if (!constant_bool(body.result(0)).value_or(false)) return false;
      if (count_nodes(body) * static_cast<size_t>(*trips) > kMaxUnrolledNodes) return false;
    }
    std::vector<ir::Value*> carried;
    for (size_t i = 2; i < node.operand_count(); ++i) carried.push_back(node.operand(i));
    NodeMaker make(node);
    for (int64_t trip = 0; !never && trip < *trips; ++trip) {
      ValueMap map;
      map[body.parameters()[0]] = make.integer(trip);
      for (size_t i = 0; i < carried.size(); ++i) map[body.parameters()[i + 1]] = carried[i];
      for (const ir::Node* inner : body) graph_.insert_before(&node, clone(*inner, map));
      for (size_t i = 0; i < carried.size(); ++i) {
        const auto found = map.find(body.result(i + 1));
        carried[i] = found == map.end() ? body.result(i + 1) : found->second;
      }
    }
    for (size_t i = 0; i < node.output_count(); ++i) node.output(i)->replace_all_uses_with(carried[i]);
    graph_.erase(&node);
    return true;
  }

  // ---- containers ----

  // The construct behind a value, when its elements now are those it was made of.
  const ir::Node* construct(const ir::Value* value) {
    if (value == nullptr || value->producer() == nullptr || !is_construct(*value->producer())) return nullptr;
    return is_stable(*value) ? value->producer() : nullptr;
  }

  bool is_stable(const ir::Value& container) {
    if (frozen_ || (container.producer() != nullptr && container.producer()->op() == "prim::TupleConstruct"))
      return true;
    const auto [found, fresh] = stable_.emplace(&container, false);
    if (!fresh) return found->second;
    size_t seen = 0;
    for (const ir::Operand* use = container.first_use(); use != nullptr; use = use->next()) {
      const ir::Node& user = *use->user();
      if (user.op() == "prim::ListUnpack") continue;
      const bool only_reads =
          user.schema() != nullptr && !user.schema()->is_mutating() && !writes_container(user);
      if (!only_reads || ++seen > kMaxUses || aliasing_of(user).kind == Aliasing::Kind::same) return false;
    }
    stable_[&container] = true;
    return true;
  }

  bool replace(ir::Node& node, size_t output, ir::Value* value) {
    if (value == nullptr) return false;
    node.output(output)->replace_all_uses_with(value);
    return true;
  }

  bool take_apart(ir::Node& node) {
    const std::string_view op = node.op_text();
    const bool unpack = op == "prim::ListUnpack" || op == "prim::TupleUnpack";
    const bool item = op.starts_with("aten::__getitem__") || op == "prim::TupleIndex";
    const bool length = op.starts_with("aten::len");
    if ((!unpack && !item && !length) || node.operand_count() == 0) return false;
    const ir::Node* made = construct(node.operand(0));
    if (made == nullptr) return false;
    const bool dict = made->op() == "prim::DictConstruct";
    const auto size = static_cast<int64_t>(made->operand_count());
    if (unpack) {
      if (made->operand_count() != node.output_count()) return false;
      for (size_t i = 0; i < node.output_count(); ++i) replace(node, i, made->operand(i));
      return true;
    }
    if (length) return dict ? false : settle(node, Constant{size});
    if (dict) return false;
    const auto index = constant_int(node.operand(1));
    if (!index || *index < -size || *index >= size) return false;
    return replace(node, 0, made->operand(static_cast<size_t>(*index < 0 ? *index + size : *index)));
  }

  // ---- questions ----

  static bool is_never_none(const ir::Value& value) {
    if (const ir::AttributeValue* constant = constant_value(&value))
      return !std::holds_alternative<std::monostate>(*constant);
    if (value.is_constant() || value.type().is_tensor() || value.type().is_scalar()) return true;
    using Kind = ir::Type::Kind;
    const Kind kind = value.type().kind();
    if (kind == Kind::list || kind == Kind::tuple || kind == Kind::dict || kind == Kind::string) return true;
    const ir::Node* producer = value.producer();
    if (producer == nullptr) return false;
    if (is_construct(*producer)) return true;
    return producer->schema() != nullptr && value.index() < producer->schema()->returns.size() &&
           producer->schema()->returns[value.index()].type == "Tensor";
  }

  // A tensor that is no other value's: not what a loop carries, which may be what it began with, nor what an
  // operator may hand on.
  static bool is_tensor_of_its_own(const ir::Value& value) {
    const ir::Node* producer = value.producer();
    if (producer == nullptr) {
      const bool is_input = value.block() != nullptr && value.block()->owner() == nullptr;
      return value.is_constant() || (is_input && value.type().is_tensor());
    }
    const ir::Schema* schema = producer->schema();
    if (schema == nullptr || value.index() >= schema->returns.size()) return false;
    const Aliasing::Kind kind = aliasing_of(*producer, value.index()).kind;
    return schema->returns[value.index()].type == "Tensor" &&
           (kind == Aliasing::Kind::fresh || kind == Aliasing::Kind::view);
  }

  // `is` asks for None, or, to choose a fast path, whether two tensors are one (multi-head attention does).
  bool decide_identity(ir::Node& node) {
    const bool is = node.op() == "aten::__is__";
    if ((!is && !(node.op() == "aten::__isnot__")) || node.operand_count() != 2) return false;
    const ir::Value *a = node.operand(0), *b = node.operand(1);
    if (a != nullptr && a == b) return settle(node, Constant{is});
    if (a != nullptr && b != nullptr && is_tensor_of_its_own(*a) && is_tensor_of_its_own(*b))
      return settle(node, Constant{!is});
    for (size_t i = 0; i < 2; ++i) {
      const ir::AttributeValue* none = constant_value(node.operand(i));
      const ir::Value* other = node.operand(1 - i);
      if (none == nullptr || !std::holds_alternative<std::monostate>(*none) || other == nullptr) continue;
      if (is_never_none(*other)) return settle(node, Constant{!is});
    }
    return false;
  }

  // Exporting is neither training under autograd nor autocast; code asks to choose fast paths.
  bool decide_mode(ir::Node& node) {
    static constexpr std::array<std::string_view, 6> kOff = {
        "aten::is_autocast_enabled", "aten::is_autocast_cpu_enabled", "aten::is_grad_enabled",
        "aten::_get_tracing_state",  "aten::has_torch_function",      "aten::_is_tracing"};
    if (node.output_count() != 1) return false;
    if (node.op() == "aten::is_scripting") return settle(node, Constant{true});
    if (std::find(kOff.begin(), kOff.end(), node.op_text()) == kOff.end()) return false;
    return settle(node, Constant{false});
  }

  bool pass_through(ir::Node& node) {
    static constexpr std::array<std::string_view, 3> kSame = {
        "prim::unchecked_cast", "prim::unchecked_unwrap_optional", "aten::_unwrap_optional"};
    if (std::find(kSame.begin(), kSame.end(), node.op_text()) == kSame.end()) return false;
    return node.operand_count() > 0 && replace(node, 0, node.operand(0));
  }

  // ---- evaluation ----

  std::optional<Constant> known(const ir::Value* value, int depth = 0) {
    if (const ir::AttributeValue* constant = constant_value(value)) return to_constant(*constant);
    const ir::Node* made = depth < kMaxDepth ? construct(value) : nullptr;
    if (made == nullptr || made->operand_count() > kMaxItems) return std::nullopt;
    std::vector<Constant> items;
    for (size_t i = 0; i < made->operand_count(); ++i) {
      auto item = known(made->operand(i), depth + 1);
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
    }
    if (!(made->op() == "prim::DictConstruct")) {
      return Constant{ConstantList{std::move(items), made->op() == "prim::TupleConstruct"}};
    }
    ConstantDict dict;
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      const auto* key = items[i].as<std::string>();
      if (key == nullptr) return std::nullopt;
      dict.items.emplace_back(*key, std::move(items[i + 1]));
    }
    return Constant{std::move(dict)};
  }

  void evaluate(ir::Node& node) {
    if (node.operand_count() == 0 || node.output_count() == 0 || written_operand(node) >= 0) return;
    std::vector<Constant> arguments;
    for (size_t i = 0; i < node.operand_count(); ++i) {
      auto argument = known(node.operand(i));
      if (!argument) return;
      arguments.push_back(std::move(*argument));
    }
    auto result = evaluate_scalar(node.op_text(), arguments);
    if (!result) return;
    if (node.output_count() == 1) {
      settle(node, *result);
    } else if (result->list() != nullptr && result->list()->items.size() == node.output_count()) {
      NodeMaker make(node);
      for (size_t i = 0; i < node.output_count(); ++i) {
        if (ir::Value* value = emit(result->list()->items[i], *node.output(i), make)) replace(node, i, value);
      }
    }
  }

  bool settle(ir::Node& node, const Constant& result) {
    NodeMaker make(node);
    ir::Value* value = emit(result, *node.output(), make);
    if (value != nullptr) value->set_name(node.output()->name());
    return replace(node, 0, value);
  }

  // A constant node; constructs for what is no attribute, and for a list that is changed later.
  ir::Value* emit(const Constant& constant, const ir::Value& like, NodeMaker& make) {
    const bool list = constant.list() != nullptr;
    if (!list || is_stable(like)) {
      if (auto attribute = to_attribute(constant))
        return make.constant(std::move(*attribute), type_of(constant, like));
    }
    if (!list) return nullptr;
    std::vector<ir::Value*> items;
    for (const Constant& item : constant.list()->items) {
      auto attribute = to_attribute(item);
      if (!attribute) return nullptr;
      items.push_back(make.constant(std::move(*attribute), type_of(item, like)));
    }
    const char* op = constant.list()->tuple ? "prim::TupleConstruct" : "prim::ListConstruct";
    return make.node(op, items, nullptr, 1, like.type())->output();
  }

  static ir::Type type_of(const Constant& constant, const ir::Value& like) {
    if (constant.as<int64_t>() != nullptr) return ir::Type::integer();
    if (constant.as<double>() != nullptr) return ir::Type::real();
    if (constant.as<bool>() != nullptr) return ir::Type::boolean();
    if (constant.as<std::string>() != nullptr) return ir::Type::string();
    if (constant.is_none()) return ir::Type::none();
    return like.type();
  }

  static constexpr size_t kMaxItems = 4096;
  static constexpr size_t kMaxUses = 4096;
  static constexpr int kMaxDepth = 8;

  ir::Graph& graph_;
  bool frozen_;  // no list or dict changes anywhere
  std::unordered_map<const ir::Value*, bool> stable_;
};

}  // namespace

void fold_scalars(ir::Graph& graph) { Folder(graph).run(); }

}  // namespace onnxport
