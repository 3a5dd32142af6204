// The settings of a profile: each by a dotted key, with who said it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "onnxport/errors.h"

namespace onnxport {

using SettingValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

struct Setting {
  std::string key;  // "opset.ai.onnx", "takes.operators.Conv.T"
  SettingValue value;
  Location origin;
};

// As a profile writes it: "18", "[f32, f16]".
std::string text_of(const SettingValue& value);

// One file, read strictly. A half-valid one cannot exist as a value.
struct ProfileText {
  std::filesystem::path file;
  std::string description;
  std::vector<std::pair<std::string, Location>> extends;  // names, or files beside this one
  std::string target;                                     // of a manifest; empty: that of the profile's name
  Location target_place;
  std::vector<Setting> settings;
};

inline constexpr int kConfigVersion = 1;

// Throw Error with every mistake found, F1xx. docs/configs.md says what a profile holds.
ProfileText parse_profile(std::string_view text, const std::filesystem::path& file);
ProfileText read_profile(const std::filesystem::path& file);

}  // namespace onnxport
