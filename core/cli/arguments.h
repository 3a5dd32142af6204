// Options that several commands have, parsed into the API's option structures.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "onnxport/export.h"

namespace onnxport::cli {

// The raw texts behind ExportOptions' structured members; apply() reads them.
struct Arguments {
  ExportOptions options;
  std::vector<std::string> dynamic_axes;
  std::string weights = "auto";
  std::string state = "error";
  std::vector<std::string> dims;
  std::vector<std::string> functions;
  std::string mode = "eval";
  std::vector<std::string> plugin_path;
  std::vector<const CLI::Option*> paths;  // of what is written: none may be given an empty one

  // Throws Error I11x for a text that does not parse, S705 for an empty path to write to.
  void apply();
};

// A flag that turns off what is on by default; `value` must outlive the command.
CLI::Option* switch_off(CLI::App& command, const std::string& flag, bool& value, const std::string& text);

void add_input_options(CLI::App& command, Arguments& arguments);
// Of --verify alone, for a file whose inputs are known.
void add_example_options(CLI::App& command, Arguments& arguments);
void add_comparison_options(CLI::App& command, Arguments& arguments);
void add_plugin_options(CLI::App& command, Arguments& arguments);
void add_pass_options(CLI::App& command, Arguments& arguments);
void add_tolerance_options(CLI::App& command, Arguments& arguments);

}  // namespace onnxport::cli
