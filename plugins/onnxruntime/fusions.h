// Rules whose conditions are about numbers of the graph, which a pattern cannot compare.
#pragma once

#include "onnxport/plugin.hpp"

namespace ort {

onnxport::Rules rotary_embedding_rules();
onnxport::Rules multi_head_attention_rules();

// (batch, position, head * feature), of which the value is (batch, head, position, feature) by a Reshape and a Transpose.
// Absent when it is not made that way.
onnxport::Value flat_heads(onnxport::Node& node, const onnxport::Value& by_head);

}  // namespace ort
