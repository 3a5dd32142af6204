// 13 -> 12 and back.
#pragma once

#include "onnxport/plugin.hpp"

onnxport::Value softmax_to_12(onnxport::Node& node);
onnxport::Value softmax_to_13(onnxport::Node& node);
onnxport::Values split_to_12(onnxport::Node& node);
onnxport::Value quantize_to_12(onnxport::Node& node);
onnxport::Value dequantize_to_12(onnxport::Node& node);
