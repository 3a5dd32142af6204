// What a model does with its inputs, as far as its operators show: an index is no random number.
#pragma once

#include <vector>

#include "core/verify/inputs.h"

namespace onnxport {

// One for each input of a captured graph: how its values are best drawn.
std::vector<Draw> input_roles(const ir::Graph& captured);

}  // namespace onnxport
