#include "core/passes/passes.h"

namespace onnxport {

namespace {

bool is_used(const ir::Node& node) {
  for (const ir::Value* output : node.outputs()) {
    if (output->has_uses()) return true;
  }
  return false;
}

// Backwards, so that what only dead nodes used is dead by the time it is looked at.
void remove_from(ir::Graph& graph, ir::Block& block) {
  for (ir::Node* node = block.last(); node != nullptr;) {
    ir::Node* previous = node->previous();
    if (!is_used(*node)) {
      graph.erase(node);
    } else {
      for (ir::Block* inner : node->blocks()) remove_from(graph, *inner);
    }
    node = previous;
  }
}

}  // namespace

void remove_dead_code(ir::Graph& graph) {
  remove_from(graph, graph.body());
  graph.remove_unused_initializers();
}

}  // namespace onnxport
