// Our promotion table against torch's own answers (promotion.tsv, by generate_promotion.py).
#include "core/argument/promotion.h"

#include <gtest/gtest.h>

#include <fstream>

namespace onnxport {
namespace {

ir::DType& slot(PromotionState& state, const std::string& kind) {
  return kind == "tensor" ? state.tensors : kind == "zero_dim" ? state.zero_dim : state.numbers;
}

TEST(Promotion, EqualsTorchOverAllPairs) {
  std::ifstream in(std::string(ONNXPORT_SOURCE_DIR) + "/tests/unit/argument/promotion.tsv");
  std::string kind_a, a, kind_b, b, result;
  size_t rows = 0;
  while (in >> kind_a >> a >> kind_b >> b >> result) {
    PromotionState state;
    slot(state, kind_a) = promote(slot(state, kind_a), *ir::parse_dtype(a));
    slot(state, kind_b) = promote(slot(state, kind_b), *ir::parse_dtype(b));
    EXPECT_EQ(ir::short_name(state.result()), result) << kind_a << ' ' << a << " with " << kind_b << ' ' << b;
    ++rows;
  }
  EXPECT_GT(rows, 700u);
}

}  // namespace
}  // namespace onnxport
