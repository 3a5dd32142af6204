// What settings mean: each key, or family of keys, and the option it fills in.
#include "onnxport/profile.h"

#include <algorithm>
#include <functional>

#include "core/profile/profile_data.h"

namespace onnxport {
namespace {

using Names = std::vector<std::string>;

const std::string& text(const SettingValue& v) { return std::get<std::string>(v); }
const Names& names(const SettingValue& v) { return std::get<Names>(v); }
bool on(const SettingValue& v) { return std::get<bool>(v); }
double real(const SettingValue& v) { return std::get<double>(v); }
int whole(const SettingValue& v) { return static_cast<int>(std::get<int64_t>(v)); }

Weights weights_of(const SettingValue& v) {
  static const std::map<std::string, Weights> all = {{"auto", Weights::automatic},
                                                     {"inline", Weights::inline_},
                                                     {"external", Weights::external},
                                                     {"reference", Weights::reference}};
  return all.at(text(v));
}

State state_of(const SettingValue& v) {
  static const std::map<std::string, State> all = {
      {"error", State::error}, {"io", State::io}, {"drop", State::drop}};
  return all.at(text(v));
}

template <typename Options>
struct Meaning {
  std::string_view key;
  void (*set)(Options&, const SettingValue&);
};

constexpr Meaning<Target> kOfTarget[] = {
    {"opset.ai.onnx", [](Target& t, const SettingValue& v) { t.opset = whole(v); }},
    {"ir_version", [](Target& t, const SettingValue& v) { t.ir_version = whole(v); }},
    {"constant_folding", [](Target& t, const SettingValue& v) { t.constant_folding = on(v); }},
    {"takes.types", [](Target& t, const SettingValue& v) { t.limits.types = names(v); }},
    {"takes.expand", [](Target& t, const SettingValue& v) { t.limits.expand = on(v); }},
    {"plugins.require", [](Target& t, const SettingValue& v) { t.plugin_choice.require = names(v); }},
    {"plugins.prefer", [](Target& t, const SettingValue& v) { t.plugin_choice.prefer = names(v); }},
    {"plugins.disable", [](Target& t, const SettingValue& v) { t.plugin_choice.disable = names(v); }},
    {"plugins.files",
     [](Target& t, const SettingValue& v) {
       t.plugin_choice.files.assign(names(v).begin(), names(v).end());
     }},
    {"plugins.lock", [](Target& t, const SettingValue& v) { t.plugin_choice.lock = text(v); }},
    {"passes.on", [](Target& t, const SettingValue& v) { t.passes = names(v); }},
    {"passes.off", [](Target& t, const SettingValue& v) { t.disable_passes = names(v); }},
    {"weights.store", [](Target& t, const SettingValue& v) { t.weights = weights_of(v); }},
    {"weights.inline_below",
     [](Target& t, const SettingValue& v) { t.external_threshold = static_cast<uint64_t>(whole(v)); }},
    {"weights.parameters_as_inputs", [](Target& t, const SettingValue& v) { t.export_params = !on(v); }},
    {"weights.initializers_as_inputs",
     [](Target& t, const SettingValue& v) { t.keep_initializers_as_inputs = on(v); }},
    {"names.provenance", [](Target& t, const SettingValue& v) { t.strip = !on(v); }},
    {"verify.rtol", [](Target& t, const SettingValue& v) { t.verify.rtol = real(v); }},
    {"verify.atol", [](Target& t, const SettingValue& v) { t.verify.atol = real(v); }},
    {"verify.second_size", [](Target& t, const SettingValue& v) { t.verify.second_size = on(v); }},
    {"verify.trust", [](Target& t, const SettingValue& v) { t.verify.trusted_domains = names(v); }},
    {"verify.ort_libraries",
     [](Target& t, const SettingValue& v) {
       t.verify.ort_libraries.assign(names(v).begin(), names(v).end());
     }},
};

constexpr Meaning<ProgramOptions> kOfCapture[] = {
    {"state", [](ProgramOptions& p, const SettingValue& v) { p.state = state_of(v); }},
    {"names.inputs", [](ProgramOptions& p, const SettingValue& v) { p.input_names = names(v); }},
    {"names.outputs", [](ProgramOptions& p, const SettingValue& v) { p.output_names = names(v); }},
};

// Of keys that name something of the user's own; `rest` is that name.
struct Family {
  std::string_view prefix;
  void (*set)(Target&, std::string_view rest, const SettingValue&);
};

void set_operator(Target& t, std::string_view rest, const SettingValue& v) {
  const size_t slash = rest.find('/');
  TargetLimits::Operator& op = t.limits.operators[std::string(rest.substr(0, slash))];
  if (slash == std::string_view::npos) {
    op.taken = on(v);
  } else {
    op.types[std::string(rest.substr(slash + 1))] = names(v);
  }
}

void set_plugin_option(Target& t, std::string_view rest, const SettingValue& v) {
  const size_t dot = rest.rfind('.');
  t.plugin_choice.options[std::string(rest.substr(0, dot))][std::string(rest.substr(dot + 1))] = text(v);
}

constexpr Family kFamilies[] = {
    {"opset.",
     [](Target& t, std::string_view rest, const SettingValue& v) {
       if (rest != "ai.onnx") t.domain_opsets[std::string(rest)] = whole(v);
     }},
    {"takes.operators.", set_operator},
    {"takes.compute.", [](Target& t, std::string_view rest,
                          const SettingValue& v) { t.limits.compute[std::string(rest)] = text(v); }},
    {"plugins.options.", set_plugin_option},
};

template <typename Options, size_t N>
void set_all(const ProfileData& data, const Meaning<Options> (&meanings)[N], Options& options) {
  for (const Meaning<Options>& meaning : meanings) {
    const auto found = data.settings.find(std::string(meaning.key));
    if (found != data.settings.end()) meaning.set(options, found->second.value);
  }
}

}  // namespace

const std::string& Profile::name() const { return data_->name; }

const std::string& Profile::description() const { return data_->description; }

std::vector<std::filesystem::path> Profile::files() const { return data_->files; }

std::vector<ProfileSetting> Profile::settings() const {
  std::vector<ProfileSetting> out;
  for (const auto& [key, setting] : data_->settings)
    out.push_back({key, text_of(setting.value), setting.origin.text()});
  if (!data_->range_stated_by.empty()) {
    const auto bound = [](int version, const char* sign) { return sign + std::to_string(version); };
    std::string range = data_->min_opset > 1 ? bound(data_->min_opset, ">=") : "";
    if (data_->max_opset < 1000) range += (range.empty() ? "" : " ") + bound(data_->max_opset, "<=");
    out.push_back({"target's opsets", range.empty() ? "any" : range, data_->range_stated_by});
  }
  return out;
}

void Profile::apply(Target& target) const {
  target.profile = data_->name;
  if (!data_->range_stated_by.empty()) {
    target.limits.min_opset = data_->min_opset;
    target.limits.max_opset = data_->max_opset;
    target.limits.stated_by = data_->range_stated_by;
    target.opset = std::clamp(target.opset, data_->min_opset, data_->max_opset);
  }
  set_all(*data_, kOfTarget, target);
  // A lock file is named for whoever says that it holds.
  const auto trust = data_->settings.find("plugins.trust");
  if (data_->settings.contains("plugins.lock") &&
      (trust == data_->settings.end() || text(trust->second.value) != "locked"))
    target.plugin_choice.lock.clear();
  for (const auto& [key, setting] : data_->settings) {
    for (const Family& family : kFamilies) {
      if (key.starts_with(family.prefix))
        family.set(target, std::string_view(key).substr(family.prefix.size()), setting.value);
    }
  }
}

void Profile::apply(ProgramOptions& options) const { set_all(*data_, kOfCapture, options); }

Target Profile::target() const {
  Target out;
  apply(out);
  return out;
}

ProgramOptions Profile::capture() const {
  ProgramOptions out;
  apply(out);
  return out;
}

void agree_on_capture(const std::vector<Profile>& profiles) {
  for (const Profile& profile : profiles) {
    const ProgramOptions first = profiles.front().capture();
    const ProgramOptions own = profile.capture();
    const char* differs = own.state != first.state                 ? "state"
                          : own.input_names != first.input_names   ? "names.inputs"
                          : own.output_names != first.output_names ? "names.outputs"
                                                                   : nullptr;
    if (differs == nullptr) continue;
    throw Error("F111",
                "the profiles " + profiles.front().name() + " and " + profile.name() + " differ in " +
                    differs + ", which is of the capture that all targets share",
                {}, "export for each of them by itself, or say on the command line what is to hold for both");
  }
}

}  // namespace onnxport
