#include "core/capture/exported_program/program_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "unit/capture/exported_program/programs.h"

namespace onnxport::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const Records kRecords = {{"models/model.json", "{}"}, {"data/weights/weight_0", "0123456789abcdef"}};

// The complaint about an archive whose bytes `edit` changed.
std::string complaint(const std::function<void(std::string&)>& edit, const Records& records = kRecords) {
  const TemporaryFolder folder;
  ZipBytes zip;
  for (const auto& [name, bytes] : records) zip.add("p/" + name, bytes);
  std::string bytes = zip.finish();
  edit(bytes);
  const auto path = folder.write("p.pt2", bytes);
  return error_of([&] {
    const ProgramArchive archive(path);
    archive.text(archive.program_record());
    archive.check("data/weights/weight_0");
  });
}

// Where the n-th entry of the zip directory is, and the n-th local header.
size_t entry(const std::string& bytes, int n = 0) {
  size_t at = bytes.find("PK\1\2");
  while (n-- > 0) at = bytes.find("PK\1\2", at + 4);
  return at;
}
size_t local(const std::string& bytes, int n = 0) {
  size_t at = bytes.find("PK\3\4");
  while (n-- > 0) at = bytes.find("PK\3\4", at + 4);
  return at;
}
void put(std::string& bytes, size_t at, uint64_t value, int count = 4) {
  for (int i = 0; i < count; ++i)
    bytes[at + static_cast<size_t>(i)] = static_cast<char>(value >> (8 * i) & 0xff);
}

TEST(ProgramArchive, RecordsAreViewsOfTheFile) {
  const TemporaryFolder folder;
  const ProgramArchive archive(write_archive(folder, kRecords));
  EXPECT_EQ(archive.program_record(), "models/model.json");
  EXPECT_TRUE(archive.has("data/weights/weight_0"));
  EXPECT_FALSE(archive.has("p/data/weights/weight_0"));
  const auto bytes = archive.bytes("data/weights/weight_0");
  EXPECT_EQ(bytes.size(), 16u);
  EXPECT_GE(bytes.data(), archive.file()->bytes().data());
  EXPECT_EQ(archive.text("data/weights/weight_0"), "0123456789abcdef");
  const ir::FileRegion region = archive.region("data/weights/weight_0", 4);
  EXPECT_EQ(*region.path, archive.path());
  EXPECT_EQ(archive.file()->bytes()[region.offset], std::byte{'4'});
  EXPECT_THAT(error_of([&] { archive.bytes("nothing"); }),
              AllOf(HasSubstr("I102"), HasSubstr("'nothing' is missing")));
}

TEST(ProgramArchive, ChoosesTheOnlyProgram) {
  const TemporaryFolder folder;
  EXPECT_EQ(ProgramArchive(write_archive(folder, {{"models/other.json", "{}"}})).program_record(),
            "models/other.json");
  const auto refused = [&](const Records& records) {
    return error_of([&] { ProgramArchive archive(write_archive(folder, records)); });
  };
  EXPECT_THAT(refused({{"models/a.json", ""}, {"models/b.json", ""}}),
              AllOf(HasSubstr("I103"), HasSubstr("2 programs")));
  EXPECT_THAT(refused({{"data.pkl", ""}}), AllOf(HasSubstr("I103"), HasSubstr("no exported program")));
  EXPECT_THAT(refused({}), HasSubstr("I103"));
  EXPECT_THAT(refused({{"models/model.json", "{}"}, {"byteorder", "big"}}), HasSubstr("I119"));
}

TEST(ProgramArchive, WhatIsNoArchive) {
  const TemporaryFolder folder;
  const auto refused = [&](std::string_view bytes) {
    const auto path = folder.write("p.pt2", bytes);
    return error_of([&] { const ProgramArchive archive(path); });
  };
  EXPECT_THAT(refused(""), AllOf(HasSubstr("I102"), HasSubstr("empty")));
  EXPECT_THAT(refused("PK"), AllOf(HasSubstr("I102"), HasSubstr("too short")));
  EXPECT_THAT(refused(std::string(5000, 'x')), AllOf(HasSubstr("I102"), HasSubstr("no zip archive")));
  EXPECT_THAT(error_of([&] { ProgramArchive a(folder.path() / "absent"); }), HasSubstr("I101"));
  EXPECT_THAT(error_of([&] { ProgramArchive a(folder.path()); }), HasSubstr("I101"));
}

TEST(ProgramArchive, EveryTruncationIsRefused) {
  ZipBytes zip;
  for (const auto& [name, bytes] : kRecords) zip.add("p/" + name, bytes);
  const std::string whole = zip.finish();
  const TemporaryFolder folder;
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto path = folder.write("p.pt2", std::string_view(whole).substr(0, size));
    ASSERT_THAT(error_of([&] { const ProgramArchive archive(path); }), HasSubstr("I102")) << size << " bytes";
  }
}

TEST(ProgramArchive, ChecksumsAreCompared) {
  EXPECT_THAT(complaint([](std::string& b) { b[b.find("01234567")] ^= 1; }),
              AllOf(HasSubstr("I118"), HasSubstr("'data/weights/weight_0'")));
  EXPECT_THAT(complaint([](std::string& b) { b[b.find("{}")] ^= 1; }),
              AllOf(HasSubstr("I118"), HasSubstr("'models/model.json'")));
}

TEST(ProgramArchive, RecordsThatLie) {
  // Entry 0 is the weight, entry 1 the program.
  EXPECT_THAT(complaint([](std::string& b) { put(b, entry(b, 0) + 42, local(b, 1)); }),
              AllOf(HasSubstr("I102"), HasSubstr("another one in the zip directory")));
  EXPECT_THAT(complaint([](std::string& b) { put(b, entry(b, 0) + 42, 7); }),
              HasSubstr("does not lie where"));
  EXPECT_THAT(complaint([](std::string& b) { put(b, entry(b, 0) + 42, 0xfffffff0); }),
              HasSubstr("does not lie where"));
  EXPECT_THAT(
      complaint([](std::string& b) {
        for (const size_t at : {entry(b, 0) + 20, entry(b, 0) + 24, local(b, 0) + 18, local(b, 0) + 22})
          put(b, at, 150);
      }),
      AllOf(HasSubstr("weight_0' overlaps record 'p/models/model.json'")));
  EXPECT_THAT(
      complaint([](std::string& b) {
        for (const size_t at : {entry(b, 1) + 20, entry(b, 1) + 24, local(b, 1) + 18, local(b, 1) + 22})
          put(b, at, 20);
      }),
      HasSubstr("model.json' overlaps the zip directory"));
  EXPECT_THAT(complaint([](std::string& b) { put(b, entry(b, 0) + 24, 15); }),
              HasSubstr("another one in the zip"));
  EXPECT_THAT(complaint([](std::string& b) {
                put(b, entry(b, 0) + 24, 15);
                put(b, local(b, 0) + 22, 15);
              }),
              HasSubstr("two sizes: 15 and 16 bytes"));
  EXPECT_THAT(
      complaint([](std::string& b) {
        for (const size_t at : {entry(b, 0) + 20, entry(b, 0) + 24, local(b, 0) + 18, local(b, 0) + 22})
          put(b, at, 0x7fffffff);
      }),
      HasSubstr("beyond the end of the file"));
  EXPECT_THAT(complaint([](std::string& b) { put(b, local(b, 0) + 28, 0xffff, 2); }),
              HasSubstr("beyond the end of the file"));
  EXPECT_THAT(complaint([](std::string& b) { b[entry(b, 1) + 46 + 3] = 'X'; }),
              HasSubstr("another one in the zip"));
}

TEST(ProgramArchive, DirectoriesThatLie) {
  const auto end = [](const std::string& b) { return b.rfind("PK\5\6"); };
  EXPECT_THAT(complaint([&](std::string& b) { put(b, end(b) + 10, 3, 2); }),
              HasSubstr("entry 2 of the zip directory is damaged"));
  EXPECT_THAT(complaint([&](std::string& b) { put(b, end(b) + 16, 0x7fffffff); }),
              HasSubstr("entry 0 of the zip directory"));
  EXPECT_THAT(complaint([&](std::string& b) { put(b, entry(b) + 28, 0xffff, 2); }),
              HasSubstr("entry 0 of the zip directory"));
  // "The directory is described by a zip64 record", which is not there, or lies somewhere else.
  EXPECT_THAT(complaint([&](std::string& b) { put(b, end(b) + 16, 0xffffffff); }), HasSubstr("I102"));
  EXPECT_THAT(complaint([&](std::string& b) {
                put(b, end(b) + 16, 0xffffffff);
                std::string locator("PK\6\7");
                locator.resize(20);
                put(locator, 8, 0xfffffffffffffff0, 8);
                b.insert(end(b), locator);
              }),
              HasSubstr("I102"));
}

TEST(ProgramArchive, Zip64SizesAreRead) {
  const auto with_zip64 = [](uint64_t size) {
    return [size](std::string& b) {
      const size_t at = entry(b, 1);  // the last one: nothing behind it moves
      std::string extra(20, '\0');
      put(extra, 0, 1, 2);
      put(extra, 2, 16, 2);
      put(extra, 4, size, 8);
      put(extra, 12, size, 8);
      put(b, at + 20, 0xffffffff);
      put(b, at + 24, 0xffffffff);
      put(b, at + 30, extra.size(), 2);
      b.insert(at + 46 + std::string("p/models/model.json").size(), extra);
      b[b.find("01234567")] ^= 1;  // what is found last, when all the rest is read
    };
  };
  EXPECT_THAT(complaint(with_zip64(2)), HasSubstr("I118"));
  EXPECT_THAT(complaint(with_zip64(uint64_t{1} << 63)), HasSubstr("another one in the zip directory"));
}

TEST(ProgramArchive, CompressedRecordsAreNamed) {
  const std::string said = complaint([](std::string& b) {
    put(b, entry(b, 1) + 10, 8, 2);
    put(b, local(b, 1) + 8, 8, 2);
  });
  EXPECT_THAT(said, AllOf(HasSubstr("I102"), HasSubstr("'models/model.json' is compressed")));
}

TEST(ProgramArchive, TwoRecordsOfOneName) {
  const TemporaryFolder folder;
  ZipBytes zip;
  zip.add("p/models/model.json", "{}");
  zip.add("q/models/model.json", "{}");
  const auto path = folder.write("p.pt2", zip.finish());
  EXPECT_THAT(error_of([&] { ProgramArchive archive(path); }),
              AllOf(HasSubstr("I102"), HasSubstr("two records are named")));
}

TEST(ProgramArchive, NamesInMessagesArePrintable) {
  EXPECT_EQ(printable_record("a/b\x1b[31m\xff"), "a/b?[31m?");
  EXPECT_EQ(printable_record(std::string(1000, 'x')).size(), 123u);
}

}  // namespace
}  // namespace onnxport::testing
