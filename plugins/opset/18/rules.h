// 18 -> 17.
#pragma once

#include "onnxport/plugin.hpp"

onnxport::Value bitwise_to_17(onnxport::Node& node);
onnxport::Value bitwise_not_to_17(onnxport::Node& node);
onnxport::Value col2im_to_17(onnxport::Node& node);
onnxport::Value antialiased_to_17(onnxport::Node& node);
