#include "core/capture/exported_program/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "unit/plugin/files.h"

namespace onnxport {
namespace {

using test::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class JsonValue : public ::testing::Test {
 protected:
  Json read(std::string_view text) { return parse_json(parser_, text, "m.pt2:models/model.json:"); }
  simdjson::dom::parser parser_;
};

TEST_F(JsonValue, ReadsEveryKind) {
  const Json j =
      read(R"({"i": -3, "r": 0.5, "n": 2, "b": true, "t": "x", "l": [1, 2], "o": {"a": 1}, "z": null})");
  EXPECT_EQ(j.at("i").integer(), -3);
  EXPECT_EQ(j.at("r").real(), 0.5);
  EXPECT_EQ(j.at("n").real(), 2.0);
  EXPECT_TRUE(j.at("b").boolean());
  EXPECT_EQ(j.at("t").text(), "x");
  EXPECT_EQ(j.at("l").items().size(), 2u);
  EXPECT_EQ(j.at("o").tagged().first, "a");
  EXPECT_TRUE(j.at("z").is_null());
  EXPECT_FALSE(j.has("z")) << "null is absent";
  EXPECT_FALSE(j.has("nothing"));
  EXPECT_FALSE(j.at("l").has("a")) << "a list has no fields";
}

TEST_F(JsonValue, RealsThatJsonCannotWrite) {
  const Json j = read(R"(["Infinity", "-Infinity", "NaN", "Inf"])");
  EXPECT_EQ(j.items()[0].real(), HUGE_VAL);
  EXPECT_EQ(j.items()[1].real(), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(j.items()[2].real()));
  EXPECT_THAT(error_of([&] { j.items()[3].real(); }), HasSubstr("is no number"));
}

TEST_F(JsonValue, ComplaintsNameRecordAndPath) {
  const Json j = read(R"({"a": [{"b": {"c": 1}}, {"two": 1, "tags": 2}], "huge": 9223372036854775808})");
  const Json c = j.at("a").items()[0].at("b").at("c");
  EXPECT_THAT(
      error_of([&] { c.text(); }),
      StartsWith(
          "m.pt2:models/model.json:.a[0].b.c: error I116: the program is damaged: this value is not a text"));
  EXPECT_THAT(error_of([&] { j.at("a").items()[1].tagged(); }),
              AllOf(HasSubstr(":.a[1]: "), HasSubstr("one tag and has 2")));
  EXPECT_THAT(error_of([&] { j.at("missing"); }), HasSubstr("has no field 'missing'"));
  EXPECT_THAT(error_of([&] { j.at("a").at("b"); }), AllOf(HasSubstr(":.a: "), HasSubstr("has no field 'b'")));
  EXPECT_THAT(error_of([&] { j.at("huge").integer(); }),
              AllOf(HasSubstr(":.huge: "), HasSubstr("an integer that fits 64 bits")));
  EXPECT_THAT(error_of([&] { j.items(); }), HasSubstr("is not a list"));
  EXPECT_THAT(error_of([&] { c.members(); }), HasSubstr("is not an object"));
  EXPECT_THAT(error_of([&] { c.boolean(); }), HasSubstr("is not true or false"));
}

TEST_F(JsonValue, ComplaintsStayReadable) {
  const std::string name(100'000, 'n');
  const Json j = read("{\"" + name + "\": 1}");
  const std::string said = error_of([&] { j.members()[0].second.refuse("names '" + name + "'"); });
  EXPECT_LT(said.size(), 1000u);
  EXPECT_THAT(said, HasSubstr("nnn..."));
}

TEST_F(JsonValue, WhatIsNoJson) {
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  const std::string invalid_utf8 = "{\"a\": \"\xff\xfe\"}";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("{} {}"), std::string("{'a': 1}"), deep, invalid_utf8,
        std::string("[1e999999]"), std::string("\0\0", 2)}) {
    EXPECT_THAT(error_of([&] { read(text); }),
                AllOf(StartsWith("m.pt2:models/model.json:"), HasSubstr("I116")))
        << text.substr(0, 20);
  }
}

}  // namespace
}  // namespace onnxport
