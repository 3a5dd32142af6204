#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/ir/graph.h"

namespace onnxport::ir {

namespace {

class Checker {
 public:
  explicit Checker(const Graph& graph) : graph_(graph) {}

  std::vector<std::string> check() {
    initializers();
    collect(graph_.body(), nullptr);
    block(graph_.body());
    uses_are_live();
    if (!graph_.input_names.empty() && graph_.input_names.size() != graph_.body().parameters().size()) {
      report("input_names does not match the graph's inputs");
    }
    if (!graph_.output_names.empty() && graph_.output_names.size() != graph_.body().result_count()) {
      report("output_names does not match the graph's results");
    }
    return std::move(found_);
  }

 private:
  void report(std::string what) { found_.push_back(std::move(what)); }

  void report(const Node& node, const std::string& what) {
    std::string where(node.op_text());
    if (!node.name().empty()) where += " \"" + std::string(node.name().text()) + '"';
    report(where + ": " + what);
  }

  static std::string name_of(const Value& value) {
    return value.name().empty() ? "a value without a name" : '%' + std::string(value.name().text());
  }

  void initializers() {
    std::unordered_set<std::string_view> names;
    for (const Value* value : graph_.initializers()) {
      if (value->constant() == nullptr) {
        report(name_of(*value) + " is an initializer without its tensor");
        continue;
      }
      if (value->producer() != nullptr || value->block() != nullptr) {
        report(name_of(*value) + " is an initializer that something else also defines");
      }
      if (value->type().is_tensor() && value->type().dtype() != value->constant()->dtype() &&
          !value->type().stands_for_complex()) {
        report(name_of(*value) + " is typed " + value->type().text() + " but holds " +
               value->constant()->type().text());
      }
      if (!value->name().empty() && !names.insert(value->name().text()).second) {
        report(name_of(*value) + " is the name of two initializers");
      }
      visible_.insert(value);
      values_.push_back(value);
    }
  }

  // Every node that is somewhere in the graph, and every value it defines.
  void collect(const Block& block, const Node* owner) {
    if (block.owner() != owner) report("a block belongs to another node than the one that lists it");
    live_.insert(&block.returns());
    values_.insert(values_.end(), block.parameters().begin(), block.parameters().end());
    const Node* previous = nullptr;
    for (const Node* node : block) {
      if (!live_.insert(node).second) {
        report(*node, "is in the graph twice");
        return;  // a list that bites its tail would never end
      }
      if (node->parent() != &block || node->previous() != previous)
        report(*node, "its list links do not agree");
      previous = node;
      values_.insert(values_.end(), node->outputs().begin(), node->outputs().end());
      for (const Block* inner : node->blocks()) collect(*inner, node);
    }
    if (block.last() != previous) report("a block's last node is not the end of its list");
  }

  void block(const Block& block) {
    std::vector<const Value*> defined;
    const auto define = [&](const Value* value) {
      visible_.insert(value);
      defined.push_back(value);
    };
    for (size_t i = 0; i < block.parameters().size(); ++i) {
      const Value* value = block.parameters()[i];
      if (value->block() != &block || value->index() != i)
        report(name_of(*value) + " does not know whose parameter it is");
      define(value);
    }
    for (const Node* node : block) {
      operands(*node);
      shape_of_node(*node);
      for (const Block* inner : node->blocks()) this->block(*inner);
      for (size_t i = 0; i < node->output_count(); ++i) {
        const Value* value = node->output(i);
        if (value->producer() != node || value->index() != i)
          report(*node, "an output does not know its producer");
        define(value);
      }
    }
    operands(block.returns());
    for (size_t i = 0; i < block.result_count(); ++i) {
      if (block.result(i) == nullptr) report("result " + std::to_string(i) + " of a block does not exist");
    }
    for (const Value* value : defined) visible_.erase(value);
  }

  void operands(const Node& node) {
    for (size_t i = 0; i < node.operand_count(); ++i) {
      const Value* value = node.operand(i);
      if (value == nullptr) continue;
      ++uses_[value];
      if (visible_.count(value) == 0) {
        report(node,
               "operand " + std::to_string(i) + " (" + name_of(*value) + ") is not defined before its use");
      }
    }
  }

  // The use list of each value holds its uses in the graph, each once, and nothing else.
  void uses_are_live() {
    for (const Value* value : values_) {
      size_t listed = 0;
      const auto counted = uses_.find(value);
      const size_t expected = counted == uses_.end() ? 0 : counted->second;
      for (const Operand* use = value->first_use(); use != nullptr && listed <= expected; use = use->next()) {
        ++listed;
        if (use->value() != value) report(name_of(*value) + " lists a use of another value");
        if (live_.count(use->user()) == 0) {
          report(name_of(*value) +
                 " is used by a node outside the graph: " + std::string(use->user()->op_text()));
        } else if (use->index() >= use->user()->operand_count() ||
                   use->user()->operand(use->index()) != value) {
          report(*use->user(),
                 "its operand " + std::to_string(use->index()) + " and the use list do not agree");
        }
      }
      if (listed != expected) report(name_of(*value) + " does not list each of its uses once");
    }
  }

  void shape_of_node(const Node& node) {
    schema(node);
    for (const Attribute& a : node.attributes()) {
      const auto* block = std::get_if<Block*>(&a.value);
      if (block != nullptr && (*block == nullptr || (*block)->owner() != &node)) {
        report(node, "attribute " + std::string(a.name.text()) + " is a block of another node");
      }
    }
    const std::string_view op = node.op_text();
    if (op == "prim::Constant" && (node.attribute("value") == nullptr || node.output_count() != 1)) {
      report(node, "a constant has one output and an attribute \"value\"");
    }
    const bool torch = graph_.dialect() == Graph::Dialect::torch;
    if (op == (torch ? "prim::If" : "If")) branches(node);
    if (op == (torch ? "prim::Loop" : "Loop")) loop(node, torch);
    if (op == "prim::Scan") scan(node);
  }

  void schema(const Node& node) {
    const Schema* schema = node.schema();
    if (schema == nullptr) return;
    if (graph_.dialect() == Graph::Dialect::onnx) return report(node, "has a torch schema in an ONNX graph");
    if (schema->qualified_name() != node.op_text())
      report(node, "has the schema of " + schema->qualified_name());
    const size_t arguments = schema->arguments.size();
    if (node.operand_count() < arguments || (node.operand_count() > arguments && !schema->more_arguments)) {
      report(node, "has " + std::to_string(node.operand_count()) + " operands, its schema " +
                       std::to_string(arguments));
    }
    const size_t returns = schema->returns.size();
    if (node.output_count() < returns || (node.output_count() > returns && !schema->more_returns)) {
      report(node, "has " + std::to_string(node.output_count()) + " outputs, its schema " +
                       std::to_string(returns));
    }
  }

  void branches(const Node& node) {
    if (node.blocks().size() != 2 || node.operand_count() != 1) {
      return report(node, "needs one condition and two blocks");
    }
    for (const Block* block : node.blocks()) {
      if (!block->parameters().empty()) report(node, "a branch takes no parameters");
      if (block->result_count() != node.output_count())
        report(node, "a branch has another number of results than outputs");
    }
  }

  // Operands: trip count, condition, carried…; body: (i[, condition in ONNX], carried…) -> (condition,
  // carried…[, scanned]).
  void loop(const Node& node, bool torch) {
    if (node.blocks().size() != 1 || node.operand_count() < 2)
      return report(node, "needs a trip count, a condition and a body");
    const Block& body = *node.blocks()[0];
    const size_t carried = node.operand_count() - 2;
    if (body.parameters().size() != carried + (torch ? 1 : 2))
      report(node, "its body takes other values than it is given");
    if (body.result_count() != node.output_count() + 1)
      report(node, "its body has other results than it has outputs");
    if (torch ? node.output_count() != carried : node.output_count() < carried) {
      report(node, "its outputs do not match the values it carries");
    }
  }

  // Operands: states…, sequences…; body: (states…, slices…) -> (states…, stacked…).
  void scan(const Node& node) {
    const auto* states = node.attribute_as<int64_t>("states");
    if (node.blocks().size() != 1 || states == nullptr || *states < 0 ||
        static_cast<size_t>(*states) >= node.operand_count()) {
      return report(node, "needs a body, a number of states and a sequence");
    }
    const Block& body = *node.blocks()[0];
    if (body.parameters().size() != node.operand_count())
      report(node, "its body takes other values than it is given");
    if (body.result_count() != node.output_count() || node.output_count() < static_cast<size_t>(*states))
      report(node, "its body has other results than it has outputs");
  }

  const Graph& graph_;
  std::vector<std::string> found_;
  std::unordered_set<const Value*> visible_;
  std::unordered_set<const Node*> live_;
  std::vector<const Value*> values_;
  std::unordered_map<const Value*, size_t> uses_;
};

}  // namespace

std::vector<std::string> check_invariants(const Graph& graph) { return Checker(graph).check(); }

}  // namespace onnxport::ir
