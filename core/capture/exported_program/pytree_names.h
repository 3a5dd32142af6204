// Readable names for the leaves of a pytree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onnxport {

// One name per leaf of torch.export's out_spec text: "output" for a lone one, "output_1" by position, dict
// keys, and paths of those ("hidden.0"). Empty when the text is no pytree.
std::vector<std::string> pytree_output_names(std::string_view spec);

}  // namespace onnxport
