// What the C API hands out for code that is recorded between two calls: libonnxport_torch makes it, libonnxport reads it.
#pragma once

#include <memory>

#include "core/torch_interface/live_model.h"

struct onnxport_recording {
  std::shared_ptr<onnxport::LiveModel> model;
};
