// What the model as captured computed, in the form in which the file gives it.
#pragma once

#include <vector>

#include "core/argument/argument.h"

namespace onnxport {

// Appends the tensors of one result, in the order of the file's outputs. `type`: of the result in the captured graph.
void append_result(const Argument& result, const ir::Type& type, std::vector<ir::Tensor>& out);

// The largest step between neighbouring values of the quantized tensors that the model makes; 0 where it makes none. The
// steps that only a run knows are the values of `at_run_time`.
double known_quantization_step(const ir::Graph& captured, std::vector<const ir::Value*>& at_run_time);

}  // namespace onnxport
