#include "core/plugin/discovery.h"

#include <dlfcn.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cstdlib>

#include "onnxport/version.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".onnxport.yaml";

// <folder of the library this code is in>/onnxport/plugins.d; for a program that links it in, ../lib beside
// the program.
fs::path builtin_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&version), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  const fs::path self = fs::canonical(info.dli_fname, error);
  if (error) return {};
  fs::path beside = self.parent_path() / "onnxport" / "plugins.d";
  if (fs::is_directory(beside, error)) return beside;
  const fs::path sibling = self.parent_path().parent_path() / "lib" / "onnxport" / "plugins.d";
  return fs::is_directory(sibling, error) ? sibling : beside;
}

std::vector<fs::path> split_path(const std::string& text) {
  std::vector<fs::path> out;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(':', at), text.size());
    if (end > at) out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

class Search {
 public:
  Search(const PluginOptions& options, const Environment& environment)
      : options_(options), around_(environment) {}

  Discovery run() && {
    for (const fs::path& named : options_.files) {
      const fs::path file = fs::absolute(named).lexically_normal();
      add_manifest(file, "explicit", trust_.with_owner_of(file));
    }
    for (const fs::path& named : options_.for_targets) {
      const fs::path file = fs::absolute(named).lexically_normal();
      if (file.filename().string().ends_with(kSuffix))
        add_manifest(file, "profile", trust_);
      else
        add(file, "profile");
    }
    for (const fs::path& folder : options_.paths) add(folder, "path");
    if (options_.default_paths) add_defaults();
    if (options_.builtin) add(around_.builtin, "built-in");
    return std::move(out_);
  }

 private:
  void note(Severity severity, std::string_view code, std::string message, const fs::path& file,
            std::string hint) {
    Location place;
    place.file = file.string();
    out_.notes.push_back(
        {severity, std::string(code), std::move(message), std::move(place), std::move(hint)});
  }

  void add_defaults() {
    if (around_.elevated) {
      note(Severity::note, "",
           "running with raised privileges: ONNXPORT_PLUGIN_PATH and the user's plugin folder are ignored",
           {}, "");
    } else {
      for (const fs::path& folder : split_path(variable("ONNXPORT_PLUGIN_PATH"))) {
        // A relative entry would depend on the current folder, which is never searched.
        if (folder.is_absolute()) {
          add(folder, "environment");
        } else {
          out_.searched.push_back(
              {folder, "environment", "refused: ONNXPORT_PLUGIN_PATH takes absolute paths"});
          note(Severity::warning, "L209",
               "the entry '" + folder.string() + "' of ONNXPORT_PLUGIN_PATH is left out: it is relative", {},
               "give the whole path, " + fs::absolute(folder).lexically_normal().string() +
                   " if you mean that, or use --plugin-path");
        }
      }
      const std::string config = variable("XDG_CONFIG_HOME");
      const std::string home = variable("HOME");
      if (!config.empty())
        add(fs::path(config) / "onnxport" / "plugins.d", "user");
      else if (!home.empty())
        add(fs::path(home) / ".config" / "onnxport" / "plugins.d", "user");
    }
    const std::string dirs = around_.elevated ? "" : variable("XDG_CONFIG_DIRS");
    for (const fs::path& folder : split_path(dirs.empty() ? "/etc/xdg" : dirs))
      add(folder / "onnxport" / "plugins.d", "system");
    add("/etc/onnxport/plugins.d", "system");
  }

  std::string variable(const char* name) const { return around_.variable(name).value_or(""); }

  void add(const fs::path& folder, const std::string& tier) {
    PluginFolder searched{folder.empty() ? folder : fs::absolute(folder).lexically_normal(), tier, ""};
    const bool by_option = tier == "path";
    const bool named = by_option || tier == "profile";
    searched.state = scan(searched.folder, tier, by_option ? trust_.with_owner_of(searched.folder) : trust_);
    const bool missing = searched.state == "absent" || searched.state == "not a folder";
    if (named && missing) {
      note(Severity::warning, "L209",
           searched.state == "absent" ? "the plugin folder does not exist" : "this is no folder",
           searched.folder,
           by_option
               ? "correct --plugin-path; a single manifest is named with --plugin"
               : "correct plugins.files of the profile; it takes manifests (*.onnxport.yaml) and folders");
    }
    out_.searched.push_back(std::move(searched));
  }

  // Adds the folder's manifests and says what it was like.
  std::string scan(const fs::path& folder, const std::string& tier, const Trust& trust) {
    std::error_code error;
    if (folder.empty() || !fs::exists(folder, error)) return "absent";
    if (!fs::is_directory(folder, error)) return "not a folder";
    const std::string untrusted = trust.why_not(folder);
    std::vector<std::string> names;
    fs::directory_iterator entries(folder, error);
    if (error) return "not readable: " + error.message();
    for (; entries != fs::directory_iterator(); entries.increment(error)) {
      if (error) return "not readable: " + error.message();
      std::string name = entries->path().filename().string();
      if (name.size() > kSuffix.size() && name.ends_with(kSuffix)) names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    if (untrusted.empty()) {
      for (const std::string& name : names) add_manifest(folder / name, tier, trust);
      return std::to_string(names.size()) + (names.size() == 1 ? " manifest" : " manifests");
    }
    for (const std::string& name : names)
      out_.manifests.push_back({folder / name, tier, trust, "its folder is refused: " + untrusted, true});
    if (!names.empty()) {
      note(Severity::warning, "L209", "the plugin folder is left out: " + untrusted, folder,
           "others could put code there that runs as you");
    }
    return "refused: " + untrusted;
  }

  void add_manifest(const fs::path& file, const std::string& tier, const Trust& trust) {
    std::string refusal;
    if (const std::string kind = why_no_file(file); !kind.empty())
      refusal = "it is " + kind + ", not a file";
    else
      refusal = trust.why_not(file);
    out_.manifests.push_back({file, tier, trust, std::move(refusal), false});
  }

  const PluginOptions& options_;
  const Environment& around_;
  const Trust trust_ = Trust::of_process();
  Discovery out_;
};

}  // namespace

Environment Environment::of_process() {
  Environment out;
  out.variable = [](const char* name) -> std::optional<std::string> {
    const char* value =
        std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets variables while exporting
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  out.elevated = getauxval(AT_SECURE) != 0;
  const auto other = out.elevated ? std::nullopt : out.variable("ONNXPORT_BUILTIN_PLUGINS");
  out.builtin = other && !other->empty() ? fs::path(*other) : builtin_folder();
  return out;
}

Error Discovery::nothing_found() const {
  std::string message = "no plugin was found, and without plugins nothing can be exported; searched:";
  for (const PluginFolder& s : searched) {
    message += "\n    " + (s.folder.empty() ? std::string("(unknown)") : s.folder.string()) + " (" + s.tier +
               "): " + s.state;
  }
  if (searched.empty()) message += " nothing (every tier is switched off)";
  return Error("L208", std::move(message), {},
               "the built-in plugins belong beside libonnxport, in onnxport/plugins.d: reinstall onnxport, "
               "or name their folder in ONNXPORT_BUILTIN_PLUGINS");
}

Discovery discover(const PluginOptions& options, const Environment& environment) {
  return Search(options, environment).run();
}

}  // namespace onnxport
