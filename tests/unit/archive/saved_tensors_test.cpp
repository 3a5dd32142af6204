#include "core/archive/saved_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/archive/pickle_bytes.h"

namespace onnxport::testing {
namespace {

using namespace pickle;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = SavedValue::Kind;

const std::map<std::string, std::string> kFour = {{"0", bytes_of<float>({1, 2, 3, 4})}};

std::optional<SavedValue> read(const std::string& archive) {
  std::string why;
  auto out = read_pickled_tensors(span_of(archive), why);
  EXPECT_EQ(out.has_value(), why.empty()) << why;
  return out;
}
// Why an archive is refused; empty when it is not.
std::string refused(const std::string& archive) {
  std::string why;
  return read_pickled_tensors(span_of(archive), why) ? "" : why;
}
std::string refused_value(const std::string& value) { return refused(saved(value, kFour)); }

TEST(SavedTensors, AStateDict) {
  const std::string weight = parameter(tensor(floats("0", 4), 1, {3, 1}, {1, 3}));
  const std::string archive = saved(dict({{"w", weight}, {"n", number(5)}}), kFour);
  const auto state = read(archive);
  ASSERT_TRUE(state && state->kind == Kind::dict);
  ASSERT_NE(state->find("w"), nullptr);
  EXPECT_EQ(state->find("x"), nullptr);
  EXPECT_EQ(state->find("n")->integer, 5);
  const SavedTensor& t = state->find("w")->tensor;
  EXPECT_EQ(t.dtype, ir::DType::f32);
  EXPECT_THAT(t.sizes, ElementsAre(3, 1));
  EXPECT_THAT(t.strides, ElementsAre(1, 3));
  EXPECT_EQ(t.offset, 1);
  EXPECT_EQ(t.storage_size, 16u);
  EXPECT_EQ(archive.substr(t.storage_at, t.storage_size), kFour.at("0"));
}

TEST(SavedTensors, TensorsOfOneStorageShareIt) {
  const auto pair =
      read(saved(tuple({tensor(floats("0", 4), 0, {2}, {1}), tensor(floats("0", 4), 2, {2}, {1})}), kFour));
  ASSERT_TRUE(pair && pair->items.size() == 2);
  EXPECT_EQ(pair->items[0].tensor.storage_at, pair->items[1].tensor.storage_at);
  EXPECT_EQ(pair->items[1].tensor.offset, 2);
}

TEST(SavedTensors, EveryKindOfStorage) {
  const std::vector<std::pair<std::string, ir::DType>> typed = {
      {"FloatStorage", ir::DType::f32},        {"DoubleStorage", ir::DType::f64},
      {"HalfStorage", ir::DType::f16},         {"BFloat16Storage", ir::DType::bf16},
      {"LongStorage", ir::DType::i64},         {"IntStorage", ir::DType::i32},
      {"ShortStorage", ir::DType::i16},        {"CharStorage", ir::DType::i8},
      {"ByteStorage", ir::DType::u8},          {"BoolStorage", ir::DType::boolean},
      {"ComplexFloatStorage", ir::DType::c64}, {"ComplexDoubleStorage", ir::DType::c128}};
  for (const auto& [name, dtype] : typed) {
    const auto one = read(saved(tensor(storage("0", 1, global("torch", name)), 0, {1}, {1}), kFour));
    ASSERT_TRUE(one) << name;
    EXPECT_EQ(one->tensor.dtype, dtype) << name;
    EXPECT_EQ(one->tensor.storage_size, ir::size_of(dtype)) << name;
  }
}

std::string untyped(const std::string& dtype) {
  return call(global("torch._utils", "_rebuild_tensor_v3"),
              {storage("0", 8, global("torch.storage", "UntypedStorage")), number(0), numbers({4}),
               numbers({1}), "\x89", call(global("collections", "OrderedDict"), {}), dtype});
}

TEST(SavedTensors, TypesThatCameAfterTypedStorages) {
  const auto wide = read(saved(untyped(global("torch", "uint16")), kFour));
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->tensor.dtype, ir::DType::u16);
  EXPECT_EQ(wide->tensor.storage_size, 8u);
  const auto small = read(saved(untyped(global("torch", "float8_e4m3fn")), kFour));
  ASSERT_TRUE(small);
  EXPECT_EQ(small->tensor.dtype, ir::DType::f8e4m3fn);
  EXPECT_THAT(refused_value(untyped(number(1))), HasSubstr("no element type"));
  EXPECT_THAT(refused_value(tensor(storage("0", 8, global("torch.storage", "UntypedStorage")), 0, {1}, {1})),
              HasSubstr("no element type"));
}

TEST(SavedTensors, ArgumentsOfAProgram) {
  const std::string device = call(global("torch", "device"), {text("cpu")});
  const std::string size = call(global("torch", "Size"), {numbers({2, 3})});
  const auto all = read(saved(tuple({tuple({number(3), std::string("G\x3f\xf8\0\0\0\0\0\0", 9), "\x88", "N",
                                            list({text("t")}), global("torch", "float32"), device, size}),
                                     dict({})})));
  ASSERT_TRUE(all && all->kind == Kind::sequence);
  const auto& items = all->items[0].items;
  ASSERT_EQ(items.size(), 8u);
  const std::vector<Kind> kinds = {Kind::integer,  Kind::real,  Kind::boolean, Kind::none,
                                   Kind::sequence, Kind::other, Kind::other,   Kind::sequence};
  for (size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ(items[i].kind, kinds[i]) << i;
  EXPECT_EQ(items[1].real, 1.5);
  EXPECT_EQ(items[4].items[0].text, "t");
  EXPECT_EQ(items[7].items[1].integer, 3);
  EXPECT_EQ(all->items[1].kind, Kind::dict);
}

TEST(SavedTensors, NoOtherObjects) {
  EXPECT_THAT(refused_value(call(global("os", "system"), {text("true")})), HasSubstr("'os.system'"));
  EXPECT_THAT(refused_value(call(global("torch._utils", "_rebuild_qtensor"), {})),
              HasSubstr("_rebuild_qtensor"));
  EXPECT_THAT(refused_value(call(global("torch", "FloatStorage"), {number(1)})), HasSubstr("in a way"));
  EXPECT_THAT(refused_value(floats("0", 4)), HasSubstr("outside of a tensor"));
  EXPECT_THAT(refused_value("}(" + tuple({}) + "Nu"), HasSubstr("no texts"));
}

TEST(SavedTensors, TensorsOfWrongArguments) {
  const std::string rebuild = global("torch._utils", "_rebuild_tensor_v2");
  const std::string hooks = call(global("collections", "OrderedDict"), {});
  const auto made = [&](const std::string& of, const std::string& offset, const std::string& sizes,
                        const std::string& more = "") {
    return refused_value(rebuild + '(' + of + offset + sizes + numbers({1}) + "\x89" + hooks + more + "tR");
  };
  const std::string good = floats("0", 4);
  EXPECT_EQ(made(good, number(0), numbers({1})), "");
  EXPECT_EQ(made(good, number(0), call(global("torch", "Size"), {numbers({1})})), "");
  EXPECT_THAT(made(number(0), number(0), numbers({1})), HasSubstr("without a storage"));
  EXPECT_THAT(made(tuple({text("storage")}) + 'Q', number(0), numbers({1})), HasSubstr("without a storage"));
  EXPECT_THAT(made(good, "N", numbers({1})), HasSubstr("offset is no number"));
  EXPECT_THAT(made(good, number(0), number(1)), HasSubstr("sizes are no numbers"));
  EXPECT_THAT(made(good, number(0), tuple({text("1")})), HasSubstr("sizes are no numbers"));
  EXPECT_THAT(made(good, number(0), numbers(std::vector<int32_t>(65, 1))), HasSubstr("sizes are no numbers"));
  EXPECT_THAT(made(good, number(0), numbers({1}), dict({{"conj", "\x88"}})), HasSubstr("conjugated"));
  EXPECT_THAT(made(storage("0", 4, global("torch", "float32")), number(0), numbers({1})),
              HasSubstr("a storage of 'torch float32'"));
  EXPECT_THAT(refused_value(call(rebuild, {good})), HasSubstr("too few"));
  EXPECT_THAT(refused_value(call(global("torch._utils", "_rebuild_parameter"), {})),
              HasSubstr("from nothing"));
}

TEST(SavedTensors, StoragesThatAreNotThere) {
  const auto of = [](const std::string& from) { return refused_value(tensor(from, 0, {1}, {1})); };
  EXPECT_THAT(of(floats("1", 4)), HasSubstr("'data/1' is missing"));
  EXPECT_THAT(of(floats("../../x", 4)), HasSubstr("is missing"));
  EXPECT_THAT(of(floats("0", 5)), HasSubstr("of 16 bytes is shorter"));
  EXPECT_THAT(of(floats("0", -1)), HasSubstr("is shorter"));
  EXPECT_EQ(of(floats("0", 3)), "");
}

TEST(SavedTensors, DeepAndSelfContainingTrees) {
  EXPECT_EQ(refused_value(std::string(50, ']') + std::string(49, 'a')), "");
  EXPECT_THAT(refused_value(std::string(5000, ']') + std::string(4999, 'a')), HasSubstr("deeper than"));
  EXPECT_THAT(refused_value(std::string("]q\0h\0a", 6)), HasSubstr("deeper than"));
  std::string value = "N";  // sixteen of sixteen of sixteen…
  for (char i = 0; i < 12; ++i) {
    const std::string remembered = std::string("q") + i, recalled = std::string("h") + i;
    std::string level = '(' + value + remembered;
    for (int k = 0; k < 15; ++k) level += recalled;
    value = level + 't';
  }
  EXPECT_THAT(refused_value(value), HasSubstr("absurd number"));
}

TEST(SavedTensors, ArchivesThatAreDamaged) {
  EXPECT_THAT(refused(""), HasSubstr("empty"));
  EXPECT_THAT(refused("no archive at all, and long enough"), HasSubstr("no zip archive"));
  const std::string good = saved(number(1));
  EXPECT_EQ(refused(good), "");
  EXPECT_THAT(refused(good.substr(0, good.size() / 2)), HasSubstr("truncated"));
  std::string changed = good;
  const size_t at = changed.find(pickled(number(1))) + 3;
  changed[at] = 2;
  EXPECT_THAT(refused(changed), HasSubstr("checksum"));
  ZipBytes other;
  other.add("archive/constants.pkl", "");
  EXPECT_THAT(refused(other.finish()), HasSubstr("no record data.pkl"));
  ZipBytes twice;
  for (int i = 0; i < 2; ++i) twice.add("archive/data.pkl", pickled("N"));
  EXPECT_THAT(refused(twice.finish()), HasSubstr("two of its records"));
  ZipBytes big;
  big.add("archive/data.pkl", pickled("N"));
  big.add("archive/byteorder", "big");
  EXPECT_THAT(refused(big.finish()), HasSubstr("big-endian"));
}

}  // namespace
}  // namespace onnxport::testing
