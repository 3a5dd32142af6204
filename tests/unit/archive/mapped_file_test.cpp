// A file that others make shorter while it is mapped, and checksums of what is only holes.
#include "core/archive/mapped_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/archive/checksum.h"
#include "onnxport/crash_reports.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

class MappedFileTest : public testing::Test {
 protected:
  MappedFileTest() : path_(fs::path(testing::TempDir()) / ("mapped-" + std::to_string(getpid()))) {}
  ~MappedFileTest() override { fs::remove(path_); }
  void write(size_t bytes) const { std::ofstream(path_) << std::string(bytes, 'x'); }

  fs::path path_;
};

TEST_F(MappedFileTest, WhatIsGoneReadsAsZerosAndIsCounted) {
  install_crash_reports();
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  write(4 * page);
  const auto file = MappedFile::open(path_);
  const uint64_t before = FileMapping::lost_count();
  fs::resize_file(path_, page);
  EXPECT_EQ(file->bytes()[page - 1], std::byte{'x'});
  EXPECT_EQ(FileMapping::lost_count(), before);
  EXPECT_EQ(file->bytes()[2 * page], std::byte{0});
  EXPECT_EQ(file->bytes()[4 * page - 1], std::byte{0});
  EXPECT_EQ(FileMapping::lost_count(), before + 1);
}

TEST_F(MappedFileTest, AddressesOfNoFileAreNotRepaired) {
  write(10);
  const auto file = MappedFile::open(path_);
  int other = 0;
  EXPECT_FALSE(FileMapping::repair(&other));
}

TEST(Checksum, OfZerosWithoutReadingThem) {
  const std::vector<std::byte> start = {std::byte{1}, std::byte{250}, std::byte{3}};
  for (const size_t count : {size_t{0}, size_t{1}, size_t{7}, size_t{64}, size_t{4096}, size_t{1000003}}) {
    for (const uint32_t before : {uint32_t{0}, crc32_of(start)})
      EXPECT_EQ(crc32_of_zeros(count, before), crc32_of(std::vector<std::byte>(count), before)) << count;
  }
}

TEST_F(MappedFileTest, HolesAreFound) {
  write(1);
  fs::resize_file(path_, uint64_t{1} << 33);
  const auto file = MappedFile::open(path_);
  const uint64_t size = file->bytes().size();
  EXPECT_EQ(end_of_hole(file->descriptor(), 0, size), 0U);
  const uint64_t end = end_of_hole(file->descriptor(), size / 2, size);
  // A file system without holes says that all is data.
  EXPECT_TRUE(end == size || end == size / 2) << end;
}

}  // namespace
}  // namespace onnxport
