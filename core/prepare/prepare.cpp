#include "core/prepare/prepare.h"

#include "core/prepare/dead_code.h"
#include "core/prepare/fold.h"
#include "core/prepare/functionalize.h"
#include "core/prepare/node_facts.h"

namespace onnxport {
namespace {

// Which results are tensors for certain: a result may have been None before the program asked.
std::vector<bool> tensor_results(const ir::Graph& graph) {
  std::vector<bool> out;
  for (size_t i = 0; i < graph.body().result_count(); ++i)
    out.push_back(graph.body().result(i) != nullptr && graph.body().result(i)->type().is_tensor());
  return out;
}

// Branches that were taken for certain hand on what was asked about: that it is a tensor is said again.
void keep_tensor_results(ir::Graph& graph, const std::vector<bool>& tensors) {
  NodeMaker make(graph.body(), nullptr, nullptr);
  ir::Node& returns = graph.body().returns();
  for (size_t i = 0; i < tensors.size(); ++i) {
    ir::Value* value = returns.operand(i);
    if (!tensors[i] || value == nullptr || value->type().kind() != ir::Type::Kind::optional) continue;
    ir::Value* operands[] = {value, make.constant({}, ir::Type::none())};
    returns.set_operand(
        i, make.call("aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor", operands,
                     ir::Type::tensor()));
  }
}

}  // namespace

void prepare(ir::Graph& graph, State state, std::vector<Diagnostic>& notes) {
  // Branches never taken and loops of known length go first: what they write would only hinder.
  const std::vector<bool> tensors = tensor_results(graph);
  fold_scalars(graph, notes);
  functionalize(graph, state, notes);
  // Lists are values now: what was read of changing ones may be known.
  fold_scalars(graph, notes);
  keep_tensor_results(graph, tensors);
  remove_dead_torch_code(graph);
}

}  // namespace onnxport
