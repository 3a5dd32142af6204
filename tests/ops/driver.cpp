// ops_driver TABLE_cases.yaml make_cases.py OUTDIR [gtest options]: every case of a mapping table, exported
// through the public API at each opset, static and dynamic, checked by ONNX and compared in ONNX Runtime with
// what PyTorch computed.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "onnxport/export.h"

extern char** environ;

namespace {

namespace fs = std::filesystem;

struct Case {
  std::string op;
  std::string text;
  fs::path folder;
  std::string error;  // PyTorch does not take the case
  std::vector<std::string> static_inputs;
  std::vector<std::string> dynamic_inputs;  // empty: no dynamic dim
  std::vector<std::string> second_inputs;   // the same at the second size
  std::vector<int> opsets = {20, 18, 23};
  std::optional<std::vector<std::string>> nodes;
  std::optional<double> atol;
  std::optional<double> rtol;
  std::string static_only;
  std::string ort_skip;
  std::string no_program;          // why torch.export does not take the case
  std::string program_second;      // the folder of the second size of the program; empty: none
  std::vector<std::string> fixed;  // dims that the program fixes
};

template <typename T>
void read(const YAML::Node& from, const char* key, T& into) {
  if (from[key]) into = from[key].as<T>();
}

template <typename T>
void read(const YAML::Node& from, const char* key, std::optional<T>& into) {
  if (from[key]) into = from[key].as<T>();
}

std::vector<Case> read_cases(const fs::path& file) {
  std::vector<Case> out;
  for (const YAML::Node& node : YAML::LoadFile(file.string())) {
    Case& c = out.emplace_back();
    c.op = node["op"].as<std::string>();
    c.text = node["text"].as<std::string>();
    c.folder = node["folder"].as<std::string>();
    read(node, "error", c.error);
    read(node, "static", c.static_inputs);
    read(node, "dynamic", c.dynamic_inputs);
    read(node, "dynamic_second", c.second_inputs);
    read(node, "opsets", c.opsets);
    read(node, "nodes", c.nodes);
    read(node, "atol", c.atol);
    read(node, "rtol", c.rtol);
    read(node, "static_only", c.static_only);
    read(node, "ort_skip", c.ort_skip);
    read(node, "no_program", c.no_program);
    read(node, "program_second", c.program_second);
    read(node, "fixed", c.fixed);
  }
  return out;
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

std::vector<std::string> node_list(const std::map<std::string, size_t>& counts) {
  std::vector<std::string> out;
  for (const auto& [op, count] : counts) out.insert(out.end(), count, op);
  return out;
}

class MappingCase : public testing::Test {
 public:
  explicit MappingCase(const Case& c) : case_(c) {}

  void TestBody() override {
    ASSERT_EQ(case_.error, "") << case_.op << ": " << case_.text;
    for (const int opset : case_.opsets) {
      run(opset, false);
      if (!case_.dynamic_inputs.empty()) run(opset, true);
    }
    if (case_.no_program.empty()) {
      run_program();
    } else {
      std::cout << "  no program: " << case_.no_program << "\n";
    }
    if (!case_.fixed.empty()) std::cout << "  fixed by torch.export: " << joined(case_.fixed) << "\n";
    if (!case_.static_only.empty()) std::cout << "  static only: " << case_.static_only << "\n";
    if (!case_.ort_skip.empty()) std::cout << "  not run in ONNX Runtime: " << case_.ort_skip << "\n";
  }

 private:
  onnxport::ExportOptions options(int opset, const std::vector<std::string>& inputs,
                                  const fs::path& examples) const {
    onnxport::ExportOptions out;
    out.inputs = inputs;
    out.inputs_dir = examples;
    out.opset = opset;
    out.state = onnxport::State::drop;  // cases of in-place operators write to their inputs
    out.plugins.default_paths = false;
    out.verify.enabled = case_.ort_skip.empty();
    out.verify.expected = examples;
    out.verify.second_size = false;  // done here, with values of the range the case asks for
    out.verify.atol = case_.atol;
    out.verify.rtol = case_.rtol;
    return out;
  }

  void run(int opset, bool dynamic) {
    const std::vector<std::string>& inputs = dynamic ? case_.dynamic_inputs : case_.static_inputs;
    SCOPED_TRACE(case_.op + ": " + case_.text + "\n  inputs " + joined(inputs) + " at opset " +
                 std::to_string(opset));
    const fs::path model = case_.folder / "model.pt";
    const fs::path output =
        case_.folder / ("opset" + std::to_string(opset) + (dynamic ? "-dynamic.onnx" : ".onnx"));
    try {
      const onnxport::ExportResult result =
          onnxport::export_file(model, output, options(opset, inputs, case_.folder / "first"));
      EXPECT_EQ(result.report.opset, opset);
      check_nodes(result.report);
      if (dynamic && case_.ort_skip.empty()) {
        onnxport::verify_files(model, output, options(opset, case_.second_inputs, case_.folder / "second"));
      }
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }

  // The same mapping behind the other capture, at the newest of the everyday opsets.
  void run_program() {
    const int opset = case_.opsets.front();
    SCOPED_TRACE(case_.op + ": " + case_.text + "\n  as an exported program at opset " +
                 std::to_string(opset));
    const fs::path model = case_.folder / "model.pt2";
    const fs::path output = case_.folder / "program.onnx";
    try {
      onnxport::export_file(model, output, options(opset, {}, case_.folder / "first"));
      if (!case_.program_second.empty() && case_.ort_skip.empty())
        onnxport::verify_files(model, output, options(opset, {}, case_.folder / case_.program_second));
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }

  void check_nodes(const onnxport::ExportReport& report) const {
    if (!case_.nodes) return;
    std::vector<std::string> expected = *case_.nodes;
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(joined(node_list(report.node_counts)), joined(expected)) << "the nodes of the graph";
  }

  const Case& case_;
};

// PyTorch runs in its own process: what it computes does not depend on ours.
bool make_cases(const char* table, const char* script, const char* folder) {
  const char* python = std::getenv("ONNXPORT_PYTHON");
  std::string program = python != nullptr ? python : "python3";
  std::vector<std::string> words = {program, script, table, folder};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments.data(), environ) != 0) return false;
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string test_name(const Case& c, size_t index) {
  std::string out = std::to_string(index) + "_" +
                    c.op.substr(c.op.find("::") == std::string::npos ? 0 : c.op.find("::") + 2);
  std::replace_if(
      out.begin(), out.end(), [](char ch) { return std::isalnum(static_cast<unsigned char>(ch)) == 0; }, '_');
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 4) {
    std::cerr << "ops_driver TABLE_cases.yaml make_cases.py OUTDIR [gtest options]\n";
    return 2;
  }
  if (!make_cases(argv[1], argv[2], argv[3])) {
    std::cerr << "the cases of " << argv[1] << " could not be made\n";
    return 1;
  }
  const std::vector<Case> cases = read_cases(fs::path(argv[3]) / "cases.json");
  const std::string family = fs::path(argv[3]).filename().string();
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    testing::RegisterTest(family.c_str(), test_name(c, i).c_str(), nullptr, c.text.c_str(), __FILE__,
                          __LINE__, [&c]() -> testing::Test* { return new MappingCase(c); });
  }
  return RUN_ALL_TESTS();
}
