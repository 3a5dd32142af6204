// Between which numbers a dim lies, from what is known of its symbols.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "core/ir/dims/dim.h"

namespace onnxport::ir {

// Both ends included; the ends of int64 stand for no bound.
struct Bounds {
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  int64_t min = -kNone;
  int64_t max = kNone;
};

using SymbolTable = std::map<std::string, SymbolInfo, std::less<>>;

// Symbols without an entry are sizes: at least 0. Bounds are safe, not always the tightest.
Bounds bounds_of(const Dim& dim, const SymbolTable& symbols);

}  // namespace onnxport::ir
