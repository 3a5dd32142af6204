// 12 -> 11.
#pragma once

#include "onnxport/plugin.hpp"

onnxport::Value einsum_to_11(onnxport::Node& node);
