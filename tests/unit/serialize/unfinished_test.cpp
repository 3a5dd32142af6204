// What is half written goes with its owner, or when the process is told to end.
#include "core/serialize/unfinished.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <memory>

#include "core/serialize/output_file.h"
#include "core/serialize/scratch_folder.h"
#include "onnxport/output.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(folder)) out.push_back(entry.path().filename().string());
  return out;
}

void write_text(const fs::path& file, std::string_view text) {
  OutputFile out(file);
  out.write(std::as_bytes(std::span(text)));
  OutputFile* const files[] = {&out};
  commit(files);
}

TEST(Unfinished, TemporaryFilesAndScratchFoldersGoWhenTheProcessIsToldToEnd) {
  const ScratchFolder kept;
  const fs::path file = kept.path() / "final";
  write_text(file, "old");
  auto scratch = std::make_unique<ScratchFolder>();
  std::ofstream(scratch->path() / "probe.onnx") << "half";
  std::ofstream(scratch->path() / "probe.onnx.data") << "half";
  auto half = std::make_unique<OutputFile>(file);
  EXPECT_EQ(names_in(kept.path()).size(), 2u);
  std::ofstream(kept.path() / "done") << "finished";
  // As in a handler. `kept` is a scratch folder too, so that all of it goes.
  remove_unfinished_files();
  EXPECT_FALSE(fs::exists(scratch->path()));
  EXPECT_FALSE(fs::exists(kept.path()));
  half.reset();  // finds nothing left to do
  scratch.reset();
}

TEST(Unfinished, WhatIsPublishedStays) {
  std::string pattern = (fs::temp_directory_path() / "onnxport-unfinished-XXXXXX").string();
  const fs::path folder = ::mkdtemp(pattern.data());
  write_text(folder / "new", "one");
  write_text(folder / "new", "two");
  remove_unfinished_files();
  EXPECT_THAT(names_in(folder), testing::ElementsAre("new"));
  { const OutputFile half(folder / "other"); }
  EXPECT_THAT(names_in(folder), testing::ElementsAre("new"));
  fs::remove_all(folder);
}

TEST(Unfinished, MoreThanTheListHoldsAreRemovedByTheirOwners) {
  const ScratchFolder folder;
  std::vector<std::unique_ptr<OutputFile>> files;
  for (int i = 0; i < 300; ++i)
    files.push_back(std::make_unique<OutputFile>(folder.path() / std::to_string(i)));
  EXPECT_EQ(names_in(folder.path()).size(), 300u);
  files.clear();
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(OutputFile, KeepsTheModeOfWhatItReplaces) {
  const ScratchFolder folder;
  const fs::path file = folder.path() / "file";
  write_text(file, "old");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  write_text(file, "new");
  struct stat now {};
  ASSERT_EQ(::stat(file.c_str(), &now), 0);
  EXPECT_EQ(now.st_mode & 07777, 0600u);
}

TEST(OutputFile, TakesTheLongestNames) {
  const ScratchFolder folder;
  for (const size_t length : {241, 242, 254, 255}) {
    const fs::path file = folder.path() / std::string(length, 'n');
    write_text(file, "text");
    EXPECT_EQ(fs::file_size(file), 4u);
  }
}

}  // namespace
}  // namespace onnxport
