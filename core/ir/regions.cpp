#include "core/ir/regions.h"

#include <vector>

namespace onnxport::ir {
namespace {

constexpr int64_t kMaxIterations = 4096;
constexpr size_t kMaxUnrolledNodes = 1u << 17;

}  // namespace

void inline_block(Graph& graph, Node& node, Block& taken) {
  std::vector<Value*> results;
  for (size_t i = 0; i < node.output_count(); ++i) results.push_back(taken.result(i));
  taken.set_results({});
  while (taken.first() != nullptr) graph.move_before(&node, taken.first());
  for (size_t i = 0; i < results.size(); ++i) node.output(i)->replace_all_uses_with(results[i]);
  graph.erase(&node);
}

size_t count_nodes(const Block& block) {
  size_t count = 0;
  for (const Node* node : block) {
    ++count;
    for (const Block* inner : node->blocks()) count += count_nodes(*inner);
  }
  return count;
}

bool may_unroll(const Block& body, int64_t iterations) {
  if (iterations <= 0) return true;
  return iterations <= kMaxIterations &&
         count_nodes(body) * static_cast<size_t>(iterations) <= kMaxUnrolledNodes;
}

}  // namespace onnxport::ir
