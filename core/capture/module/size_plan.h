// At which sizes a live model is run, so that what depends on a dynamic dim shows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/ir/dims/dim.h"

namespace onnxport {

using Sizes = std::map<std::string, int64_t, std::less<>>;  // of each symbol

// Sizes that no static dim has and no other symbol: a number that equals one is no coincidence.
class SizePlan {
 public:
  // `base`: the sizes of the examples; `taken`: sizes that occur otherwise.
  SizePlan(Sizes base, std::map<std::string, ir::SymbolInfo, std::less<>> symbols, std::set<int64_t> taken)
      : base_(std::move(base)), symbols_(std::move(symbols)), taken_(std::move(taken)) {}

  const Sizes& base() const { return base_; }
  // Only `symbol` changes, to a multiple of `step`. The same symbol and step always give the same size; nullopt when its range
  // has no such size.
  std::optional<Sizes> one(const std::string& symbol, int64_t step);
  // From now on the symbol stays below the size that it has in the examples.
  void stay_below(const std::string& symbol) { symbols_[symbol].max = base_.at(symbol); }
  // All change; in round 0 to multiples of `steps`, in round 1 to even multiples.
  Sizes all(const std::map<std::string, int64_t, std::less<>>& steps, int round);

 private:
  // The `rank`-th generic size for the symbol, from its base size on.
  std::optional<int64_t> generic(const std::string& symbol, int64_t step, int rank);

  Sizes base_;
  std::map<std::string, ir::SymbolInfo, std::less<>> symbols_;
  std::set<int64_t> taken_;
};

}  // namespace onnxport
