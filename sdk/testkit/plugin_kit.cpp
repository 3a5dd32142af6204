// The conformance kit as a GoogleTest program: a test for each thing that plugin check tries, and the plugin's own tests.
#include <memory>

#include "onnxport/crash_reports.h"
#include "onnxport_testkit.h"

namespace {

class Trial : public testing::Test {
 public:
  Trial(std::shared_ptr<const onnxport::PluginCheck> check, size_t which)
      : check_(std::move(check)), which_(which) {}

  void TestBody() override {
    const std::string& result = check_->trials[which_].result;
    if (result.starts_with("not tried") || result.starts_with("takes none")) GTEST_SKIP() << result;
    if (result.starts_with("ok")) return;
    bool told = false;
    for (const onnxport::Diagnostic& finding : check_->findings) {
      if (finding.code != result) continue;
      told = true;
      if (finding.severity == onnxport::Severity::error) ADD_FAILURE() << finding.text();
    }
    if (!told) ADD_FAILURE() << result;
  }

 private:
  std::shared_ptr<const onnxport::PluginCheck> check_;
  size_t which_;
};

// What is wrong beside what a trial names.
class Findings : public testing::Test {
 public:
  explicit Findings(std::shared_ptr<const onnxport::PluginCheck> check) : check_(std::move(check)) {}

  void TestBody() override {
    for (const onnxport::Diagnostic& finding : check_->findings) {
      if (finding.severity == onnxport::Severity::error) ADD_FAILURE() << finding.text();
    }
  }

 private:
  std::shared_ptr<const onnxport::PluginCheck> check_;
};

}  // namespace

int main(int argc, char** argv) {
  onnxport::install_crash_reports();  // a plugin that ends this process is named
  testing::InitGoogleTest(&argc, argv);
  const auto check = std::make_shared<const onnxport::PluginCheck>(
      onnxport::check_plugin(ONNXPORT_TESTED_MANIFEST, onnxport::testkit::options()));
  for (size_t i = 0; i < check->trials.size(); ++i) {
    testing::RegisterTest("Conformance", check->trials[i].what.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [check, i]() -> testing::Test* { return new Trial(check, i); });
  }
  testing::RegisterTest("Conformance", "nothing is wrong", nullptr, nullptr, __FILE__, __LINE__,
                        [check]() -> testing::Test* { return new Findings(check); });
  return RUN_ALL_TESTS();
}
