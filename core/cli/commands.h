// The commands of the program. Each adds itself to the parser and runs when chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace onnxport::cli {

// What every command shares.
struct Common {
  bool json = false;
  bool verbose = false;
  bool quiet = false;
  std::vector<std::string> words;  // of the whole command line
};

using Command = std::function<int()>;  // returns the exit status; may throw Error

// Each returns the parser's subcommand and what to run when it was the one given.
std::pair<CLI::App*, Command> add_export(CLI::App& app, const Common& common);
std::pair<CLI::App*, Command> add_convert(CLI::App& app, const Common& common);
std::pair<CLI::App*, Command> add_verify(CLI::App& app, const Common& common);
std::pair<CLI::App*, Command> add_show(CLI::App& app, const Common& common);
std::vector<std::pair<CLI::App*, Command>> add_config(CLI::App& app, const Common& common);
std::vector<std::pair<CLI::App*, Command>> add_plugin(CLI::App& app, const Common& common);

}  // namespace onnxport::cli
