// 10 -> 9.
#pragma once

#include "onnxport/plugin.hpp"

// The attributes of a MaxPool that rounds its output's sizes up, for one that rounds down: more is padded at the end,
// where nothing is greater. Fails where the sizes are known at run time only.
onnxport::Attrs with_ceiling_padded(onnxport::Node& node);
onnxport::Value reverse_sequence_to_9(onnxport::Node& node);
