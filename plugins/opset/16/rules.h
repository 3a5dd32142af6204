// 16 -> 15.
#pragma once

#include "onnxport/plugin.hpp"

onnxport::Value grid_sample_to_15(onnxport::Node& node);
