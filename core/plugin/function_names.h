// The names in a function that a manifest gives as ONNX text, "(x, y) => (z) { z = Elu <alpha: float = @scale> (x) }".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onnxport {

// "x", "y": between the first parentheses.
std::vector<std::string> function_inputs(std::string_view text);
// "z": between those that follow "=>".
std::vector<std::string> function_outputs(std::string_view text);
// "scale": what is referred to by @, once each, in order. Texts in quotes hold none.
std::vector<std::string> function_references(std::string_view text);

}  // namespace onnxport
