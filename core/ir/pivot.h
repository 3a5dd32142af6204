// The ai.onnx opset that every mapping is written against and that passes work at.
#pragma once

namespace onnxport {

inline constexpr int kPivotOpset = 23;

}  // namespace onnxport
