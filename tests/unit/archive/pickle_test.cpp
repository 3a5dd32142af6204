#include "core/archive/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/archive/pickle_bytes.h"

namespace onnxport::testing {
namespace {

using namespace pickle;
using ::testing::HasSubstr;
using Kind = PickleValue::Kind;

bool allows(std::string_view name) { return name == "collections OrderedDict" || name == "m f"; }

std::optional<Pickle> read(const std::string& bytes, std::string* why = nullptr) {
  std::string ignored;
  return read_pickle(span_of(bytes), allows, why == nullptr ? ignored : *why);
}

// Why a pickle of this value is refused; empty when it is not.
std::string refused(const std::string& value) {
  std::string why;
  return read(pickled(value), &why) ? "" : why;
}

int64_t integer(const std::string& value) {
  const auto p = read(pickled(value));
  return p && p->root().is(Kind::integer) ? p->root().integer : -99;
}

TEST(Pickle, Numbers) {
  EXPECT_EQ(integer("K\xff"), 255);
  EXPECT_EQ(integer("M\xff\xff"), 65535);
  EXPECT_EQ(integer(number(-2)), -2);
  EXPECT_EQ(integer("\x8a" + std::string(1, '\0')), 0);
  EXPECT_EQ(integer("\x8a\x01\xff"), -1);
  EXPECT_EQ(integer("\x8a\x05" + little(uint64_t{1} << 33, 5)), int64_t{1} << 33);
  EXPECT_EQ(integer("\x8a\x08" + little(uint64_t{1} << 63, 8)), INT64_MIN);
  const auto real = read(pickled(std::string("G\x3f\xf8\0\0\0\0\0\0", 9)));
  ASSERT_TRUE(real && real->root().is(Kind::real));
  EXPECT_EQ(real->root().real, 1.5);
  const auto yes = read(pickled("\x88")), no = read(pickled("\x89")), none = read(pickled("N"));
  ASSERT_TRUE(yes && no && none);
  EXPECT_TRUE(yes->root().is(Kind::boolean) && yes->root().integer == 1);
  EXPECT_TRUE(no->root().is(Kind::boolean) && no->root().integer == 0);
  EXPECT_TRUE(none->root().is(Kind::none));
}

TEST(Pickle, Containers) {
  const auto p = read(pickled(
      tuple({list({text("a"), number(1)}), dict({{"k", ")"}}), number(7) + "\x85",
             number(8) + number(9) + "\x86", "]" + number(5) + "a", "}" + text("one") + number(1) + "s"})));
  ASSERT_TRUE(p);
  const auto& items = p->root().items;
  ASSERT_EQ(items.size(), 6u);
  EXPECT_EQ(items[0]->items[0]->text, "a");
  EXPECT_EQ(items[0]->items[1]->integer, 1);
  EXPECT_TRUE(items[1]->is(Kind::dict) && items[1]->items[1]->is(Kind::tuple));
  EXPECT_EQ(items[2]->items[0]->integer, 7);
  EXPECT_EQ(items[3]->items[0]->integer, 8);
  EXPECT_EQ(items[3]->items[1]->integer, 9);
  EXPECT_TRUE(items[4]->is(Kind::list) && items[4]->items[0]->integer == 5);
  EXPECT_EQ(items[5]->items[0]->text, "one");
}

TEST(Pickle, RememberedValuesAreOneValue) {
  const std::string far = 'r' + little(1000, 4), from_far = 'j' + little(1000, 4);
  const auto p = read(pickled('(' + text("x") + far + 'h' + std::string("\x01") + from_far + 't'));
  EXPECT_FALSE(p);  // 1 was never remembered
  const auto q = read(pickled('(' + text("x") + far + "q\x01" + "h\x01" + from_far + 't'));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->root().items[0], q->root().items[1]);
  EXPECT_EQ(q->root().items[0], q->root().items[2]);
}

TEST(Pickle, CallsAreValues) {
  const auto p = read(pickled(call(global("m", "f"), {number(3)})));
  ASSERT_TRUE(p);
  EXPECT_TRUE(p->root().calls("m f"));
  EXPECT_FALSE(p->root().calls("m g"));
  EXPECT_EQ(p->root().items[1]->items[0]->integer, 3);
}

TEST(Pickle, OrderedDictsAreDictsAndLoseTheirAttributes) {
  const std::string made = call(global("collections", "OrderedDict"), {});
  const auto p = read(pickled(made + '(' + text("a") + number(1) + 'u' + dict({{"_metadata", "N"}}) + 'b'));
  ASSERT_TRUE(p);
  EXPECT_TRUE(p->root().is(Kind::dict));
  EXPECT_EQ(p->root().items.size(), 2u);
}

// Freed like any other: values do not own each other.
TEST(Pickle, AListMayHoldItself) {
  const auto p = read(pickled(std::string("]q\0h\0a", 6)));
  ASSERT_TRUE(p);
  EXPECT_EQ(p->root().items[0], &p->root());
}

TEST(Pickle, NamesWhatItDoesNotCall) {
  EXPECT_THAT(refused(global("os", "system")), HasSubstr("'os.system'"));
  EXPECT_THAT(refused(global("posix\x1b[31m", "system")), HasSubstr("'posix?[31m.system'"));
  EXPECT_THAT(refused(global(std::string(100000, 'm'), "f")), HasSubstr("..."));
  EXPECT_LT(refused(global(std::string(100000, 'm'), "f")).size(), 400u);
}

TEST(Pickle, RefusesWhatIsMalformed) {
  const std::vector<std::pair<std::string, std::string>> all = {
      {"\x81", "opcode 129"},  // NEWOBJ: makes an object of any class
      {"i", "opcode 105"},     // INST
      {"", "values that nothing takes"},
      {number(1) + number(2), "values that nothing takes"},
      {"(" + number(1), "values that nothing takes"},
      {"t", "lacks a mark"},
      {"u", "lacks a mark"},
      {number(1) + "\x86", "takes a value where there is none"},
      {number(1) + "(0", "takes a value where there is none"},
      {number(1) + "(\x85t", "takes a value where there is none"},
      {"R", "takes a value where there is none"},
      {"Q", "takes a value where there is none"},
      {std::string("q\0", 2), "remembers a value where there is none"},
      {std::string("h\0", 2), "never remembered"},
      {")" + number(1) + "a", "no list"},
      {"](" + number(1) + "u", "without a value"},
      {"](" + number(1) + number(2) + "u", "no dict"},
      {number(1) + number(2) + "b", "no dict"},
      {number(1) + ")R", "no function"},
      {global("m", "f") + number(1) + "R", "no function"},
      {"\x8a\x09" + little(0, 8) + 'x', "integer of 9 bytes"},
      {"X\xff\xff\xff\xffx", "truncated"},
      {"cm\nf", "truncated"}};
  for (const auto& [bytes, word] : all) EXPECT_THAT(refused(bytes), HasSubstr(word)) << bytes;
  std::string why;
  EXPECT_FALSE(read(std::string("\x80\x01N.", 4), &why));
  EXPECT_THAT(why, HasSubstr("protocol 1"));
  EXPECT_FALSE(read("N.", &why));
  EXPECT_THAT(why, HasSubstr("no pickle"));
  EXPECT_FALSE(read("", &why));
  EXPECT_THAT(why, HasSubstr("truncated"));
}

std::string whole() {
  return pickled(
      dict({{"a", parameter(tensor(floats("0", 4), 0, {2, 2}, {2, 1}))}, {"b", list({"N", "\x88"})}}));
}
bool any(std::string_view) { return true; }

TEST(Pickle, EveryBeginningOfOneIsRefused) {
  const std::string bytes = whole();
  std::string why;
  ASSERT_TRUE(read_pickle(span_of(bytes), any, why)) << why;
  for (size_t i = 0; i < bytes.size(); ++i)
    EXPECT_FALSE(read_pickle(span_of(bytes.substr(0, i)), any, why)) << i;
}

// Whatever a byte is changed to: a value or a reason, and nothing read beyond the end.
TEST(Pickle, AnyByteMayBeAnyOther) {
  const std::string good = whole();
  size_t refusals = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(value);
      std::string why;
      const bool is_read = read_pickle(span_of(bytes), any, why).has_value();
      ASSERT_EQ(is_read, why.empty()) << i << ' ' << value;
      refusals += is_read ? 0 : 1;
    }
  }
  EXPECT_GT(refusals, good.size() * 10);
}

TEST(Pickle, AnAbsurdNumberOfValues) {
  EXPECT_THAT(refused(std::string((1 << 21) + 1, ']')), HasSubstr("absurd number of values"));
}

}  // namespace
}  // namespace onnxport::testing
