// ONNX's messages, under our own namespace. The only door to their header: it is heavy.
#pragma once

#include "onnx/onnx_pb.h"

namespace onnxport::pb {
using namespace ONNX_NAMESPACE;  // NOLINT(google-build-using-namespace): one short name for a generated one
}  // namespace onnxport::pb
