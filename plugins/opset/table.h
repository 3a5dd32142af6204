// The legality table of one opset, generated from the ONNX schemas by
// sdk/tools/generate_opset_table.cpp.
#pragma once

#include "onnxport/plugin.hpp"
#include "table_data.h"

// What every plugin below this folder hands to the host: its table and the rules that ONNX's schemas do not tell.
inline onnxport::Opset opset_with(onnxport::Rules down = {}, onnxport::Rules up = {}) {
  return {"",
          opset_table::version,
          opset_table::ir_version,
          opset_table::ops,
          opset_table::op_count,
          std::move(down),
          std::move(up)};
}
