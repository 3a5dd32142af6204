#include "core/libtorch/interpret.h"

#include <ATen/core/ivalue_inl.h>
#include <ATen/ops/select.h>
#include <ATen/ops/stack.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "core/ir/custom_writes.h"
#include "core/ir/node_location.h"
#include "core/libtorch/convert.h"
#include "core/libtorch/ivalue.h"
#include "core/libtorch/operators.h"

namespace onnxport {
namespace {

using torch::jit::Stack;

// Initializers and inputs that the graph may write to: those are copied first, all others are used where they
// lie.
class WrittenValues {
 public:
  explicit WrittenValues(const ir::Graph& graph) {
    ir::for_each_node(const_cast<ir::Graph&>(graph).body(), [&](ir::Node* node) { visit(*node); });
    while (!open_.empty()) {
      const ir::Value* value = open_.back();
      open_.pop_back();
      follow(*value);
    }
  }
  bool contains(const ir::Value* value) const { return written_.contains(value); }

 private:
  void add(const ir::Value* value) {
    if (value != nullptr && written_.insert(value).second) open_.push_back(value);
  }
  void visit(const ir::Node& node) {
    const ir::Schema* schema = node.schema();
    for (size_t i = 0; schema != nullptr && i < schema->arguments.size() && i < node.operand_count(); ++i) {
      if (schema->arguments[i].is_written) add(node.operand(i));
    }
  }
  // What `value` may be a view of.
  void follow(const ir::Value& value) {
    if (const ir::Block* block = value.block(); block != nullptr && block->owner() != nullptr) {
      for (size_t i = 0; i < block->owner()->operand_count(); ++i) add(block->owner()->operand(i));
    }
    const ir::Node* node = value.producer();
    if (node == nullptr) return;
    const ir::Schema* schema = node->schema();
    for (size_t i = 0; i < node->operand_count(); ++i) {
      if (schema == nullptr || i >= schema->arguments.size() || !schema->arguments[i].alias_set.empty())
        add(node->operand(i));
    }
    for (const ir::Block* block : node->blocks()) {
      for (size_t i = 0; i < block->result_count(); ++i) add(block->result(i));
    }
  }

  std::unordered_set<const ir::Value*> written_;
  std::vector<const ir::Value*> open_;
};

class Interpreter {
 public:
  Interpreter(const ir::Graph& graph, const TorchInterface::Observer& observer,
              const TorchInterface::Fallback& fallback)
      : graph_(graph), observer_(observer), fallback_(fallback), written_(graph) {}

  std::vector<Argument> run(const std::vector<Argument>& inputs) {
    const auto parameters = graph_.body().parameters();
    if (inputs.size() != parameters.size())
      throw Error("V804", "the graph takes " + std::to_string(parameters.size()) + " inputs, " +
                              std::to_string(inputs.size()) + " are given");
    for (size_t i = 0; i < inputs.size(); ++i) set(parameters[i], owned(parameters[i], to_ivalue(inputs[i])));
    run_nodes(graph_.body(), /*release=*/true);
    std::vector<Argument> out;
    for (size_t i = 0; i < graph_.body().result_count(); ++i)
      out.push_back(from_ivalue(get(graph_.body().result(i))));
    return out;
  }

 private:
  c10::IValue owned(const ir::Value* value, c10::IValue torch) const {
    return torch.isTensor() && written_.contains(value) ? c10::IValue(torch.toTensor().clone()) : torch;
  }

  static c10::IValue constant(const ir::AttributeValue& value, const ir::Type& type) {
    c10::IValue out = to_ivalue(to_argument(value));
    if (!out.isList()) return out;
    const c10::TypePtr wanted = to_torch_type(type);
    if (wanted) return adapt(std::move(out), *wanted);
    return out.toListRef().empty() ? make_list(c10::IntType::get(), {}) : out;
  }

  const c10::IValue& get(const ir::Value* value) {
    static const c10::IValue none;
    if (value == nullptr) return none;
    const auto found = values_.find(value);
    if (found != values_.end()) return found->second;
    if (!value->is_constant()) throw Error("V804", "a value of the graph was never computed");
    return values_.emplace(value, owned(value, to_torch(*value->constant()))).first->second;
  }

  void set(const ir::Value* value, c10::IValue torch) {
    if (observer_) observer_(*value, observed(torch));
    values_[value] = std::move(torch);
  }

  // A copy: later in-place operators must not change what the observer saw.
  static Argument observed(const c10::IValue& value) {
    try {
      return from_ivalue(
          value.isTensor() && value.toTensor().defined() ? c10::IValue(value.toTensor().clone()) : value);
    } catch (const Error&) {
      return {};  // an object or the like, of which there is nothing to see
    }
  }

  // The nodes of the body after which a value is not needed any more, so that a large model's intermediates
  // do not pile up. Uses in inner blocks count as uses by the node of the body that holds them.
  void find_last_uses() {
    for (ir::Node* node : graph_.body()) {
      const auto use = [&](const ir::Node& n) {
        for (size_t i = 0; i < n.operand_count(); ++i) last_use_[n.operand(i)] = node;
      };
      use(*node);
      for (ir::Block* block : node->blocks()) {
        ir::for_each_node(*block, [&](ir::Node* inner) {
          use(*inner);
          for (const ir::Block* b : inner->blocks()) use(b->returns());
        });
        use(block->returns());
      }
    }
    for (size_t i = 0; i < graph_.body().result_count(); ++i) last_use_.erase(graph_.body().result(i));
  }

  void run_nodes(const ir::Block& block, bool release) {
    if (release) find_last_uses();
    for (const ir::Node* node : block) {
      run_node(*node);
      if (!release) continue;
      for (size_t i = 0; i < node->operand_count(); ++i) {
        const auto last = last_use_.find(node->operand(i));
        if (last != last_use_.end() && last->second == node) values_.erase(node->operand(i));
      }
    }
  }

  // libtorch's words without what follows them: advice for its builders, and a list of all its backends.
  static std::string brief(const std::string& words) {
    return words.substr(
        0, std::min(words.find(" This could be because"), words.find("\nException raised from")));
  }

  void run_node(const ir::Node& node) {
    try {
      if (!run_structural(node)) run_operator(node);
    } catch (const c10::Error& e) {
      throw Error("V804", "libtorch cannot run this operator: " + brief(e.what_without_backtrace()),
                  location_of(node), "check the element types and sizes of the inputs");
    } catch (const Error&) {
      throw;
    } catch (const std::exception& e) {
      throw Error("V804", "libtorch cannot run this operator: " + brief(e.what()), location_of(node),
                  "check the element types and sizes of the inputs");
    }
  }

  // Nodes that move values around instead of computing them.
  bool run_structural(const ir::Node& node) {
    const std::string_view op = node.op_text();
    if (!op.starts_with("prim::")) return false;
    const auto first = [&]() -> const c10::IValue& { return get(node.operand(0)); };
    if (op == "prim::Constant") {
      const ir::AttributeValue* value = node.attribute("value");
      set(node.output(), value == nullptr ? c10::IValue() : constant(*value, node.output()->type()));
    } else if (op == "prim::If") {
      run_if(node);
    } else if (op == "prim::Loop") {
      run_loop(node);
    } else if (op == "prim::Scan") {
      run_scan(node);
    } else if (op == "prim::ListConstruct") {
      const c10::TypePtr type = to_torch_type(node.output()->type());
      set(node.output(), make_list(type ? type->containedType(0) : nullptr, operands(node)));
    } else if (op == "prim::TupleConstruct") {
      set(node.output(), c10::ivalue::Tuple::create(operands(node)));
    } else if (op == "prim::DictConstruct") {
      run_dict(node);
    } else if (op == "prim::ListUnpack" || op == "prim::TupleUnpack") {
      const std::vector<c10::IValue> items = elements(first());
      if (items.size() != node.output_count())
        throw Error("V804",
                    "expected " + std::to_string(node.output_count()) + " elements, found " +
                        std::to_string(items.size()),
                    location_of(node));
      for (size_t i = 0; i < items.size(); ++i) set(node.output(i), items[i]);
    } else if (op == "prim::TupleIndex") {
      const std::vector<c10::IValue> items = elements(first());
      const int64_t index = get(node.operand(1)).toInt();
      set(node.output(),
          items.at(static_cast<size_t>(index < 0 ? index + static_cast<int64_t>(items.size()) : index)));
    } else if (op == "prim::SetAttr") {
      return true;
    } else if (op == "prim::Uninitialized") {
      set(node.output(), {});
    } else if (op == "prim::RaiseException") {
      throw Error("V804",
                  "the model raised an exception" +
                      (first().isString() ? ": " + first().toStringRef() : std::string()),
                  location_of(node), "give inputs the model accepts");
    } else {
      return false;
    }
    return true;
  }

  static std::vector<c10::IValue> elements(const c10::IValue& value) {
    return value.isTuple() ? value.toTupleRef().elements().vec() : value.toListRef().vec();
  }

  std::vector<c10::IValue> operands(const ir::Node& node) {
    std::vector<c10::IValue> out;
    for (size_t i = 0; i < node.operand_count(); ++i) out.push_back(get(node.operand(i)));
    return out;
  }

  void run_dict(const ir::Node& node) {
    const c10::TypePtr key = to_torch_type(node.output()->type().elements().at(0));
    const c10::TypePtr value = to_torch_type(node.output()->type().elements().at(1));
    c10::impl::GenericDict dict(key ? key : c10::TypePtr(c10::StringType::get()),
                                value ? value : c10::TypePtr(c10::AnyType::get()));
    for (size_t i = 0; i + 1 < node.operand_count(); i += 2)
      dict.insert_or_assign(get(node.operand(i)), get(node.operand(i + 1)));
    set(node.output(), dict);
  }

  void run_if(const ir::Node& node) {
    const bool taken = get(node.operand(0)).toBool();
    const ir::Block& block = *node.blocks()[taken ? 0 : 1];
    run_nodes(block, false);
    for (size_t i = 0; i < node.output_count(); ++i) set(node.output(i), get(block.result(i)));
  }

  void run_loop(const ir::Node& node) {
    const ir::Block& body = *node.blocks()[0];
    const c10::IValue trips = get(node.operand(0));
    const int64_t limit = trips.isNone() ? std::numeric_limits<int64_t>::max() : trips.toInt();
    bool go_on = get(node.operand(1)).toBool();
    std::vector<c10::IValue> carried = operands(node);
    carried.erase(carried.begin(), carried.begin() + 2);
    for (int64_t i = 0; i < limit && go_on; ++i) {
      set(body.parameters()[0], i);
      for (size_t k = 0; k < carried.size(); ++k) set(body.parameters()[k + 1], carried[k]);
      run_nodes(body, false);
      go_on = get(body.result(0)).toBool();
      for (size_t k = 0; k < carried.size(); ++k) carried[k] = get(body.result(k + 1));
    }
    for (size_t k = 0; k < carried.size(); ++k) set(node.output(k), carried[k]);
  }

  void run_scan(const ir::Node& node) {
    const ir::Block& body = *node.blocks()[0];
    const auto states = static_cast<size_t>(*node.attribute_as<int64_t>("states"));
    const std::vector<c10::IValue> given = operands(node);
    for (size_t k = 0; k < states; ++k) set(body.parameters()[k], given[k]);
    std::vector<std::vector<at::Tensor>> stacked(node.output_count() - states);
    const int64_t turns = given.back().toTensor().size(0);
    if (turns == 0) throw Error("V804", "a scan over no elements cannot be evaluated", location_of(node));
    for (int64_t turn = 0; turn < turns; ++turn) {
      for (size_t k = states; k < given.size(); ++k)
        set(body.parameters()[k], given[k].toTensor().select(0, turn));
      run_nodes(body, false);
      for (size_t k = 0; k < stacked.size(); ++k)
        stacked[k].push_back(get(body.result(states + k)).toTensor());
      std::vector<c10::IValue> next;
      for (size_t k = 0; k < states; ++k) next.push_back(get(body.result(k)));
      for (size_t k = 0; k < states; ++k) set(body.parameters()[k], next[k]);
    }
    for (size_t k = 0; k < states; ++k) set(node.output(k), get(body.parameters()[k]));
    for (size_t k = 0; k < stacked.size(); ++k) set(node.output(states + k), at::stack(stacked[k]));
  }

  // The kernel of a node; nullptr when there is none.
  std::shared_ptr<torch::jit::Operator> kernel(const ir::Node& node,
                                               const std::vector<c10::IValue>& arguments) {
    if (node.schema() == nullptr) return overload(node, arguments);
    const auto [slot, fresh] = kernels_.try_emplace(node.op_text());
    if (fresh && !is_stub(node.op_text()))
      slot->second =
          torch::jit::findOperatorFor(c10::OperatorName(node.schema()->name, node.schema()->overload));
    if (slot->second == nullptr && node.op_text().starts_with("prim::")) return overload(node, arguments);
    return slot->second;
  }

  // prim operators carry no overload: the first whose arguments fit.
  static std::shared_ptr<torch::jit::Operator> overload(const ir::Node& node,
                                                        const std::vector<c10::IValue>& arguments) {
    const std::string_view full = node.op_text();
    const std::string name(full.substr(0, full.find('.')));
    for (const auto& candidate : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(name))) {
      const auto& wanted = candidate->schema().arguments();
      if (wanted.size() != arguments.size() && !candidate->schema().is_vararg()) continue;
      bool fits = true;
      for (size_t i = 0; i < wanted.size() && i < arguments.size() && fits; ++i) {
        const c10::IValue given = adapt(arguments[i], *wanted[i].type());
        fits = given.type()->isSubtypeOf(*wanted[i].type()) ||
               wanted[i].type()->kind() == c10::TypeKind::VarType || wanted[i].type()->hasFreeVariables();
      }
      if (fits) return candidate;
    }
    return nullptr;
  }

  void run_operator(const ir::Node& node) {
    std::vector<c10::IValue> arguments = operands(node);
    const std::shared_ptr<torch::jit::Operator> op = kernel(node, arguments);
    if (!op) return run_fallback(node, arguments);
    const auto& wanted = op->schema().arguments();
    Stack stack;
    for (size_t i = 0; i < arguments.size(); ++i) {
      stack.push_back(i < wanted.size() ? adapt(std::move(arguments[i]), *wanted[i].type())
                                        : std::move(arguments[i]));
    }
    if (op->schema().is_vararg() && !(node.op() == "prim::tolist"))
      stack.emplace_back(static_cast<int64_t>(arguments.size()));
    for (size_t i = 0; i < stack.size() && i < wanted.size(); ++i) {
      if (const std::string fault = enumerator_fault(wanted[i], stack[i]); !fault.empty())
        throw Error("V804", "libtorch cannot run this operator: " + fault, location_of(node), "");
    }
    op->getOperation()(stack);
    const size_t count = std::min(stack.size(), node.output_count());
    for (size_t i = 0; i < count; ++i)
      set(node.output(i), std::move(stack[stack.size() - node.output_count() + i]));
  }

  void run_fallback(const ir::Node& node, const std::vector<c10::IValue>& arguments) {
    std::vector<Argument> given;
    for (const c10::IValue& argument : arguments) given.push_back(from_ivalue(argument));
    std::vector<Argument> outputs(node.output_count());
    if (!fallback_ || !fallback_(node, given, outputs))
      throw Error("V803",
                  "operator '" + std::string(node.op_text()) +
                      "' has no kernel here and no function body to stand in",
                  location_of(node), "load its kernels with --torch-library FILE");
    set_with_writes(node, arguments, outputs);
  }

  // A mapping gives the returns that are no written argument, then the new contents of each written argument.
  void set_with_writes(const ir::Node& node, const std::vector<c10::IValue>& arguments,
                       const std::vector<Argument>& given) {
    const ir::CustomWrites writes = ir::custom_writes(node);
    size_t at = 0;
    for (size_t i = 0; i < node.output_count() && at < given.size(); ++i) {
      if (writes.returned[i] < 0) set(node.output(i), to_ivalue(given[at++]));
    }
    for (const size_t k : writes.arguments) {
      if (at < given.size() && arguments[k].isTensor())
        arguments[k].toTensor().copy_(to_ivalue(given[at]).toTensor());
      ++at;
    }
    for (size_t i = 0; i < node.output_count(); ++i) {
      if (writes.returned[i] >= 0) set(node.output(i), arguments[static_cast<size_t>(writes.returned[i])]);
    }
  }

  const ir::Graph& graph_;
  const TorchInterface::Observer& observer_;
  const TorchInterface::Fallback& fallback_;
  WrittenValues written_;
  std::unordered_map<const ir::Value*, c10::IValue> values_;
  std::unordered_map<const ir::Value*, const ir::Node*> last_use_;
  std::unordered_map<std::string_view, std::shared_ptr<torch::jit::Operator>> kernels_;
};

}  // namespace

std::vector<Argument> evaluate_graph(const ir::Graph& graph, const std::vector<Argument>& inputs,
                                     const TorchInterface::Observer& observer,
                                     const TorchInterface::Fallback& fallback) {
  const c10::AutoGradMode no_gradients(false);
  return Interpreter(graph, observer, fallback).run(inputs);
}

}  // namespace onnxport
