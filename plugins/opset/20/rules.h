#pragma once

#include "onnxport/plugin.hpp"

onnxport::Value affine_grid_to_19(onnxport::Node& node);
