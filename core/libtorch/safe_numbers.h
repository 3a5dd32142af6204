// Operators on Python numbers and strings that libtorch computes without looking: while it loads a model, too.
#pragma once

namespace onnxport {

// From then on, in this process, a division by zero, one whose result no integer holds and a text of absurd length
// are exceptions, as in Python, in place of a signal. Does its work once.
void make_number_operators_safe();

}  // namespace onnxport
