#include "core/plugin/plugin_lock.h"

#include <algorithm>

#include "core/plugin/library.h"
#include "core/plugin/manifest_reader.h"
#include "core/plugin/manifest_values.h"
#include "core/plugin/plugin_entry.h"

namespace onnxport {
namespace {

namespace fs = std::filesystem;
using yaml::Node;

class LockReader {
 public:
  explicit LockReader(const fs::path& file) : in_(file.string()) { out_.file = file; }

  PluginLock read(const Node& root) {
    if (read_version(root)) {
      in_.map(root, "the lock file", {"onnxport_lock", "plugins"});
      const Node* n = in_.required(root, "plugins", "the lock file", "plugins: []");
      const auto* items = n == nullptr ? nullptr : in_.list(*n, "plugins");
      for (size_t i = 0; items != nullptr && i < items->size(); ++i) read_plugin((*items)[i]);
    }
    if (in_.has_errors()) throw Error(in_.take_errors());
    return std::move(out_);
  }

 private:
  bool read_version(const Node& root) {
    if (root.kind != Node::Kind::map) {
      in_.error("M105", root, "the lock file must be a map, this is " + root.description(),
                "onnxport plugin lock writes one");
      return false;
    }
    const Node* n = in_.required(root, "onnxport_lock", "the lock file", "onnxport_lock: 1");
    if (n == nullptr) return false;
    const auto version = in_.integer(*n, "onnxport_lock", 1, 1'000'000);
    if (version && *version > kLockVersion) {
      in_.error("M107", *n,
                "the lock file is of version " + std::to_string(*version) + ", this onnxport reads up to " +
                    std::to_string(kLockVersion),
                "update onnxport, or write the lock file with this one");
    }
    return version && *version <= kLockVersion;
  }

  void read_plugin(const Node& node) {
    if (!in_.map(node, "plugins[]", {"id", "version", "manifest", "library"})) return;
    LockedPlugin plugin;
    plugin.place = in_.place(node);
    const Node* id = in_.required(node, "id", "plugins[]", "id: com.acme.ops");
    if (id != nullptr) plugin.id = in_.text(*id, "plugins[].id", 128).value_or("");
    if (!plugin.id.empty() && !is_reverse_dns(plugin.id))
      in_.error("M105", *id, "'" + plugin.id + "' is no plugin id", "write it as its manifest does");
    if (const Node* n = in_.required(node, "version", "plugins[]", "version: \"1.0.0\""))
      plugin.version = in_.text(*n, "plugins[].version", 128).value_or("");
    if (const Node* n = in_.required(node, "manifest", "plugins[]", "manifest: the sha256 of the manifest"))
      plugin.manifest = read_sha256(in_, *n);
    if (const Node* n = node.find("library")) read_library(*n, plugin);
    if (!plugin.id.empty() && out_.find(plugin.id) != nullptr) {
      in_.error("M106", *id, "the plugin '" + plugin.id + "' is listed twice", "remove one of them");
    } else if (!plugin.id.empty()) {
      out_.put(std::move(plugin));
    }
  }

  void read_library(const Node& node, LockedPlugin& plugin) {
    if (!in_.map(node, "plugins[].library", {"linux_amd64", "linux_arm64", "macos_arm64", "windows_amd64"}))
      return;
    for (const auto& [platform, value] : node.entries) {
      if (!platform.text.starts_with("x-")) plugin.library[platform.text] = read_sha256(in_, value);
    }
  }

  ManifestReader in_;
  PluginLock out_;
};

// How the plugin differs from the one that is locked; empty: not at all.
std::string difference(const LockedPlugin& is, const LockedPlugin& locked) {
  const auto differs = [](std::string_view what, const std::string& has, const std::string& wanted) {
    return std::string(what) + " " + has + ", locked is " + wanted;
  };
  if (is.version != locked.version) return differs("it is version", is.version, locked.version);
  if (is.manifest != locked.manifest)
    return differs("its manifest has the sha256", is.manifest, locked.manifest);
  for (const auto& [platform, sha256] : is.library) {
    const auto found = locked.library.find(platform);
    if (found == locked.library.end()) return "no library for " + platform + " is locked";
    if (sha256.empty()) return "its library is not there";
    if (found->second != sha256) return differs("its library has the sha256", sha256, found->second);
  }
  return "";
}

}  // namespace

const LockedPlugin* PluginLock::find(std::string_view id) const {
  const auto at =
      std::lower_bound(plugins.begin(), plugins.end(), id,
                       [](const LockedPlugin& p, std::string_view wanted) { return p.id < wanted; });
  return at == plugins.end() || at->id != id ? nullptr : &*at;
}

void PluginLock::put(LockedPlugin plugin) {
  const auto at =
      std::lower_bound(plugins.begin(), plugins.end(), plugin.id,
                       [](const LockedPlugin& p, const std::string& wanted) { return p.id < wanted; });
  if (at == plugins.end() || at->id != plugin.id) {
    plugins.insert(at, std::move(plugin));
    return;
  }
  if (at->manifest == plugin.manifest) plugin.library.merge(at->library);
  *at = std::move(plugin);
}

std::string PluginLock::text() const {
  std::string out =
      "# The plugins that may be used, by the sha256 of their files. Written by: onnxport plugin lock\n"
      "onnxport_lock: " +
      std::to_string(kLockVersion) + "\nplugins:" + (plugins.empty() ? " []\n" : "\n");
  for (const LockedPlugin& p : plugins) {
    out += "  - id: " + p.id + "\n    version: \"" + p.version + "\"\n    manifest: \"" + p.manifest + "\"\n";
    if (!p.library.empty()) out += "    library:\n";
    for (const auto& [platform, sha256] : p.library) out += "      " + platform + ": \"" + sha256 + "\"\n";
  }
  return out;
}

std::optional<Error> PluginLock::why_not(PluginEntry& entry) const {
  if (entry.tier() == "built-in") return std::nullopt;
  const Manifest& m = entry.manifest();
  Location place;
  place.file = m.file.string();
  const std::string command = "onnxport plugin lock " + m.id + " -o " + file.string();
  const LockedPlugin* locked = find(m.id);
  if (locked == nullptr) {
    return Error("C408", "the plugin " + m.id + " " + m.version + " is not in the lock file " + file.string(),
                 place, "if it is to be used: " + command + "; --disable-plugin " + m.id + " leaves it out");
  }
  const std::string how = difference(locked_form(entry), *locked);
  if (how.empty()) return std::nullopt;
  return Error("C409", "the plugin " + m.id + " is not the one of the lock file: " + how, place,
               "install what " + locked->place.text() + " lists, or, if the change is meant: " + command);
}

LockedPlugin locked_form(PluginEntry& entry) {
  const Manifest& m = entry.manifest();
  LockedPlugin out{m.id, m.version, sha256_of_text(m.text), {}, {}};
  const std::string platform(current_platform());
  if (m.libraries.contains(platform)) out.library[platform] = entry.library_sha256();
  return out;
}

PluginLock parse_lock(std::string_view text, const fs::path& file) {
  return LockReader(file).read(yaml::parse(text, file.string()));
}

PluginLock read_lock(const fs::path& file) { return parse_lock(yaml::read_text(file.string()), file); }

}  // namespace onnxport
