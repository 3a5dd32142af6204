#include "core/prepare/dead_code.h"

#include <algorithm>
#include <vector>

#include "core/prepare/aliases.h"

namespace onnxport {

namespace {

bool is_read(const ir::Node& node) {
  return std::any_of(node.outputs().begin(), node.outputs().end(),
                     [](const ir::Value* v) { return v->has_uses(); });
}

// A graph that always raises has nothing to export: that stays for translate to report. In a branch it is an assertion.
bool must_stay(const ir::Node& node) {
  return (node.op() == "prim::RaiseException" && node.parent()->owner() == nullptr) ||
         written_operand(node) >= 0 || node.op() == "prim::SetAttr";
}

// The node again with the outputs, results and operands at `kept` only.
void rebuild(ir::Node& node, const std::vector<bool>& kept) {
  const bool loop = node.op() == "prim::Loop";
  ir::Graph& graph = node.graph();
  std::vector<ir::Value*> operands;
  for (size_t i = 0; i < node.operand_count(); ++i) {
    if (!loop || i < 2 || kept[i - 2]) operands.push_back(node.operand(i));
  }
  ir::Node* made = graph.create(node.op(), operands, node.schema());
  made->set_provenance(node.provenance());
  made->set_name(node.name());
  for (const ir::Attribute& a : node.attributes()) made->set_attribute(a.name, a.value);
  graph.insert_before(&node, made);
  const std::vector<ir::Block*> blocks(node.blocks().begin(), node.blocks().end());
  for (ir::Block* block : blocks) {
    std::vector<ir::Value*> results;
    for (size_t i = 0; i < block->result_count(); ++i) {
      const size_t k = i - (loop ? 1 : 0);
      if ((loop && i == 0) || kept[k]) results.push_back(block->result(i));
    }
    block->set_results(results);
    for (size_t k = kept.size(); loop && k-- > 0;) {
      if (!kept[k]) block->remove_parameter(k + 1);
    }
    made->adopt_block(block);
  }
  for (size_t k = 0; k < kept.size(); ++k) {
    if (!kept[k]) continue;
    ir::Value* output = made->add_output(node.output(k)->type());
    output->set_name(node.output(k)->name());
    node.output(k)->replace_all_uses_with(output);
  }
  graph.erase(&node);
}

// The parameter is read by nothing but the result that carries it on.
bool only_feeds_itself(const ir::Block& body, size_t carried) {
  const ir::Value* parameter = body.parameters()[carried + 1];
  for (const ir::Operand* use = parameter->first_use(); use != nullptr; use = use->next()) {
    if (use->user() != &body.returns() || use->index() != carried + 1) return false;
  }
  return true;
}

void trim(ir::Node& node) {
  const bool loop = node.op() == "prim::Loop";
  if (!loop && !(node.op() == "prim::If")) return;
  std::vector<bool> kept(node.output_count(), true);
  for (size_t k = 0; k < kept.size(); ++k) {
    kept[k] = node.output(k)->has_uses() || (loop && !only_feeds_itself(*node.blocks()[0], k));
    if (!kept[k] && loop)
      node.blocks()[0]->returns().set_operand(k + 1, node.operand(k + 2));  // lets go of the parameter
  }
  if (std::find(kept.begin(), kept.end(), false) != kept.end()) rebuild(node, kept);
}

// Backward, so that what a removed node read is seen to be unread.
void remove_in(ir::Block& block) {
  for (ir::Node* node = block.last(); node != nullptr;) {
    ir::Node* previous = node->previous();
    if (!is_read(*node) && !must_stay(*node)) {
      block.graph().erase(node);
    } else if (!node->blocks().empty()) {
      trim(*node);
      ir::Node* now = previous == nullptr ? block.first() : previous->next();
      for (ir::Block* inner : now->blocks()) remove_in(*inner);
    }
    node = previous;
  }
}

}  // namespace

void remove_dead_torch_code(ir::Graph& graph) {
  remove_in(graph.body());
  graph.remove_unused_initializers();
}

}  // namespace onnxport
