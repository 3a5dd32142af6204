// Readable names for the leaves of a pytree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onnxport {

// One name per leaf of torch.export's out_spec text: "output" for a lone one, "output_1" by position, dict
// keys, and paths of those ("hidden.0"). Empty when the text is no pytree.
std::vector<std::string> pytree_output_names(std::string_view spec);

// One name per leaf of torch.export's in_spec text, a pair of positional and keyword arguments, whose positional ones
// are called `arguments`: "x", "past.0.1", "named.scale". Empty when the text is no such pytree.
std::vector<std::string> pytree_input_names(std::string_view spec, const std::vector<std::string>& arguments);

}  // namespace onnxport
