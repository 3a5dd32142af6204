// Whether a reader that believes a pickle's lengths may be given it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace onnxport {

// Walks the opcodes that TorchScript's pickles are made of without making a value: every length and every memo
// index must be one that the bytes can pay for, and containers may nest only so deep that they can be destroyed
// again. Empty when all is well, else what is wrong.
std::string pickle_fault(std::span<const std::byte> bytes);

}  // namespace onnxport
