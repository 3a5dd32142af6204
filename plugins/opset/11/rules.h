// 11 -> 10 and back.
#pragma once

#include "onnxport/plugin.hpp"

// What GatherElements does with indices that count from the front.
onnxport::Value gathered_elements(onnxport::Node& node, const onnxport::Value& data,
                                  const onnxport::Value& index, int64_t axis);
onnxport::Value gather_elements_to_10(onnxport::Node& node);
onnxport::Value gather_nd_to_10(onnxport::Node& node);
onnxport::Value scatter_elements_to_10(onnxport::Node& node);
onnxport::Value scatter_nd_to_10(onnxport::Node& node);
onnxport::Value pad_to_10(onnxport::Node& node);
onnxport::Value resize_to_10(onnxport::Node& node);
onnxport::Value round_to_10(onnxport::Node& node);
onnxport::Value cum_sum_to_10(onnxport::Node& node);
onnxport::Values counted_from_front(onnxport::Node& node);
onnxport::Values top_k_to_10(onnxport::Node& node);
