#include "core/cli/profiles.h"

#include <algorithm>

namespace onnxport::cli {
namespace {

struct Override {
  const char* option;
  void (*copy)(const ExportOptions& from, ExportOptions& to);
};

template <typename List>
void append(const List& from, List& to) {
  for (const auto& item : from) {
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
  }
}

// Asked for here, a pass is on although the profile leaves it out; and the other way round.
void append_passes(const std::vector<std::string>& from, std::vector<std::string>& to,
                   std::vector<std::string>& other) {
  append(from, to);
  std::erase_if(other, [&](const std::string& name) {
    return std::find(from.begin(), from.end(), name) != from.end();
  });
}

// What profiles speak of and options too. --opset is not among them: it makes targets (targets.h).
constexpr Override kOverrides[] = {
    {"--ir-version", [](const ExportOptions& from, ExportOptions& to) { to.ir_version = from.ir_version; }},
    {"--weights", [](const ExportOptions& from, ExportOptions& to) { to.weights = from.weights; }},
    {"--no-params",
     [](const ExportOptions& from, ExportOptions& to) { to.export_params = from.export_params; }},
    {"--keep-initializers-as-inputs",
     [](const ExportOptions& from, ExportOptions& to) {
       to.keep_initializers_as_inputs = from.keep_initializers_as_inputs;
     }},
    {"--no-constant-folding",
     [](const ExportOptions& from, ExportOptions& to) { to.constant_folding = from.constant_folding; }},
    {"--strip", [](const ExportOptions& from, ExportOptions& to) { to.strip = from.strip; }},
    {"--function", [](const ExportOptions& from, ExportOptions& to) { to.functions = from.functions; }},
    {"--state", [](const ExportOptions& from, ExportOptions& to) { to.state = from.state; }},
    {"--input-names",
     [](const ExportOptions& from, ExportOptions& to) { to.input_names = from.input_names; }},
    {"--output-names",
     [](const ExportOptions& from, ExportOptions& to) { to.output_names = from.output_names; }},
    {"--rtol", [](const ExportOptions& from, ExportOptions& to) { to.verify.rtol = from.verify.rtol; }},
    {"--atol", [](const ExportOptions& from, ExportOptions& to) { to.verify.atol = from.verify.atol; }},
    {"--one-size",
     [](const ExportOptions& from, ExportOptions& to) { to.verify.second_size = from.verify.second_size; }},
    {"--trust", [](const ExportOptions& from,
                   ExportOptions& to) { append(from.verify.trusted_domains, to.verify.trusted_domains); }},
    {"--ort-library", [](const ExportOptions& from,
                         ExportOptions& to) { append(from.verify.ort_libraries, to.verify.ort_libraries); }},
    {"--pass", [](const ExportOptions& from,
                  ExportOptions& to) { append_passes(from.passes, to.passes, to.disable_passes); }},
    {"--disable-pass",
     [](const ExportOptions& from, ExportOptions& to) {
       append_passes(from.disable_passes, to.disable_passes, to.passes);
     }},
};

bool is_given(const CLI::App& command, const char* option) {
  const CLI::Option* found = command.get_option_no_throw(option);
  return found != nullptr && found->count() != 0;
}

// What is no matter of profiles is as given; the rest as by default, until the profile and the overrides speak.
void reset_what_profiles_say(ExportOptions& options) {
  const ExportOptions defaults;
  for (const Override& o : kOverrides) o.copy(defaults, options);
  options.verify.trusted_domains.clear();
  options.verify.ort_libraries.clear();
  options.passes.clear();
  options.disable_passes.clear();
}

}  // namespace

ExportOptions with_profile(const Profile& profile, const ExportOptions& given, const CLI::App& command) {
  ExportOptions out = given;
  reset_what_profiles_say(out);
  profile.apply(static_cast<Target&>(out));
  profile.apply(static_cast<ProgramOptions&>(out));
  for (const Override& o : kOverrides) {
    if (is_given(command, o.option)) o.copy(given, out);
  }
  return out;
}

Session open_session(const ProfileArguments& arguments, PluginOptions plugins) {
  Session session(plugins);
  for (const std::string& name : arguments.configs)
    append(session.plugin_files(name, arguments.options(plugins)), plugins.for_targets);
  return plugins.for_targets.empty() ? session : Session(plugins);
}

ExportOptions with_single_profile(const Session& session, const ProfileArguments& arguments,
                                  const ExportOptions& given, const CLI::App& command) {
  if (arguments.configs.empty()) return given;
  const ProfileOptions options = arguments.options(given.plugins);
  return with_profile(session.profile(arguments.configs.front(), options), given, command);
}

std::vector<Profile> read_profiles(const Session& session, const ProfileArguments& arguments,
                                   const PluginOptions& plugins, const CLI::App& command) {
  std::vector<Profile> out;
  for (const std::string& name : arguments.configs)
    out.push_back(session.profile(name, arguments.options(plugins)));
  const bool settled = is_given(command, "--state") && is_given(command, "--input-names") &&
                       is_given(command, "--output-names");
  if (!settled) agree_on_capture(out);
  return out;
}

void add_config_path_option(CLI::App& command, ProfileArguments& arguments) {
  command.add_option("--config-path", arguments.folders, "A folder to look for profiles in, repeatable")
      ->group("Profiles")
      ->type_name("DIR")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_single_config_option(CLI::App& command, ProfileArguments& arguments) {
  command.add_option("--config", arguments.configs, "A profile of the target, by name or file")
      ->group("Profiles")
      ->type_name("NAME|FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  add_config_path_option(command, arguments);
}

void add_config_option(CLI::App& command, ProfileArguments& arguments) {
  command
      .add_option("--config", arguments.configs,
                  "A profile of the target, by name or file; repeatable: a file for each, from one capture")
      ->group("Profiles")
      ->type_name("NAME|FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_config_path_option(command, arguments);
}

}  // namespace onnxport::cli
