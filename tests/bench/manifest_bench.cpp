// manifest_bench FOLDER RUNS: what finding the plugins of a folder costs, beside yaml-cpp's own parser over the same bytes.
//
// Prints a line of `name seconds` for each, the fastest of RUNS: `yaml` reads and parses every file to events that nobody looks at,
// `session` opens a Session whose only plugins are those of the folder.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "onnxport/session.h"

namespace {

namespace fs = std::filesystem;

class Nobody : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

double fastest(int runs, const std::function<void()>& work) {
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

void parse_all(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    Nobody nobody;
    YAML::Parser(text).HandleNextDocument(nobody);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "manifest_bench FOLDER RUNS\n"), 1;
  const int runs = std::atoi(argv[2]);
  try {
    onnxport::PluginOptions options;
    options.paths = {argv[1]};
    options.default_paths = options.builtin = false;
    std::printf("yaml %.6f\n", fastest(runs, [&] { parse_all(argv[1]); }));
    std::printf("session %.6f\n", fastest(runs, [&] { (void)onnxport::Session(options); }));
  } catch (const std::exception& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
  return 0;
}
