// Removes torch nodes nothing reads. The graph must be functional: writes and state are gone.
#pragma once

#include "core/ir/graph.h"

namespace onnxport {

// Also drops unread results of prim::If and carried values of prim::Loop that only feed themselves.
void remove_dead_torch_code(ir::Graph& graph);

}  // namespace onnxport
