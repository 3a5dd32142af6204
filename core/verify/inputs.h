// Values for a model's inputs: given, or made up by type, range and seed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/ir/graph.h"
#include "core/torch_interface/torch_interface.h"

namespace onnxport {

using Sizes = std::map<std::string, int64_t, std::less<>>;

// Normal floats; ints in 0 … int_limit - 1 (indices into small tables); fair bools. Dims are evaluated at
// `sizes`. Throws Error V805 when a dim has no value there.
ir::Tensor random_tensor(const ir::Type& type, const Sizes& sizes, uint64_t seed, int64_t int_limit);

// The example sizes of the symbols, and a second set: every symbol two larger, inside its range.
Sizes example_sizes(const ir::Graph& graph);
Sizes second_sizes(const ir::Graph& graph);

}  // namespace onnxport
