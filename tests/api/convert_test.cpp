// convert.h as a user calls it: no model of PyTorch, no libtorch.
#include "onnxport/convert.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace onnxport {
namespace {

namespace fs = std::filesystem;

// A message's field, of a text or a small number.
std::string field(int number, const std::string& content) {
  std::string out;
  const int tag = number << 3 | 2;
  if (tag >= 0x80) {
    out = {static_cast<char>((tag & 0x7f) | 0x80), static_cast<char>(tag >> 7)};
  } else {
    out = {static_cast<char>(tag)};
  }
  return out + static_cast<char>(content.size()) + content;
}
std::string field(int number, int value) {
  return {static_cast<char>(number << 3), static_cast<char>(value)};
}

// y = Gelu(x), f32[n,4], at opset 21.
std::string gelu() {
  const std::string shape = field(1, field(2, "n")) + field(1, field(1, 4));
  const auto value = [&](const char* name) {
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)));
  };
  const std::string node = field(1, "x") + field(2, "y") + field(3, "act") + field(4, "Gelu");
  const std::string graph = field(1, node) + field(2, "g") + field(11, value("x")) + field(12, value("y"));
  return field(1, 10) + field(7, graph) + field(8, field(1, "") + field(2, 21));
}

class Convert : public ::testing::Test {
 protected:
  Convert() : folder_(fs::temp_directory_path() / ("onnxport-convert-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
    std::ofstream(folder_ / "in.bin", std::ios::binary) << gelu();
  }
  ~Convert() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(Convert, AFileOfAnyNameGoesToAnotherOpset) {
  ConvertOptions options;
  options.opset = 18;
  const ExportReport report = convert_file(folder_ / "in.bin", folder_ / "out.onnx", options);
  EXPECT_EQ(report.opset, 18);
  EXPECT_EQ(report.inputs, std::vector<std::string>{"x: f32[n,4]"});
  EXPECT_FALSE(report.node_counts.contains("Gelu"));  // is of opset 20
  EXPECT_TRUE(fs::exists(folder_ / "out.onnx"));
}

TEST_F(Convert, BytesAreAProgramLikeAnyOther) {
  const std::string bytes = gelu();
  const Session session;
  const Program program = session.capture(Source::memory(std::as_bytes(std::span(bytes))).as_onnx());
  EXPECT_EQ(program.outputs(), std::vector<std::string>{"y: f32[n,4]"});
  for (const int opset : {0, 19, 22}) {  // 0: its own
    Target target;
    target.opset = opset;
    size_t size = 0;
    const ExportReport report =
        program.write(target, [&](std::span<const std::byte> piece) { size += piece.size(); });
    EXPECT_EQ(report.opset, opset == 0 ? 21 : opset);
    EXPECT_GT(size, 50u);
  }
  Target target;
  target.opset = 19;
  EXPECT_EQ(program.dry_run(target).node_counts.count("Gelu"), 0u);
  EXPECT_NE(program.show("capture").find("Gelu"), std::string::npos);
  EXPECT_EQ(program.show("legalize", target).find("Gelu"), std::string::npos);
}

TEST_F(Convert, HowFarAFileGoes) {
  const ReachReport reach = reach_of(folder_ / "in.bin");
  EXPECT_EQ(reach.opset, 21);
  ASSERT_GE(reach.opsets.size(), 6u);
  EXPECT_TRUE(std::is_sorted(reach.opsets.begin(), reach.opsets.end(),
                             [](const OpsetReach& a, const OpsetReach& b) { return a.opset < b.opset; }));
  const auto own = std::find_if(reach.opsets.begin(), reach.opsets.end(),
                                [](const OpsetReach& at) { return at.opset == 21; });
  ASSERT_NE(own, reach.opsets.end());
  EXPECT_TRUE(own->blockers.empty());
}

TEST_F(Convert, ExportTakesNoOnnxFile) {
  try {
    export_file(Source(folder_ / "in.bin").as_onnx(), folder_ / "out.onnx");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.diagnostics().front().code, "I108");
  }
}

}  // namespace
}  // namespace onnxport
