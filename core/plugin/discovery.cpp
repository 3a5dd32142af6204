#include "core/plugin/discovery.h"

#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace onnxport {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".onnxport.yaml";

// A privileged process must not take code from where its caller points.
bool is_privileged() { return getauxval(AT_SECURE) != 0; }

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::vector<fs::path> split_paths(const std::string& text) {
  std::vector<fs::path> out;
  size_t start = 0;
  for (size_t end = 0; end != std::string::npos; start = end + 1) {
    end = text.find(':', start);
    const std::string item = text.substr(start, end == std::string::npos ? end : end - start);
    if (!item.empty()) out.emplace_back(item);
  }
  return out;
}

bool is_world_writable(const fs::path& file) {
  struct stat info {};
  return stat(file.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0;
}

class Search {
 public:
  explicit Search(const PluginOptions& options) : options_(options) {}

  Discovery run() {
    for (const fs::path& file : options_.files) explicit_file(file);
    for (const fs::path& path : options_.paths) folder(path, "path");
    if (options_.default_paths) default_folders();
    if (options_.builtin) folder(builtin_plugin_folder(), "built-in");
    return std::move(out_);
  }

 private:
  void default_folders() {
    if (is_privileged()) {
      out_.notes.push_back({Severity::note, "L212", "the process runs with raised privileges: plugin folders of the environment and the user are not searched", {}, ""});
    } else {
      for (const fs::path& path : split_paths(environment("ONNXPORT_PLUGIN_PATH"))) folder(path, "environment");
      const std::string config = environment("XDG_CONFIG_HOME");
      const std::string home = environment("HOME");
      if (!config.empty() && fs::path(config).is_absolute()) {
        folder(fs::path(config) / "onnxport/plugins.d", "user");
      } else if (!home.empty()) {
        folder(fs::path(home) / ".config/onnxport/plugins.d", "user");
      }
    }
    const std::string dirs = is_privileged() ? std::string() : environment("XDG_CONFIG_DIRS");
    for (const fs::path& path : split_paths(dirs.empty() ? "/etc/xdg" : dirs)) folder(path / "onnxport/plugins.d", "system");
    folder("/etc/onnxport/plugins.d", "system");
  }

  void explicit_file(const fs::path& file) {
    add(read_manifest(file), "explicit");
  }

  void folder(const fs::path& path, const std::string& tier) {
    SearchedFolder searched{path, tier, ""};
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      searched.outcome = fs::exists(path, error) ? "is no folder" : "does not exist";
      out_.folders.push_back(std::move(searched));
      return;
    }
    std::vector<fs::path> files;
    for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (name.size() > kSuffix.size() && name.ends_with(kSuffix)) files.push_back(it->path());
    }
    if (error) {
      searched.outcome = "not readable: " + error.message();
    } else {
      searched.outcome = std::to_string(files.size()) + (files.size() == 1 ? " manifest" : " manifests");
    }
    out_.folders.push_back(std::move(searched));
    std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
    for (const fs::path& file : files) {
      try {
        if (is_world_writable(file)) {
          Place place;
          place.file = file.string();
          throw Error("M110", "the manifest may be written by everybody", place, "chmod o-w " + file.string());
        }
        add(read_manifest(file), tier);
      } catch (const Error& e) {
        Found broken;
        broken.manifest.file = file;
        broken.tier = tier;
        broken.state = PluginState::broken;
        broken.problems = e.diagnostics();
        broken.reason = e.diagnostics().front().text();
        out_.plugins.push_back(std::move(broken));
      }
    }
  }

  void add(Manifest manifest, const std::string& tier) {
    Found found;
    found.tier = tier;
    const auto [first, fresh] = first_.try_emplace(manifest.id, manifest.file, tier);
    if (!fresh) {
      found.state = PluginState::shadowed;
      found.reason = "shadowed by " + first->second.first.string();
      if (first->second.second == tier && tier != "explicit" && first->second.first.parent_path() == manifest.file.parent_path()) {
        found.state = PluginState::broken;
        found.reason = "C402: the same id as " + first->second.first.string() + " in the same folder";
        Place place;
        place.file = manifest.file.string();
        found.problems.push_back({Severity::error, "C402", "the id " + manifest.id + " is also that of " + first->second.first.string(), place, "give each plugin an id of its own"});
      }
    } else if (std::find(options_.disable.begin(), options_.disable.end(), manifest.id) != options_.disable.end()) {
      found.state = PluginState::disabled;
      found.reason = "disabled by option";
    }
    found.manifest = std::move(manifest);
    out_.plugins.push_back(std::move(found));
  }

  const PluginOptions& options_;
  Discovery out_;
  std::map<std::string, std::pair<fs::path, std::string>> first_;
};

}  // namespace

std::filesystem::path builtin_plugin_folder() {
  const std::string named = is_privileged() ? std::string() : environment("ONNXPORT_BUILTIN_PLUGINS");
  if (!named.empty()) return named;
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&builtin_plugin_folder), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  const fs::path library = fs::weakly_canonical(info.dli_fname, error);
  return library.parent_path() / "onnxport" / "plugins.d";
}

Discovery discover(const PluginOptions& options) { return Search(options).run(); }

}  // namespace onnxport
