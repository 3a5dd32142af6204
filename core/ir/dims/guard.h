// Conditions on sizes, as PyTorch writes the guards of a program: "(0.1 + torch.sym_float(h // 4)) / 5.0 == 1.02".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace onnxport::ir {

// Whether it holds at these sizes; nullopt when it is no such condition, or a symbol has no size.
std::optional<bool> guard_holds(std::string_view guard,
                                const std::map<std::string, int64_t, std::less<>>& sizes);

// "a == b" as a and b; nullopt when it is no single equality.
std::optional<std::pair<std::string_view, std::string_view>> equality_sides(std::string_view guard);

}  // namespace onnxport::ir
