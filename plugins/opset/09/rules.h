// 9 -> 8.
#pragma once

#include "onnxport/plugin.hpp"

onnxport::Value erf_to_8(onnxport::Node& node);
onnxport::Value scatter_to_8(onnxport::Node& node);
onnxport::Values scan_to_8(onnxport::Node& node);
onnxport::Value non_zero_to_8(onnxport::Node& node);
onnxport::Value compress_to_8(onnxport::Node& node);
