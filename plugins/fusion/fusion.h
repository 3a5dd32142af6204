// The rules of the passes, one file each.
#pragma once

#include "onnxport/plugin.hpp"

namespace fusion {

onnxport::Rules batch_normalization_rules();
onnxport::Rules stack_rules();

}  // namespace fusion
