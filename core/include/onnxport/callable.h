// A live model as a Source: any C++ code that computes tensors from tensors, recorded while it runs. Needs libtorch's headers, and
// libonnxport_torch (onnxport::torch in CMake) beside libonnxport. For modules see onnxport/module.h.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <torch/version.h>

#include <functional>
#include <string>
#include <vector>

#include "onnxport/session.h"

namespace onnxport {

// A weight of the model, under the name it has in the ONNX file.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
  bool is_parameter = true;  // forward must not write it; a buffer it may, see ProgramOptions::state
};

// What is recorded: takes what the examples are, gives any number of tensors, lists, tuples or dicts of them.
using Forward = std::function<std::vector<c10::IValue>(const std::vector<c10::IValue>&)>;

struct Callable {
  Forward forward;
  std::vector<NamedTensor> tensors;
  std::vector<c10::IValue> examples;
  // Brings the model into training mode, or out of it; what it gives brings it back. May be empty: there are no modes.
  std::function<std::function<void()>(bool training)> set_mode;
  std::string name = "module";  // what messages call it
};

#pragma GCC visibility push(default)

// The model as Session::capture and export_file take it. It runs there, once for each size that tells something and once more at
// the same sizes with other values, on this thread, and is left as it was: mode, parameters, buffers. Where several threads capture
// models, one is recorded after the other. The weights are not copied; they must stay as they are until the file is written.
//
// ProgramOptions::inputs names the inputs and their dynamic dims by position, "x:f32[batch,3,h,w]"; sizes come from the examples.
// Numbers and bools among the examples are fixed. Errors, by what was wrong: P601 the examples do not fit what is asked for; P602
// forward throws; P603 it reads what a tensor holds; P604 it writes a parameter; P605 it does other things at other sizes; P606 it
// uses a tensor that no operator made and that changes, or does something else when it is called again; P607 the recording,
// replayed, gives other results; P608 this code was compiled against another libtorch than libonnxport_torch.
Source live_source(Callable model);

namespace detail {
void check_libtorch(int major, int minor);
}

#pragma GCC visibility pop

// live_source() for a function and its weights.
inline Source callable_source(Forward forward, std::vector<NamedTensor> tensors,
                              std::vector<c10::IValue> examples, std::string name = "function") {
  detail::check_libtorch(TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR);
  return live_source({std::move(forward), std::move(tensors), std::move(examples), {}, std::move(name)});
}

}  // namespace onnxport
