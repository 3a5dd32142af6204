// 23 -> 22: the three operators that are new in 23, with what is known of ranks and attributes.
#pragma once

#include "onnxport/plugin.hpp"

onnxport::Values attention_to_22(onnxport::Node& node);
onnxport::Value rms_normalization_to_22(onnxport::Node& node);
onnxport::Value rotary_embedding_to_22(onnxport::Node& node);
