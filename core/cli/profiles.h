// --config: targets as profiles describe them, and what the command line says over them.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "onnxport/export.h"

namespace onnxport::cli {

struct ProfileArguments {
  std::vector<std::string> configs;            // names or files
  std::vector<std::filesystem::path> folders;  // --config-path

  // --no-default-plugin-paths is about profiles too.
  ProfileOptions options(const PluginOptions& plugins) const { return {folders, plugins.default_paths}; }
};

void add_config_option(CLI::App& command, ProfileArguments& arguments);
// --config of a command that has one target.
void add_single_config_option(CLI::App& command, ProfileArguments& arguments);
void add_config_path_option(CLI::App& command, ProfileArguments& arguments);

// The options that a profile and the command line make together: what the command line says wins, its lists come behind the
// profile's. `given` holds what it says; `command` knows which options were there.
ExportOptions with_profile(const Profile& profile, const ExportOptions& given, const CLI::App& command);

// A session that finds the plugins which these profiles bring too.
Session open_session(const ProfileArguments& arguments, PluginOptions plugins);

// What the profile of a command with one target makes of `given`; without one, `given`.
ExportOptions with_single_profile(const Session& session, const ProfileArguments& arguments,
                                  const ExportOptions& given, const CLI::App& command);

// Those that are named, in order. Error F111 when one capture cannot serve them all, unless the command line says what holds.
std::vector<Profile> read_profiles(const Session& session, const ProfileArguments& arguments,
                                   const PluginOptions& plugins, const CLI::App& command);

}  // namespace onnxport::cli
