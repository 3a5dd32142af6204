#include "core/profile/profile_data.h"

#include <algorithm>
#include <set>

namespace onnxport {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

constexpr std::string_view kOperators = "takes.operators.";

// Lists that grow: what extends another adds to them. Every other value takes the place of the one before.
bool grows(std::string_view key) {
  static constexpr std::string_view keys[] = {"plugins.require", "plugins.prefer",      "plugins.disable",
                                              "plugins.files",   "passes.on",           "passes.off",
                                              "verify.trust",    "verify.ort_libraries"};
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

// What is preferred by whoever extends comes first, and so wins; passes run in the order in which they are said.
Names both(const Names& before, const Names& after, bool after_first) {
  Names out = after_first ? after : before;
  for (const std::string& name : after_first ? before : after) {
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

void drop_names(std::map<std::string, Setting>& settings, const std::string& key, const Names& names) {
  const auto found = settings.find(key);
  if (found == settings.end()) return;
  std::erase_if(std::get<Names>(found->second.value), [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  });
}

// "takes.operators.Conv" of it and of "takes.operators.Conv/T".
std::string_view operator_key(std::string_view key) {
  return key.starts_with(kOperators) ? key.substr(0, key.find('/')) : std::string_view();
}

class Merge {
 public:
  explicit Merge(const ProfileSearch& search) : search_(search) {}

  std::shared_ptr<const ProfileData> run(const std::string& name_or_file) {
    const std::shared_ptr<ProfileData> out = merged(name_or_file);
    inherit(*out);
    return out;
  }

  // But for what a manifest says of the target.
  std::shared_ptr<ProfileData> merged(const std::string& name_or_file) {
    auto out = std::make_shared<ProfileData>();
    const ProfileSearch::Found found = search_.find(name_or_file, {}, {}, {});
    out->name = found.name;
    add(found, {}, *out, true);
    std::reverse(out->files.begin(), out->files.end());
    check_plugins(*out);
    return out;
  }

 private:
  void add(const ProfileSearch::Found& found, const Location& place, ProfileData& out, bool is_own) {
    if (std::find(open_.begin(), open_.end(), found.file) != open_.end()) {
      std::string circle;
      for (const fs::path& file : open_) circle += file.string() + ", ";
      throw Error("F110",
                  "profiles extend each other in a circle: " + circle + "and again " + found.file.string(),
                  place, "remove one of the extends");
    }
    const ProfileText text = read_profile(found.file);
    open_.push_back(found.file);
    for (const auto& [base, at] : text.extends)
      add(search_.find(base, found.file.parent_path(), open_, at), at, out, false);
    open_.pop_back();
    if (is_own) out.description = text.description;
    if (std::find(out.files.begin(), out.files.end(), found.file) == out.files.end())
      out.files.push_back(found.file);
    if (!text.target.empty()) out.settings["target"] = {"target", text.target, text.target_place};
    merge(text.settings, out.settings);
  }

  static void merge(const std::vector<Setting>& from, std::map<std::string, Setting>& to) {
    std::set<std::string_view> said;
    for (const Setting& setting : from) {
      // What is said anew of an operator is all that holds for it.
      if (const std::string_view op = operator_key(setting.key); !op.empty() && said.insert(op).second)
        std::erase_if(to, [&](const auto& old) { return operator_key(old.first) == op; });
      const auto* names = std::get_if<Names>(&setting.value);
      if (names != nullptr && setting.key == "passes.on") drop_names(to, "passes.off", *names);
      if (names != nullptr && setting.key == "passes.off") drop_names(to, "passes.on", *names);
      const auto before = to.find(setting.key);
      if (names == nullptr || before == to.end() || !grows(setting.key)) {
        to[setting.key] = setting;
        continue;
      }
      before->second.value =
          both(std::get<Names>(before->second.value), *names, setting.key == "plugins.prefer");
      before->second.origin = setting.origin;
    }
  }

  // The range of opsets that a manifest states for the target, which is by default the one of the profile's name.
  void inherit(ProfileData& out) const {
    const auto asked = out.settings.find("target");
    const std::string target =
        asked == out.settings.end() ? out.name : std::get<std::string>(asked->second.value);
    for (const Manifest* m : search_.manifests()) {
      const auto stated = m->targets.find(target);
      if (stated == m->targets.end()) continue;
      out.min_opset = stated->second.min_opset;
      out.max_opset = stated->second.max_opset;
      out.range_stated_by = stated->second.place.text();
      out.files.push_back(m->file);
      check_opset(out);
      return;
    }
    if (asked == out.settings.end()) return;
    throw Error("F112", "no plugin that was found states the target " + target, asked->second.origin,
                "install the plugin that is for it, or name its manifest with --plugin; a manifest states "
                "targets: {" +
                    target + ": {opset: \"<=18\"}}");
  }

  static void check_plugins(const ProfileData& out) {
    const auto trust = out.settings.find("plugins.trust");
    const bool locked = trust != out.settings.end() && std::get<std::string>(trust->second.value) == "locked";
    if (locked && !out.settings.contains("plugins.lock")) {
      throw Error("F104", "plugins.trust is locked, and no lock file is named", trust->second.origin,
                  "add lock: onnxport.lock.yaml beside it; onnxport plugin lock writes such a file");
    }
    const auto files = out.settings.find("plugins.files");
    if (files == out.settings.end()) return;
    for (const std::string& file : std::get<Names>(files->second.value)) {
      std::error_code error;
      if (fs::exists(file, error)) continue;
      throw Error("F105", "plugins.files names " + file + ", which does not exist", files->second.origin,
                  "name manifests (*.onnxport.yaml) and folders of them, from the profile's folder");
    }
  }

  static void check_opset(const ProfileData& out) {
    const auto opset = out.settings.find("opset.ai.onnx");
    if (opset == out.settings.end()) return;
    const auto version = std::get<int64_t>(opset->second.value);
    if (version >= out.min_opset && version <= out.max_opset) return;
    throw Error("F201",
                "the profile writes opset " + std::to_string(version) + ", which its target does not take (" +
                    out.range_stated_by + ")",
                opset->second.origin, "leave the opset out, or give one that the target takes");
  }

  const ProfileSearch& search_;
  std::vector<fs::path> open_;  // from the profile to the one that is read
};

}  // namespace

std::shared_ptr<const ProfileData> load_profile(const std::string& name_or_file,
                                                const ProfileSearch& search) {
  return Merge(search).run(name_or_file);
}

std::vector<fs::path> plugin_files_of(const std::string& name_or_file, const ProfileSearch& search) {
  const auto data = Merge(search).merged(name_or_file);
  const auto files = data->settings.find("plugins.files");
  if (files == data->settings.end()) return {};
  const Names& names = std::get<Names>(files->second.value);
  return {names.begin(), names.end()};
}

ProfileListing list_profiles(const ProfileSearch& search) {
  ProfileListing out;
  std::set<std::string> names;
  for (const ProfileSearch::Found& found : search.all()) {
    ProfileInfo info{found.name, "", found.tier, found.file, "active", "", ""};
    try {
      if (!found.refusal.empty()) {
        info.state = "refused";
        info.code = "F101";
        info.reason = found.refusal;
      } else {
        info.description = read_profile(found.file).description;
        if (!names.insert(found.name).second) info.state = "shadowed";
        if (info.state == "active") (void)load_profile(found.name, search);
      }
    } catch (const Error& error) {
      info.state = "broken";
      info.code = error.diagnostics().front().code;
      info.reason = error.what();
    }
    out.profiles.push_back(std::move(info));
  }
  out.folders = search.folders();
  return out;
}

}  // namespace onnxport
