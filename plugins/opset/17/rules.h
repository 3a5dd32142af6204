// 17 -> 16.
#pragma once

#include "onnxport/plugin.hpp"

onnxport::Value dft_to_16(onnxport::Node& node);
onnxport::Values layer_normalization_to_16(onnxport::Node& node);
onnxport::Value stft_to_16(onnxport::Node& node);
