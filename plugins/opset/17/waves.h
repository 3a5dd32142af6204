// What transforms between time and frequencies are multiplied by.
#pragma once

#include "onnxport/plugin.hpp"

struct Waves {
  onnxport::Value cosines, sines;  // (samples, frequencies)
};

// cos and sin of 2 pi i k / length: i below length, k below frequencies. Constants where both are known.
Waves waves(onnxport::Node& node, const onnxport::Value& length, const onnxport::Value& frequencies,
            onnxport::DType t);
