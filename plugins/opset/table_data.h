// What a generated table defines. It needs the ABI alone, and so compiles fast.
#pragma once

#include "onnxport/abi.h"

namespace opset_table {

extern const int version;
extern const int ir_version;
extern const uint32_t op_count;
extern const onnxport_op_def* const ops;

}  // namespace opset_table
