#include "core/ir/schema_table.h"

#include <gtest/gtest.h>

namespace onnxport {
namespace {

TEST(SchemaTable, FindsByQualifiedName) {
  const auto add = find_aten_schema("aten::add.Tensor");
  ASSERT_TRUE(add);
  EXPECT_EQ(add->text(), "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor");
  const auto relu = find_aten_schema("aten::relu");
  ASSERT_TRUE(relu);
  EXPECT_EQ(relu->overload, "");
  // Names that start with another one, and the ends of the table.
  EXPECT_EQ(find_aten_schema("aten::relu6")->name, "aten::relu6");
  EXPECT_EQ(find_aten_schema("aten::add_.Tensor")->arguments[0].is_written, true);
  EXPECT_EQ(find_aten_schema("aten::__and__.bool")->returns[0].type, "bool");
  EXPECT_TRUE(find_aten_schema("aten::Bool.Tensor"));
  EXPECT_TRUE(find_aten_schema("aten::zeros_like"));
}

TEST(SchemaTable, KnowsNoOthers) {
  for (const char* name :
       {"", "aten::", "aten::add.", "aten::add.nothing", "add.Tensor", "aten::add.Tensor(", "aten::nothing",
        "aten::add.out", "aten::relu_backward", "prim::max.int", "zzz::a", "# libtorch"}) {
    EXPECT_FALSE(find_aten_schema(name)) << name;
  }
}

}  // namespace
}  // namespace onnxport
