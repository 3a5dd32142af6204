// "Did you mean": names near to a misspelt one.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace onnxport {

// Edits (insert, delete, replace, swap of neighbours) between the two, or `limit` + 1 when there are more.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit);

// Names at most a third of the length away, nearest first, `count` at most.
template <typename Names>
std::vector<std::string> nearest(std::string_view name, const Names& names, size_t count = 3) {
  const size_t limit = std::max<size_t>(1, name.size() / 3);
  std::vector<std::pair<size_t, std::string>> found;
  for (const auto& candidate : names) {
    const std::string_view text(candidate);
    const size_t distance = edit_distance(name, text, limit);
    if (distance <= limit) found.emplace_back(distance, text);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> out;
  for (auto& [distance, text] : found) {
    if (out.size() < count) out.push_back(std::move(text));
  }
  return out;
}

}  // namespace onnxport
