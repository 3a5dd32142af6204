// The families of the ATen plugin: each file of that name maps the operators it lists in its table.
#pragma once

#include "onnxport/plugin.hpp"

namespace onnxport::aten {

Mappings activation();

}  // namespace onnxport::aten
