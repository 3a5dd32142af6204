// onnxport config list, config show.
#include <fmt/core.h>
#include <unistd.h>

#include "core/cli/arguments.h"
#include "core/cli/commands.h"
#include "core/cli/profiles.h"
#include "core/cli/terminal.h"

namespace onnxport::cli {
namespace {

struct ConfigArguments : Arguments {
  ProfileArguments profiles;
  std::string name;
};

std::string json_of(const ProfileInfo& p) {
  return fmt::format(
      R"({{"name": {}, "description": {}, "tier": {}, "state": {}, "code": {}, "reason": {}, "file": {}}})",
      json_string(p.name), json_string(p.description), json_string(p.tier), json_string(p.state),
      json_string(p.code), json_string(p.reason), json_string(p.file.string()));
}

std::string json_of(const ProfileSetting& s) {
  return fmt::format(R"({{"key": {}, "value": {}, "origin": {}}})", json_string(s.key), json_string(s.value),
                     json_string(s.origin));
}

template <typename Range, typename Each>
std::string array(const Range& range, Each each) {
  std::string out = "[";
  for (const auto& item : range) out += (out.size() == 1 ? "" : ", ") + each(item);
  return out + "]";
}

// That of the first profile which cannot be used.
int list(ConfigArguments& a, const Common& common) {
  a.apply();
  const ProfileListing listing = Session(a.options.plugins).profiles(a.profiles.options(a.options.plugins));
  int status = 0;
  std::vector<std::vector<std::string>> rows = {{"PROFILE", "TIER", "STATE", "FILE", "ABOUT"}};
  std::string reasons;
  for (const ProfileInfo& p : listing.profiles) {
    rows.push_back(
        {p.name, p.tier, p.code.empty() ? p.state : p.state + " " + p.code, p.file.string(), p.description});
    if (!p.code.empty())
      reasons += p.code == "F101" ? p.file.string() + ": " + p.reason + "\n" : p.reason + "\n";
    if (status == 0 && !p.code.empty()) status = exit_status(p.code);
  }
  if (common.json) {
    const std::string folders = array(listing.folders, [](const auto& f) {
      return fmt::format(R"({{"folder": {}, "state": {}}})", json_string(f.first.string()),
                         json_string(f.second));
    });
    fmt::print(R"({{"profiles": {}, "folders": {}}})"
               "\n",
               array(listing.profiles, [](const ProfileInfo& p) { return json_of(p); }), folders);
    return status;
  }
  fmt::print("{}", table(rows));
  std::vector<std::vector<std::string>> folders = {{"FOLDER", "STATE"}};
  for (const auto& [folder, state] : listing.folders) folders.push_back({folder.string(), state});
  fmt::print("\n{}", table(folders));
  if (!reasons.empty()) fmt::print("\n{}", reasons);
  return status;
}

int show(ConfigArguments& a, const Common& common) {
  a.apply();
  const Profile profile = Session(a.options.plugins).profile(a.name, a.profiles.options(a.options.plugins));
  if (common.json) {
    fmt::print(R"({{"name": {}, "description": {}, "files": {}, "settings": {}}})"
               "\n",
               json_string(profile.name()), json_string(profile.description()),
               array(profile.files(), [](const std::filesystem::path& f) { return json_string(f.string()); }),
               array(profile.settings(), [](const ProfileSetting& s) { return json_of(s); }));
    return 0;
  }
  const std::string about = profile.description().empty() ? "" : ": " + profile.description();
  fmt::print("{}{}\n", styled(profile.name(), Style::bold, STDOUT_FILENO), about);
  for (const std::filesystem::path& file : profile.files()) fmt::print("  {}\n", file.string());
  std::vector<std::vector<std::string>> rows = {{"SETTING", "VALUE", "FROM"}};
  for (const ProfileSetting& s : profile.settings()) rows.push_back({s.key, s.value, s.origin});
  fmt::print("\n{}", table(rows));
  return 0;
}

}  // namespace

std::vector<std::pair<CLI::App*, Command>> add_config(CLI::App& app, const Common& common) {
  CLI::App* c = app.add_subcommand("config", "Profiles of targets: which there are, and what each says");
  c->require_subcommand(1);
  auto listed = std::make_shared<ConfigArguments>();
  CLI::App* list_command = c->add_subcommand("list", "Every profile that can be named, and where is looked");
  add_config_path_option(*list_command, listed->profiles);
  add_plugin_options(*list_command, *listed);
  auto shown = std::make_shared<ConfigArguments>();
  CLI::App* show_command =
      c->add_subcommand("show", "A profile with all that it extends, and who said each of its values");
  show_command->add_option("profile", shown->name, "Its name, or a file")->required()->type_name("NAME|FILE");
  add_config_path_option(*show_command, shown->profiles);
  add_plugin_options(*show_command, *shown);
  return {{list_command, [listed, &common] { return list(*listed, common); }},
          {show_command, [shown, &common] { return show(*shown, common); }}};
}

}  // namespace onnxport::cli
