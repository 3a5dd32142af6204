#include "core/prepare/fold.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/argument/scalars.h"
#include "core/argument/torch_operators.h"
#include "core/ir/node_location.h"
#include "core/ir/regions.h"
#include "core/prepare/aliases.h"
#include "core/prepare/clone.h"
#include "core/prepare/node_facts.h"

namespace onnxport {

namespace {

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
  Folder(ir::Graph& graph, std::vector<Diagnostic>& notes)
      : graph_(graph), notes_(notes), frozen_(!writes_some_container(graph.body())) {}

  void run() {
    if (!frozen_) take_apart_held_lists();
    walk(graph_.body());
  }

 private:
  // A list of numbers that the module holds and its code changes is no constant.
  void take_apart_held_lists() {
    std::vector<ir::Node*> held;
    for (ir::Node* node : graph_.body()) {
      if (node->op() == "prim::Constant" && node->attribute("attribute") != nullptr &&
          node->output()->type().kind() == ir::Type::Kind::list && !is_stable(*node->output()))
        held.push_back(node);
    }
    for (ir::Node* node : held) {
      NodeMaker make(*node);
      ir::Value* list = emit(describe(node->output(), /*deep=*/false), *node->output(), make);
      if (list == nullptr) continue;
      list->producer()->set_attribute(graph_.intern("attribute"), *node->attribute("attribute"));
      node->output()->replace_all_uses_with(list);
    }
  }

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
    if (decide_identity(node) || decide_mode(node) || decide_length(node) || pass_through(node)) return false;
    evaluate(node);
    return false;
  }

  bool walk_blocks(ir::Node& node) {
    for (ir::Block* block : node.blocks()) walk(*block);
    return false;
  }

  // ---- regions ----

  static const ir::Node* raised(const ir::Block& block) {
    for (const ir::Node* node : block) {
      if (node->op() == "prim::RaiseException") return node;
    }
    return nullptr;
  }

  // The file computes on where the model would stop: that is said, once for each place.
  void note_check(const ir::Node& raise) {
    Diagnostic note;
    note.severity = Severity::note;
    note.code = "T547";
    note.place = location_of(raise);
    const ir::AttributeValue* text = raise.operand_count() == 0 ? nullptr : constant_value(raise.operand(0));
    const auto* words = text == nullptr ? nullptr : std::get_if<std::string>(text);
    note.message = "a check of values that only a run knows is left out";
    if (words != nullptr && !words->empty()) note.message += ": '" + *words + "'";
    note.hint = "the file goes on where the model would raise";
    const auto same = [&](const Diagnostic& d) {
      return d.message == note.message && d.place.text() == note.place.text();
    };
    if (std::none_of(notes_.begin(), notes_.end(), same)) notes_.push_back(std::move(note));
  }

  bool inline_branch(ir::Node& node) {
    if (node.blocks().size() != 2) return false;
    auto condition = constant_bool(node.operand(0));
    // ONNX cannot raise: where one branch only does that, a model that gives a result took the other.
    if (!condition) {
      const ir::Node* first = raised(*node.blocks()[0]);
      const ir::Node* second = raised(*node.blocks()[1]);
      if ((first == nullptr) == (second == nullptr)) return false;
      note_check(first != nullptr ? *first : *second);
      condition = second != nullptr;
    }
    ir::inline_block(graph_, node, *node.blocks()[*condition ? 0 : 1]);
    return true;
  }

  bool unroll(ir::Node& node) {
    ir::Block& body = *node.blocks()[0];
    const auto trips = constant_int(node.operand(0));
    const auto entered = constant_bool(node.operand(1));
    const bool never = (trips && *trips <= 0) || (entered && !*entered);
    if (!never) {
      if (!trips || !entered || !constant_bool(body.result(0)).value_or(false)) return false;
      if (!ir::may_unroll(body, *trips)) return false;
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
    if (a != nullptr && a == b) return settle(node, Argument{is});
    if (a != nullptr && b != nullptr && is_tensor_of_its_own(*a) && is_tensor_of_its_own(*b))
      return settle(node, Argument{!is});
    for (size_t i = 0; i < 2; ++i) {
      const ir::AttributeValue* none = constant_value(node.operand(i));
      const ir::Value* other = node.operand(1 - i);
      if (none == nullptr || !std::holds_alternative<std::monostate>(*none) || other == nullptr) continue;
      if (is_never_none(*other)) return settle(node, Argument{!is});
    }
    return false;
  }

  // Exporting is neither training under autograd nor autocast; code asks to choose fast paths.
  bool decide_mode(ir::Node& node) {
    static constexpr std::array<std::string_view, 6> kOff = {
        "aten::is_autocast_enabled", "aten::is_autocast_cpu_enabled", "aten::is_grad_enabled",
        "aten::_get_tracing_state",  "aten::has_torch_function",      "aten::_is_tracing"};
    if (node.output_count() != 1) return false;
    if (node.op() == "aten::is_scripting") return settle(node, Argument{true});
    if (std::find(kOff.begin(), kOff.end(), node.op_text()) == kOff.end()) return false;
    return settle(node, Argument{false});
  }

  // len() of a list whose elements are exchanged and whose length nothing changes.
  bool decide_length(ir::Node& node) {
    if (operator_base_name(node.op_text()) != "aten::len" || node.operand_count() != 1) return false;
    const ir::Value* list = node.operand(0);
    const ir::Node* made = list == nullptr ? nullptr : list->producer();
    if (made == nullptr || made->op() != "prim::ListConstruct") return false;
    size_t seen = 0;
    for (const ir::Operand* use = list->first_use(); use != nullptr; use = use->next()) {
      const std::string_view name = operator_base_name(use->user()->op_text());
      const bool keeps = name == "aten::len" || name == "aten::__getitem__" || name == "aten::_set_item";
      if (!keeps || use->user()->operand(0) != list || ++seen > kMaxUses) return false;
    }
    return settle(node, Argument{static_cast<int64_t>(made->operand_count())});
  }

  bool pass_through(ir::Node& node) {
    if (!hands_operand_on(node.op_text()) || node.operand_count() == 0 || node.operand(0) == nullptr)
      return false;
    node.output()->replace_all_uses_with(node.operand(0));
    return true;
  }

  // ---- evaluation ----

  // A constant, the items of a list that does not change, or just the value. Lists inside are values too, so that
  // what is taken out is the list itself; `deep`: their items, for what compares them.
  Argument describe(ir::Value* value, bool deep, int depth = 0) {
    if (value == nullptr) return {};
    const ir::AttributeValue* constant = constant_value(value);
    if (constant != nullptr && !std::holds_alternative<ir::Tensor>(*constant)) return to_argument(*constant);
    const ir::Node* made = depth < (deep ? kMaxDepth : 1) ? construct(value) : nullptr;
    if (made == nullptr) return Argument::of(value);
    auto& known = deep ? deep_lists_ : lists_;
    const auto found = known.find(made);
    if (found != known.end()) return found->second;
    std::vector<Argument> items;
    for (size_t i = 0; i < made->operand_count(); ++i)
      items.push_back(describe(made->operand(i), deep, depth + 1));
    using Form = ArgumentList::Form;
    const Form form = made->op() == "prim::TupleConstruct"  ? Form::tuple
                      : made->op() == "prim::DictConstruct" ? Form::dict
                                                            : Form::list;
    return known[made] = Argument::list_of(std::move(items), form);
  }

  std::optional<std::vector<Argument>> results_of(const ir::Node& node, bool deep) {
    std::vector<Argument> arguments;
    for (size_t i = 0; i < node.operand_count(); ++i) {
      arguments.push_back(describe(node.operand(i), deep));
      if (arguments[0].kind() == Argument::Kind::value)
        return std::nullopt;  // of a tensor, or of a list nothing is known of
    }
    return evaluate_call(node.op_text(), arguments, node.output_count());
  }

  // Whether an operand is a list that holds another.
  static bool has_nested_list(const ir::Node& node) {
    for (size_t i = 0; i < node.operand_count(); ++i) {
      const ir::Node* made = node.operand(i) == nullptr ? nullptr : node.operand(i)->producer();
      if (made == nullptr || !is_construct(*made)) continue;
      for (size_t k = 0; k < made->operand_count(); ++k) {
        const ir::Node* inner = made->operand(k) == nullptr ? nullptr : made->operand(k)->producer();
        if (inner != nullptr && is_construct(*inner)) return true;
      }
    }
    return false;
  }

  void evaluate(ir::Node& node) {
    if (node.operand_count() == 0 || node.output_count() == 0 || written_operand(node) >= 0) return;
    auto results = results_of(node, /*deep=*/false);
    if (!results && has_nested_list(node)) results = results_of(node, /*deep=*/true);
    if (!results) return;
    NodeMaker make(node);
    for (size_t i = 0; i < node.output_count(); ++i) settle(*node.output(i), (*results)[i], make);
  }

  bool settle(ir::Node& node, const Argument& result) {
    NodeMaker make(node);
    return settle(*node.output(), result, make);
  }

  bool settle(ir::Value& output, const Argument& result, NodeMaker& make) {
    ir::Value* value = emit(result, output, make);
    if (value == nullptr) return false;
    if (result.value() == nullptr) value->set_name(output.name());
    output.replace_all_uses_with(value);
    return true;
  }

  // The value itself; a constant node; constructs for what is no attribute, and for a list that is changed later.
  ir::Value* emit(const Argument& argument, const ir::Value& like, NodeMaker& make) {
    if (argument.kind() == Argument::Kind::value) return argument.value();
    const ArgumentList* list = argument.list();
    if (list == nullptr || is_stable(like)) {
      if (auto attribute = to_attribute(argument))
        return make.constant(std::move(*attribute), type_of(argument, like));
    }
    if (list == nullptr || list->form() == ArgumentList::Form::dict) return nullptr;
    std::vector<ir::Value*> items;
    for (const Argument& item : list->items()) {
      if (item.kind() == Argument::Kind::value) {
        items.push_back(item.value());
        continue;
      }
      auto attribute = to_attribute(item);
      if (!attribute) return nullptr;
      items.push_back(make.constant(std::move(*attribute), type_of(item, like)));
    }
    const bool tuple = list->form() == ArgumentList::Form::tuple;
    return make.node(tuple ? "prim::TupleConstruct" : "prim::ListConstruct", items, nullptr, 1, like.type())
        ->output();
  }

  static ir::Type type_of(const Argument& constant, const ir::Value& like) {
    switch (constant.kind()) {
      case Argument::Kind::integer:
        return ir::Type::integer();
      case Argument::Kind::real:
        return ir::Type::real();
      case Argument::Kind::boolean:
        return ir::Type::boolean();
      case Argument::Kind::string:
        return ir::Type::string();
      case Argument::Kind::none:
        return ir::Type::none();
      default:
        return like.type();
    }
  }

  static constexpr size_t kMaxUses = 4096;
  static constexpr int kMaxDepth = 8;

  ir::Graph& graph_;
  std::vector<Diagnostic>& notes_;
  bool frozen_;  // no list or dict changes anywhere
  std::unordered_map<const ir::Value*, bool> stable_;
  std::unordered_map<const ir::Node*, Argument> lists_, deep_lists_;  // constructs that were described
};

}  // namespace

void fold_scalars(ir::Graph& graph, std::vector<Diagnostic>& notes) { Folder(graph, notes).run(); }

}  // namespace onnxport
