#include "core/capture/exported_program/pytree_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace onnxport {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kLeaf = R"({"type": null, "context": null, "children_spec": []})";

std::string tree(const std::string& type, const std::string& context,
                 const std::vector<std::string>& children) {
  std::string out =
      R"({"type": "builtins.)" + type + R"(", "context": )" + context + R"(, "children_spec": [)";
  for (size_t i = 0; i < children.size(); ++i) out += (i == 0 ? "" : ", ") + children[i];
  return out + "]}";
}
std::string tuple(const std::vector<std::string>& children) { return tree("tuple", "\"null\"", children); }
std::string dict(const std::string& keys, const std::vector<std::string>& children) {
  return tree("dict", '"' + keys + '"', children);
}
std::string spec(const std::string& root) { return "[1, " + root + "]"; }

TEST(PytreeNames, Outputs) {
  EXPECT_THAT(pytree_output_names(spec(kLeaf)), ElementsAre("output"));
  EXPECT_THAT(pytree_output_names(spec(tuple({kLeaf, tuple({kLeaf, kLeaf})}))),
              ElementsAre("output_0", "output_1.0", "output_1.1"));
  EXPECT_THAT(pytree_output_names(spec(dict(R"([\"loss\", \"hidden\", 3])", {kLeaf, tuple({kLeaf}), kLeaf}))),
              ElementsAre("loss", "hidden.0", "3"));
  EXPECT_THAT(pytree_output_names(spec(tuple({}))), IsEmpty());
}

TEST(PytreeNames, Inputs) {
  const std::string cache = tuple({tuple({kLeaf, kLeaf})});
  EXPECT_THAT(pytree_input_names(spec(tuple({tuple({kLeaf, cache}), dict(R"([\"scale\"])", {kLeaf})})),
                                 {"x", "past"}),
              ElementsAre("x", "past.0.0", "past.0.1", "scale"));
}

TEST(PytreeNames, FewerKeysThanChildrenAreNumbered) {
  EXPECT_THAT(pytree_output_names(spec(dict(R"([\"a\"])", {kLeaf, kLeaf}))), ElementsAre("a", "output_1"));
  EXPECT_THAT(pytree_output_names(spec(dict("no list", {kLeaf}))), ElementsAre("output_0"));
}

TEST(PytreeNames, WhatIsNoPytreeHasNoNames) {
  std::string deep = kLeaf;
  for (int i = 0; i < 300; ++i) deep = tuple({deep});
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("[]"), std::string("[1]"), std::string("[1, 2]"),
        std::string("[1, {}]"), std::string(R"([1, {"type": null, "children_spec": 3}])"), spec(tuple({"3"})),
        spec(deep)}) {
    EXPECT_THAT(pytree_output_names(text), IsEmpty()) << text.substr(0, 80);
    EXPECT_THAT(pytree_input_names(text, {"x"}), IsEmpty()) << text.substr(0, 80);
  }
  EXPECT_THAT(pytree_input_names(spec(tuple({tuple({kLeaf}), dict("[]", {})})), {}), IsEmpty())
      << "an argument without name";
  EXPECT_THAT(pytree_output_names(spec(dict("[\\\"" + std::string(5000, 'k') + "\\\"]", {kLeaf}))),
              IsEmpty());
}

}  // namespace
}  // namespace onnxport
