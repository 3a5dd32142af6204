// session.h as a user calls it: one capture for many targets, one set of plugins for many models, from many threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/fixture.h"
#include "onnxport/crash_reports.h"
#include "onnxport/export.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using test::fixture;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Model {
  fs::path file;
  ProgramOptions options;
};

std::vector<Model> models() {
  std::vector<Model> out(4);
  out[0].file = fixture("programs/gpt2_cache.pt2");
  out[1].file = fixture("programs/scan_tagger.pt2");
  out[2].file = fixture("models/linear.pt");
  out[2].options.inputs = {"x:f32[batch=2,8]"};
  out[3].file = fixture("models/lstm_tagger.pt");
  out[3].options.inputs = {"words:i64[batch=2,seq=6]"};
  return out;
}

constexpr int kOpsets[] = {18, 20, 23};

Target at(int opset) {
  Target target;
  target.opset = opset;
  return target;
}

std::string written(const Program& program, const Target& target) {
  std::string out;
  program.write(target, [&](std::span<const std::byte> piece) {
    out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  return out;
}

// What a call of its own gives.
std::string alone(const Model& model, int opset) {
  ExportOptions options;
  static_cast<ProgramOptions&>(options) = model.options;
  options.opset = opset;
  const std::vector<std::byte> bytes = export_to_memory(model.file, options).model;
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& e) {
    return e.diagnostics().front().code;
  }
  return "none";
}

class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("onnxport-session-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Scratch() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

TEST(SessionApi, OneCaptureServesEveryTarget) {
  const Session session;
  for (Model& model : models()) {
    std::map<std::string, int> seen;
    const Progress count = [&](std::string_view stage, double) { ++seen[std::string(stage)]; };
    model.options.progress = count;
    const Program program = session.capture(model.file, model.options);
    model.options.progress = {};
    for (const int opset : kOpsets) {
      Target target = at(opset);
      target.progress = count;
      EXPECT_TRUE(written(program, target) == alone(model, opset)) << model.file << " at " << opset;
    }
    EXPECT_EQ(seen["capture"], 1);
    EXPECT_EQ(seen["prepare"], 1);
    EXPECT_EQ(seen["translate"], 3);
    EXPECT_EQ(program.report().stage_seconds.size(), 2u);
  }
}

TEST(SessionApi, IsCurrentUntilWhatItReadChanges) {
  const Scratch scratch;
  fs::create_directories(scratch / "plugins");
  PluginOptions options;
  options.paths = {scratch / "plugins"};
  const Session empty(options);
  EXPECT_TRUE(empty.is_current());
  const fs::path file = scratch / "plugins/acme.onnxport.yaml";
  const auto write = [&](const char* version) {
    std::ofstream(file) << "onnxport_manifest: 1\nplugin: {id: com.acme.ops, version: \"" << version
                        << "\", publisher: Acme}\nprovides: {domains: [{name: com.acme, version: 1}]}\n";
  };
  write("1.0.0");
  EXPECT_FALSE(empty.is_current());
  const Session session(options);
  EXPECT_TRUE(session.is_current());
  write("1.0.1");
  fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(2));
  EXPECT_FALSE(session.is_current());
  const Session again(options);
  EXPECT_TRUE(again.is_current());
  ::setenv("ONNXPORT_PLUGINS_DISABLE", "com.acme.*", 1);  // NOLINT(concurrency-mt-unsafe)
  EXPECT_FALSE(again.is_current());
  ::unsetenv("ONNXPORT_PLUGINS_DISABLE");  // NOLINT(concurrency-mt-unsafe)
  EXPECT_TRUE(again.is_current());
  fs::remove(file);
  EXPECT_FALSE(again.is_current());
  EXPECT_TRUE(empty.is_current());
}

TEST(SessionApi, WritingChangesNothingOfTheProgram) {
  const Session session;
  for (const Model& model : models()) {
    const Program program = session.capture(model.file, model.options);
    const std::string captured = program.show("capture"), prepared = program.show("prepare");
    const std::string first = written(program, at(20));
    EXPECT_TRUE(program.show("capture") == captured);
    EXPECT_TRUE(program.show("prepare") == prepared);
    EXPECT_TRUE(written(program, at(20)) == first);
  }
}

TEST(SessionApi, EightThreadsWriteSeveralTargetsOfOneProgram) {
  const Session session;
  const std::vector<Model> all = models();
  std::vector<Program> programs;
  std::map<std::pair<size_t, int>, std::string> expected;
  for (size_t i = 0; i < all.size(); ++i) {
    programs.push_back(session.capture(all[i].file, all[i].options));
    for (const int opset : kOpsets) expected[{i, opset}] = alone(all[i], opset);
  }
  std::vector<std::string> said(8);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < said.size(); ++t) {
      threads.emplace_back([&, t] {
        try {
          for (size_t i = 0; i < all.size(); ++i) {
            const size_t k = (i + t) % all.size();  // each starts with another
            const int opset = kOpsets[(i + t) % std::size(kOpsets)];
            if (written(programs[k], at(opset)) != expected.at({k, opset}))
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

TEST(SessionApi, EightThreadsCaptureFromOneSession) {
  const Session session;
  const std::vector<Model> all = models();
  std::vector<std::string> expected;
  for (const Model& model : all) expected.push_back(alone(model, 20));
  std::vector<std::string> said(8);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < said.size(); ++t) {
      threads.emplace_back([&, t] {
        try {
          const size_t k = t % all.size();
          if (written(session.capture(all[k].file, all[k].options), at(20)) != expected[k])
            said[t] = "other bytes of " + all[k].file.string();
        } catch (const std::exception& e) {
          said[t] = e.what();
        }
      });
    }
  }
  for (const std::string& text : said) EXPECT_EQ(text, "");
}

TEST(SessionApi, VerifiesEachTargetWithoutASecondCapture) {
  const Scratch scratch;
  const Session session;
  for (Model model : models()) {
    std::map<std::string, int> seen;
    const Progress count = [&](std::string_view stage, double) { ++seen[std::string(stage)]; };
    model.options.progress = count;
    const Program program = session.capture(model.file, model.options);
    for (const int opset : {18, 23}) {
      Target target = at(opset);
      target.progress = count;
      target.verify.enabled = true;
      const ExportReport report = program.write(target, scratch / "verified.onnx");
      ASSERT_FALSE(report.verify_runs.empty());
      for (const VerifyRun& run : report.verify_runs) EXPECT_TRUE(run.passed) << run.message;
      EXPECT_TRUE(program.verify(scratch / "verified.onnx").verify_runs.front().passed);
    }
    EXPECT_EQ(seen["capture"], 1);
    EXPECT_EQ(seen["verify"], 2);
  }
}

// The TorchScript reader is gone after the capture: what verify runs is what the program keeps.
TEST(SessionApi, VerifiesAfterTheFileIsGone) {
  const Scratch scratch;
  const Model model = models()[2];
  fs::copy_file(model.file, scratch / "model.pt");
  const Program program = Session().capture(scratch / "model.pt", model.options);
  fs::remove(scratch / "model.pt");
  Target target = at(20);
  target.verify.enabled = true;
  const ExportReport report = program.write(target, scratch / "model.onnx");
  EXPECT_TRUE(report.verify_runs.at(0).passed);
}

std::vector<std::byte> bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST(SessionApi, BytesInMemoryAreTheSameModelAsTheirFile) {
  const Session session;
  const Scratch scratch;
  for (const Model& model : models()) {
    std::optional<Program> program;
    {
      const std::vector<std::byte> bytes = bytes_of(model.file);  // gone before anything is written
      program = session.capture(Source::memory(bytes, "downloaded"), model.options);
    }
    EXPECT_TRUE(written(*program, at(20)) == alone(model, 20)) << model.file;
    Target target = at(23);
    target.weights = Weights::external;
    target.verify.enabled = true;
    EXPECT_TRUE(program->write(target, scratch / "memory.onnx").verify_runs.at(0).passed);
    target.verify.enabled = false;
    target.weights = Weights::reference;
    EXPECT_EQ(code_of([&] { program->write(target, scratch / "memory.onnx"); }), "S706");
  }
}

TEST(SessionApi, ErrorsAboutBytesNameThem) {
  const Session session;
  const std::string text = "no model at all";
  try {
    session.capture(Source::memory(std::as_bytes(std::span(text)), "the download"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("the download"));
    EXPECT_THAT(e.what(), Not(HasSubstr("/proc/")));
    EXPECT_EQ(e.diagnostics().front().code, "I102");
  }
  std::vector<std::byte> half = bytes_of(fixture("programs/linear.pt2"));
  half.resize(half.size() / 2);
  EXPECT_EQ(code_of([&] { session.capture(Source::memory(half)); }), "I102");
  EXPECT_EQ(code_of([&] { session.capture(Source::memory({})); }), "I102");
}

TEST(SessionApi, AProgramMayBeToldToKeepNothingToVerifyWith) {
  Model model = models()[2];
  model.options.verifiable = false;
  const Program program = Session().capture(model.file, model.options);
  Target target = at(20);
  EXPECT_FALSE(written(program, target).empty());
  target.verify.enabled = true;
  EXPECT_EQ(code_of([&] { written(program, target); }), "V806");
  EXPECT_EQ(code_of([&] { (void)program.show("capture"); }), "V806");
}

TEST(SessionApi, AProgramThatIsGivenAwayWritesOnce) {
  const Scratch scratch;
  const Model model = models()[0];
  Program program = Session().capture(model.file, model.options);
  const Program other = program;  // a handle of the same program keeps it whole
  std::move(program).write(at(20), scratch / "given.onnx");
  EXPECT_TRUE(fs::exists(scratch / "given.onnx"));
  EXPECT_TRUE(written(other, at(20)) == alone(model, 20));
  Program last = other;
  std::string bytes;
  Session().capture(model.file, model.options).write(at(20), [&](std::span<const std::byte> piece) {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  EXPECT_TRUE(bytes == alone(model, 20));
}

TEST(SessionApi, EachExportReportsItsOwnPlugins) {
  const Session session;
  const auto used = [&](const char* file) {
    return session.capture(fixture(file)).dry_run(at(20)).plugins_used;
  };
  EXPECT_THAT(used("programs/quantized.pt2"), Contains("org.onnxport.quantized_decomposed"));
  EXPECT_THAT(used("programs/linear.pt2"), Not(Contains("org.onnxport.quantized_decomposed")));
  EXPECT_THAT(used("programs/linear.pt2"), Contains("org.onnxport.aten"));
}

TEST(SessionApi, OpsetsThatNobodyOffersAreRefusedBeforeWork) {
  const Session session;
  EXPECT_EQ(code_of([&] { session.check(at(99)); }), "O605");
  Target target = at(20);
  target.domain_opsets["com.nobody"] = 2;
  EXPECT_EQ(code_of([&] { session.check(target); }), "O605");
  const Program program = session.capture(fixture("programs/linear.pt2"));
  EXPECT_EQ(code_of([&] { written(program, target); }), "O605");
  EXPECT_EQ(code_of([&] { written(program, at(99)); }), "O605");
  EXPECT_THAT(session.opsets(), testing::IsSupersetOf({18, 20, 23}));
}

TEST(SessionApi, AProgramOutlivesItsSession) {
  std::optional<Program> program;
  {
    const Session session;
    program = session.capture(fixture("programs/linear.pt2"));
  }
  EXPECT_FALSE(written(*program, at(18)).empty());
  EXPECT_THAT(program->inputs(), ElementsAre(HasSubstr("f32[")));
  EXPECT_EQ(program->outputs().size(), 1u);
}

TEST(SessionApi, OutputsAreCheckedBeforeWork) {
  const Scratch scratch;
  std::ofstream(scratch / "there.onnx") << "kept";
  Target target = at(20);
  target.overwrite = false;
  const Source model(fixture("programs/linear.pt2"));
  EXPECT_EQ(code_of([&] { check_output(scratch / "there.onnx", target, model); }), "S709");
  EXPECT_EQ(code_of([&] { check_output(scratch / "no/folder.onnx", target, model); }), "S705");
  EXPECT_EQ(code_of([&] { check_output(model.path(), at(20), model); }), "S705");
  EXPECT_EQ(code_of([&] { check_output(scratch / "new.onnx", target, model); }), "none");
}

TEST(Session, AModelThatBecomesShorterIsAnError) {
  install_crash_reports();
  const fs::path file = fs::path(testing::TempDir()) / ("shorter-" + std::to_string(getpid()) + ".pt2");
  const fs::path out = fs::path(file).replace_extension(".onnx");
  fs::copy_file(fixture("programs/gpt2_cache.pt2"), file, fs::copy_options::overwrite_existing);
  const Program program = Session().capture(file);
  fs::resize_file(file, 4096);
  try {
    program.write(at(20), out);
    ADD_FAILURE() << "written";
  } catch (const Error& e) {
    EXPECT_EQ(e.diagnostics().front().code, "I127") << e.what();
  }
  EXPECT_FALSE(fs::exists(out));
  fs::remove(file);
}

}  // namespace
}  // namespace onnxport
