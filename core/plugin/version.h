// Semantic versions and the ranges that manifests ask for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace onnxport {

// major.minor.patch, then an optional -prerelease and +build. Compared by the rules of semver 2.0.
struct SemVer {
  std::array<int64_t, 3> numbers{};
  std::string prerelease;

  // `loose` also accepts "1" and "1.2".
  static std::optional<SemVer> parse(std::string_view text, bool loose = false);
  friend int compare(const SemVer& a, const SemVer& b);
};

// ">=1.0 <2": every comparison must hold.
class VersionRange {
 public:
  // nullopt when the text is no range. The empty text and "*" accept everything.
  static std::optional<VersionRange> parse(std::string_view text);
  bool contains(const SemVer& version) const;

 private:
  enum class Op : uint8_t { less, less_equal, equal, greater_equal, greater };
  std::vector<std::pair<Op, SemVer>> bounds_;
};

}  // namespace onnxport
