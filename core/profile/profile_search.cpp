#include "core/profile/profile_search.h"

#include <dlfcn.h>

#include <algorithm>

#include "core/plugin/nearest.h"
#include "core/plugin/trust.h"
#include "onnxport/version.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".yaml";

bool is_file_name(std::string_view text) {
  return text.find('/') != std::string_view::npos || text.ends_with(kSuffix);
}

Location place_of(const fs::path& file) {
  Location out;
  out.file = file.string();
  return out;
}

std::vector<fs::path> split_path(std::string_view text) {
  std::vector<fs::path> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(':'), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

fs::path builtin_profiles() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&version), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  const fs::path self = fs::canonical(info.dli_fname, error);
  if (error) return {};
  const fs::path prefix = self.parent_path().parent_path();
  const fs::path below = fs::path("share") / "onnxport" / "configs";
  // lib/x86_64-linux-gnu has one folder more.
  return fs::is_directory(prefix / below, error) ? prefix / below : prefix.parent_path() / below;
}

ProfileSearch::ProfileSearch(const ProfileOptions& options, const Environment& environment,
                             const fs::path& builtin, std::vector<const Manifest*> manifests)
    : manifests_(std::move(manifests)) {
  for (const fs::path& folder : options.paths) add_folder(folder, "path");
  if (options.default_paths) add_defaults(environment);
  for (const Manifest* m : manifests_) {
    for (const fs::path& file : m->profiles) {
      Found found{file.stem().string(), file, "plugin", m->trust.why_not(file)};
      all_.push_back(std::move(found));
    }
  }
  add_folder(builtin, "built-in");
}

void ProfileSearch::add_defaults(const Environment& environment) {
  const auto variable = [&](const char* name) { return environment.variable(name).value_or(""); };
  const fs::path below = fs::path("onnxport") / "configs";
  if (!environment.elevated) {
    const std::string config = variable("XDG_CONFIG_HOME");
    const std::string home = variable("HOME");
    if (!config.empty()) {
      add_folder(fs::path(config) / below, "user");
    } else if (!home.empty()) {
      add_folder(fs::path(home) / ".config" / below, "user");
    }
  }
  const std::string dirs = environment.elevated ? "" : variable("XDG_CONFIG_DIRS");
  for (const fs::path& folder : split_path(dirs.empty() ? "/etc/xdg" : dirs))
    add_folder(folder / below, "system");
  add_folder("/etc/onnxport/configs", "system");
}

void ProfileSearch::add_folder(const fs::path& given, const std::string& tier) {
  const fs::path folder = given.empty() ? given : fs::absolute(given).lexically_normal();
  std::error_code error;
  std::vector<fs::path> files;
  std::string state;
  if (folder.empty() || !fs::exists(folder, error)) {
    state = "absent";
  } else if (!fs::is_directory(folder, error)) {
    state = "not a folder";
  } else {
    fs::directory_iterator entries(folder, error);
    if (error) state = "not readable: " + error.message();
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
      if (entries->path().extension() == kSuffix) files.push_back(entries->path());
    }
  }
  std::sort(files.begin(), files.end());
  const Trust process = Trust::of_process();
  const Trust trust = tier == "path" ? process.with_owner_of(folder) : process;
  const std::string untrusted = files.empty() ? "" : trust.why_not(folder);
  for (const fs::path& file : files) {
    std::string refusal = untrusted.empty() ? trust.why_not(file) : "its folder is " + untrusted;
    if (const std::string kind = why_no_file(file); !kind.empty()) refusal = "it is " + kind + ", not a file";
    all_.push_back({file.stem().string(), file, tier, std::move(refusal)});
  }
  if (state.empty())
    state = untrusted.empty() ? std::to_string(files.size()) + (files.size() == 1 ? " profile" : " profiles")
                              : "refused: " + untrusted;
  folders_.emplace_back(folder, std::move(state));
}

ProfileSearch::Found ProfileSearch::find(const std::string& text, const fs::path& from,
                                         const std::vector<fs::path>& known, const Location& place) const {
  if (is_file_name(text)) {
    const fs::path file = (fs::absolute(from.empty() ? "." : from) / text).lexically_normal();
    return {file.stem().string(), file, "file", ""};
  }
  for (const Found& found : all_) {
    if (found.name != text || std::find(known.begin(), known.end(), found.file) != known.end()) continue;
    if (!found.refusal.empty()) {
      throw Error(
          "F101", "the profile is refused: " + found.refusal, place_of(found.file),
          "a profile chooses plugins and what is checked: it must be a file that nobody else can change");
    }
    return found;
  }
  std::vector<std::string> names;
  for (const Found& found : all_) names.push_back(found.name);
  const std::vector<std::string> near = nearest(text, names, 1);
  throw Error(
      "F109", "there is no profile '" + text + "'", place,
      near.empty()
          ? "onnxport config list shows those that there are, and where is looked; a file is written with "
            "a / or .yaml"
          : "did you mean " + near.front() + "?");
}

}  // namespace onnxport
