#include "core/ir/graph_clone.h"

#include <cassert>

namespace onnxport::ir {

namespace {

// Names, schemas and provenances are looked up by their addresses, so that each is copied once.
class GraphCloner {
 public:
  GraphCloner(const Graph& from, Graph& to, std::unordered_map<const Value*, Value*>& values)
      : from_(from), to_(&to), values_(values) {}

  void nodes(std::span<const Node* const> nodes) {
    for (const Node* node : nodes) to_->append(to_->body(), copy(*node));
  }

  void all() {
    values_.reserve(from_.node_count());
    for (const Value* value : from_.initializers()) {
      Value* copy = to_->add_initializer(value->name().text(), *value->constant());
      copy->set_type(value->type());
      values_[value] = copy;
    }
    fill(from_.body(), to_->body());
    to_->symbols = from_.symbols;
    to_->input_names = from_.input_names;
    to_->output_names = from_.output_names;
    to_->opsets = from_.opsets;
    to_->functions = from_.functions;
    to_->metadata = from_.metadata;
    to_->graph_name = from_.graph_name;
    to_->states = from_.states;
    to_->anonymous_symbols = from_.anonymous_symbols;
  }

 private:
  Symbol symbol(Symbol from) {
    if (from.text().data() == nullptr) return {};
    const auto [at, fresh] = symbols_.try_emplace(from.text().data());
    if (fresh) at->second = to_->intern(from.text());
    return at->second;
  }

  const Schema* schema(const Schema* from) {
    if (from == nullptr) return nullptr;
    const auto [at, fresh] = schemas_.try_emplace(from, nullptr);
    if (fresh) {
      const bool shared = from_.find_schema(from->qualified_name()) == from;
      at->second = shared ? to_->keep(*from) : to_->keep_apart(*from);
    }
    return at->second;
  }

  const Provenance* provenance(const Provenance* from) {
    if (from == nullptr) return nullptr;
    const auto [at, fresh] = provenances_.try_emplace(from, nullptr);
    if (fresh) at->second = to_->keep(*from);
    return at->second;
  }

  Value* value(const Value* from) const {
    if (from == nullptr) return nullptr;
    const auto found = values_.find(from);
    assert(found != values_.end());  // a definition comes before its uses
    return found == values_.end() ? nullptr : found->second;
  }

  void fill(const Block& from, Block& to) {
    blocks_[&from] = &to;
    for (const Value* parameter : from.parameters())
      values_[parameter] = to.add_parameter(parameter->type(), symbol(parameter->name()));
    for (const Node* node : from) to_->append(to, copy(*node));
    std::vector<Value*> results;
    results.reserve(from.result_count());
    for (size_t i = 0; i < from.result_count(); ++i) results.push_back(value(from.result(i)));
    to.set_results(results);
  }

  Node* copy(const Node& from) {
    operands_.clear();
    for (size_t i = 0; i < from.operand_count(); ++i) operands_.push_back(value(from.operand(i)));
    Node* node = to_->create(symbol(from.op()), operands_, schema(from.schema()));
    node->set_name(symbol(from.name()));
    node->set_provenance(provenance(from.provenance()));
    for (const Block* block : from.blocks()) fill(*block, *node->add_block());
    for (const Attribute& attribute : from.attributes()) {
      const auto* block = std::get_if<Block*>(&attribute.value);
      node->set_attribute(symbol(attribute.name),
                          block != nullptr ? AttributeValue(blocks_.at(*block)) : attribute.value);
    }
    for (const Value* output : from.outputs()) {
      Value* made = node->add_output(output->type());
      made->set_name(symbol(output->name()));
      if (output->is_constant()) made->set_constant(*output->constant());
      values_[output] = made;
    }
    return node;
  }

  const Graph& from_;
  Graph* to_;
  std::unordered_map<const Value*, Value*>& values_;
  std::unordered_map<const Block*, Block*> blocks_;
  std::unordered_map<const char*, Symbol> symbols_;
  std::unordered_map<const Schema*, const Schema*> schemas_;
  std::unordered_map<const Provenance*, const Provenance*> provenances_;
  std::vector<Value*> operands_;
};

}  // namespace

std::unique_ptr<Graph> clone(const Graph& graph) {
  auto out = std::make_unique<Graph>(graph.dialect());
  std::unordered_map<const Value*, Value*> values;
  GraphCloner(graph, *out, values).all();
  return out;
}

void copy_nodes(const Graph& from, std::span<const Node* const> nodes, Graph& to,
                std::unordered_map<const Value*, Value*>& values) {
  GraphCloner(from, to, values).nodes(nodes);
}

}  // namespace onnxport::ir
