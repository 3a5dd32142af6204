// What a file keeps from call to call must fit: an output of one call is an input of the next.
#pragma once

#include <vector>

#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport {

// T548 for each state of the translated graph whose next value its input cannot take: an error where no call can, a warning
// where it depends on sizes.
std::vector<Diagnostic> check_states(const ir::Graph& graph);

}  // namespace onnxport
