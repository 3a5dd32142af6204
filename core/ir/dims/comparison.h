// Which of two dims is the larger one, as far as is known of their symbols.
#pragma once

#include "core/ir/dims/bounds.h"

namespace onnxport::ir {

class DimComparison {
 public:
  // A view: the table must outlive it.
  explicit DimComparison(const SymbolTable& symbols) : symbols_(&symbols) {}

  Bounds bounds(const Dim& dim) const { return bounds_of(dim, *symbols_); }
  bool at_least(const Dim& dim, int64_t least) const { return !dim.is_unknown() && bounds(dim).min >= least; }
  // As min and max of dims, without what the bounds decide.
  Dim smaller(const Dim& a, const Dim& b) const;
  Dim larger(const Dim& a, const Dim& b) const;

 private:
  const SymbolTable* symbols_;
};

}  // namespace onnxport::ir
