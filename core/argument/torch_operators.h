// What is the same of a torch operator wherever it is met: in captures, in prepare and in translate.
#pragma once

#include <string_view>

namespace onnxport {

// Operators that hand their first operand on: in a graph without devices and gradients they say nothing.
bool hands_operand_on(std::string_view op);

// Assertions, warnings and prints: whatever they give, nobody computes with it.
bool has_no_effect(std::string_view op);

}  // namespace onnxport
