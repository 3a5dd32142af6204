// What Acme's operators become: compiled into the conformance kit, see onnxport_add_plugin_tests.
#include "onnxport_testkit.h"

namespace {

using onnxport::testkit::map;
using onnxport::testkit::operators;
using onnxport::testkit::refused;
using Names = std::vector<std::string>;

TEST(ScaledTanh, IsOneNodeOfAcmesDomain) {
  EXPECT_EQ(operators("acme::scaled_tanh(f32[n,4], scale=0.5)"), Names{"com.acme::ScaledTanh"});
  EXPECT_NE(map("acme::scaled_tanh(f32[n,4], scale=0.5)").graph.find("scale"), std::string::npos);
}

TEST(ScaledTanh, IsTheSameAtEveryOpset) {
  EXPECT_EQ(map("acme::scaled_tanh(f16[3])", 15).operators, map("acme::scaled_tanh(f16[3])", 23).operators);
}

TEST(ScaledTanh, NeedsItsArgument) { EXPECT_EQ(refused("acme::scaled_tanh(scale=0.5)"), "T552"); }

}  // namespace
