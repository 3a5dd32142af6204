// What the tests of a plugin are written with: onnxport_add_plugin_tests(NAME TESTS my_test.cpp) compiles them into the
// conformance kit. They need C++20 and GoogleTest.
//
//   TEST(Swish, IsTwoNodes) {
//     EXPECT_EQ(onnxport::testkit::operators("acme::swish(f32[n,4], beta=1)"), (std::vector<std::string>{"Sigmoid", "Mul"}));
//     EXPECT_TRUE(onnxport::testkit::refused("acme::swish(i64[n,4])").starts_with("T5"));
//   }
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "onnxport/plugin_check.h"

namespace onnxport::testkit {

// The plugin under test, and what is found beside it: the plugins that come with onnxport.
inline PluginOptions options() {
  PluginOptions out;
  out.default_paths = false;
  return out;
}

// What the plugin makes of a call at an opset; see map_call. Throws onnxport::Error where it does not map it.
inline MappedCall map(const std::string& call, int opset = 20) {
  return map_call(ONNXPORT_TESTED_MANIFEST, call, opset, options());
}
inline std::vector<std::string> operators(const std::string& call, int opset = 20) {
  return map(call, opset).operators;
}

// The code by which a call is refused; empty, and a failure, when it is mapped.
inline std::string refused(const std::string& call, int opset = 20) {
  try {
    (void)map(call, opset);
  } catch (const Error& error) {
    return error.diagnostics().front().code;
  }
  ADD_FAILURE() << call << " is mapped";
  return "";
}

}  // namespace onnxport::testkit
