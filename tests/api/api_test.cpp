// export.h as a user calls it: to a file, to memory, in pieces, and from many threads at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "api/fixture.h"
#include "onnxport/export.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using test::fixture;
using testing::HasSubstr;

struct Model {
  fs::path file;
  ExportOptions options;
};

std::vector<Model> models() {
  std::vector<Model> out(5);
  out[0].file = fixture("programs/gpt2_cache.pt2");
  out[1].file = fixture("programs/scan_tagger.pt2");
  out[2].file = fixture("programs/resnet18.pt2");
  out[3].file = fixture("models/linear.pt");
  out[3].options.inputs = {"x:f32[batch=2,8]"};
  out[4].file = fixture("models/lstm_tagger.pt");
  out[4].options.inputs = {"words:i64[batch=2,seq=6]"};
  out[4].options.opset = 18;
  return out;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Api, FileMemoryAndPiecesAreTheSameBytes) {
  const fs::path output = fs::temp_directory_path() / ("onnxport-api-" + std::to_string(getpid()) + ".onnx");
  for (const Model& model : models()) {
    const std::string whole = text_of(export_to_memory(model.file, model.options).model);
    std::string pieces;
    export_to_callback(
        model.file,
        [&](std::span<const std::byte> piece) {
          pieces.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        },
        model.options);
    export_file(model.file, output, model.options);
    std::ifstream in(output, std::ios::binary);
    const std::string file((std::istreambuf_iterator<char>(in)), {});
    fs::remove(output);
    EXPECT_FALSE(whole.empty());
    EXPECT_TRUE(whole == pieces) << model.file;
    EXPECT_TRUE(whole == file) << model.file;
  }
}

TEST(Api, ManyThreadsGetTheSameBytesAsOne) {
  const std::vector<Model> all = models();
  std::vector<std::string> expected;
  for (const Model& model : all)
    expected.push_back(text_of(export_to_memory(model.file, model.options).model));
  constexpr size_t kThreads = 8;
  std::vector<std::string> said(kThreads);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        try {
          for (size_t i = 0; i < 2 * all.size(); ++i) {
            const size_t k = (i + t) % all.size();  // each starts with another
            if (text_of(export_to_memory(all[k].file, all[k].options).model) != expected[k])
              said[t] = "other bytes of " + all[k].file.string();
          }
        } catch (const std::exception& e) {
          said[t] = e.what();
        }
      });
    }
  }
  for (const std::string& text : said) EXPECT_EQ(text, "");
}

TEST(Api, ErrorsOfThreadsStayApart) {
  std::vector<std::string> said(6);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < said.size(); ++t) {
      threads.emplace_back([&, t] {
        ExportOptions options;
        options.opset = t % 2 == 0 ? 99 : 20;
        options.inputs = {"nobody:f32[2]"};
        try {
          export_to_memory(fixture("programs/linear.pt2"), options);
        } catch (const Error& e) {
          said[t] = e.what();
        }
      });
    }
  }
  for (size_t t = 0; t < said.size(); ++t) EXPECT_THAT(said[t], HasSubstr(t % 2 == 0 ? "O605" : "I106"));
}

TEST(Api, ProgressGoesForward) {
  ExportOptions options;
  double last = 0;
  std::vector<std::string> stages;
  options.progress = [&](std::string_view stage, double fraction) {
    EXPECT_GE(fraction, last);
    EXPECT_LE(fraction, 1.0);
    last = fraction;
    stages.emplace_back(stage);
  };
  export_to_memory(fixture("programs/linear.pt2"), options);
  EXPECT_THAT(stages, testing::ElementsAre("capture", "prepare", "translate", "legalize", "serialize"));
}

std::string code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.diagnostics().front().code;
  }
  return {};
}

TEST(Api, StagesThatAreNone) {
  EXPECT_EQ(code_of([] { show(fixture("programs/linear.pt2"), "lunch", {}); }), "I113");
}

TEST(Api, ExternalWeightsNeedAFile) {
  ExportOptions options;
  options.weights = Weights::external;
  EXPECT_EQ(code_of([&] { export_to_memory(fixture("programs/linear.pt2"), options); }), "S707");
}

}  // namespace
}  // namespace onnxport
