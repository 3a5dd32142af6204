// A Reshape whose sizes can be written down: those that the input has at the same place are copied (0), and one is what
// is left (-1). The graph then computes no shape for it, and runtimes plan with it.
#include "core/ir/dims/comparison.h"
#include "core/passes/passes.h"
#include "core/passes/rewriting.h"

namespace onnxport {
namespace {

ir::Dim count_of(const ir::Shape& shape) {
  ir::Dim out(1);
  for (const ir::Dim& dim : shape) out = out * dim;
  return out;
}

// -1 is the input's count divided by the other sizes: these must be known not to be 0.
bool may_be_left_over(const ir::Shape& from, const ir::Shape& to, size_t place,
                      const ir::SymbolTable& symbols) {
  if (!(count_of(from) == count_of(to))) return false;
  const ir::DimComparison order(symbols);
  for (size_t i = 0; i < to.size(); ++i) {
    if (i != place && !order.at_least(to[i], 1)) return false;
  }
  return true;
}

}  // namespace

std::optional<std::vector<int64_t>> constant_target(const ir::Type& from, const ir::Type& to,
                                                    const ir::SymbolTable& symbols) {
  if (!from.shape() || !to.shape()) return std::nullopt;
  const ir::Shape &own = *from.shape(), &wanted = *to.shape();
  std::vector<int64_t> out;
  std::optional<size_t> left_over;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].is_constant()) {
      if (wanted[i].value() <= 0) return std::nullopt;  // a 0 would copy
      out.push_back(wanted[i].value());
    } else if (i < own.size() && own[i] == wanted[i]) {
      out.push_back(0);
    } else if (!left_over) {
      left_over = i;
      out.push_back(-1);
    } else {
      return std::nullopt;
    }
  }
  if (left_over && !may_be_left_over(own, wanted, *left_over, symbols)) return std::nullopt;
  return out;
}

}  // namespace onnxport
