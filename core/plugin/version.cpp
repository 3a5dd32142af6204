#include "core/plugin/version.h"

#include <algorithm>
#include <charconv>

namespace onnxport {
namespace {

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  if (text.empty() || text.size() > 9 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (size_t at = 0;;) {
    const size_t end = text.find(separator, at);
    out.push_back(text.substr(at, end - at));
    if (end == std::string_view::npos) return out;
    at = end + 1;
  }
}

bool identifiers(std::string_view text) {
  for (std::string_view part : split(text, '.')) {
    if (part.empty()) return false;
    for (char c : part) {
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'))
        return false;
    }
  }
  return true;
}

int compare_prerelease(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return static_cast<int>(a.empty()) - static_cast<int>(b.empty());
  const auto left = split(a, '.');
  const auto right = split(b, '.');
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    const auto x = number(left[i]);
    const auto y = number(right[i]);
    if (x && y && *x != *y) return *x < *y ? -1 : 1;
    if (x.has_value() != y.has_value()) return x ? -1 : 1;
    if (!x && left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
  }
  return left.size() == right.size() ? 0 : left.size() < right.size() ? -1 : 1;
}

}  // namespace

std::optional<SemVer> SemVer::parse(std::string_view text, bool loose) {
  SemVer out;
  if (const size_t build = text.find('+'); build != std::string_view::npos) {
    if (!identifiers(text.substr(build + 1))) return std::nullopt;
    text = text.substr(0, build);
  }
  if (const size_t pre = text.find('-'); pre != std::string_view::npos) {
    out.prerelease = text.substr(pre + 1);
    if (!identifiers(out.prerelease)) return std::nullopt;
    text = text.substr(0, pre);
  }
  const auto parts = split(text, '.');
  if (parts.size() > 3 || (!loose && parts.size() != 3)) return std::nullopt;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto n = number(parts[i]);
    if (!n) return std::nullopt;
    out.numbers[i] = *n;
  }
  return out;
}

int compare(const SemVer& a, const SemVer& b) {
  if (a.numbers != b.numbers) return a.numbers < b.numbers ? -1 : 1;
  return compare_prerelease(a.prerelease, b.prerelease);
}

std::optional<VersionRange> VersionRange::parse(std::string_view text) {
  VersionRange out;
  if (text == "*") return out;
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    const size_t digits = word.find_first_not_of("<>=");
    if (digits == std::string_view::npos) return std::nullopt;
    const std::string_view op = word.substr(0, digits);
    const auto version = SemVer::parse(word.substr(digits), true);
    if (!version) return std::nullopt;
    if (op == "<")
      out.bounds_.emplace_back(Op::less, *version);
    else if (op == "<=")
      out.bounds_.emplace_back(Op::less_equal, *version);
    else if (op == "=" || op == "==" || op.empty())
      out.bounds_.emplace_back(Op::equal, *version);
    else if (op == ">=")
      out.bounds_.emplace_back(Op::greater_equal, *version);
    else if (op == ">")
      out.bounds_.emplace_back(Op::greater, *version);
    else
      return std::nullopt;
  }
  return out;
}

bool VersionRange::contains(const SemVer& version) const {
  return std::all_of(bounds_.begin(), bounds_.end(), [&](const auto& bound) {
    const int order = compare(version, bound.second);
    switch (bound.first) {
      case Op::less:
        return order < 0;
      case Op::less_equal:
        return order <= 0;
      case Op::equal:
        return order == 0;
      case Op::greater_equal:
        return order >= 0;
      case Op::greater:
        return order > 0;
    }
    return false;
  });
}

}  // namespace onnxport
