// Sizes as PyTorch writes them: sympy's srepr ("Mul(Integer(2), Symbol('s77', …))") and its readable text ("2*s77").
#pragma once

#include <optional>
#include <string_view>

#include "core/ir/dims/dim.h"

namespace onnxport {

// nullopt when the text is no such expression; an unknown dim when it is one that no size expression can hold
// (a fraction, a trigonometric function).
std::optional<ir::Dim> parse_symbolic(std::string_view text);

}  // namespace onnxport
