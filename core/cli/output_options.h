// What `export` and `convert` say alike of the files they write.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/cli/arguments.h"

namespace onnxport::cli {

struct OutputArguments : Arguments {
  std::filesystem::path model;
  std::filesystem::path output;
  std::filesystem::path report;
  std::vector<std::string> opsets;
  bool no_overwrite = false;

  // As Arguments::apply(), and whether a file may be replaced.
  void apply();
};

// -o, --opset, --ir-version, --keep-initializers-as-inputs, --no-overwrite and --report; what the first two do is
// said by each command in its own words.
void add_file_options(CLI::App& command, OutputArguments& arguments, const std::string& output_text,
                      const std::string& opset_text);

}  // namespace onnxport::cli
