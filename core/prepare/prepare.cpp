#include "core/prepare/prepare.h"

#include "core/prepare/dead_code.h"
#include "core/prepare/fold.h"
#include "core/prepare/functionalize.h"

namespace onnxport {

void prepare(ir::Graph& graph, State state, std::vector<Diagnostic>& notes) {
  // Branches never taken and loops of known length go first: what they write would only hinder.
  fold_scalars(graph);
  functionalize(graph, state, notes);
  // Lists are values now: what was read of changing ones may be known.
  fold_scalars(graph);
  remove_dead_torch_code(graph);
}

}  // namespace onnxport
