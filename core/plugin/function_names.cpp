#include "core/plugin/function_names.h"

#include <algorithm>
#include <cctype>

namespace onnxport {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && is_word(text[end])) ++end;
    if (end > i) out.emplace_back(text.substr(i, end - i));
    i = std::max(end, i + 1);
  }
  return out;
}

}  // namespace

std::vector<std::string> function_inputs(std::string_view text) {
  return words(text.substr(0, text.find(')')));
}

std::vector<std::string> function_outputs(std::string_view text) {
  text.remove_prefix(std::min(text.find("=>"), text.size()));
  return words(text.substr(0, text.find(')')));
}

std::vector<std::string> function_references(std::string_view text) {
  std::vector<std::string> out;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (text[i] != '@' || quoted) continue;
    const size_t start = i + 1;
    while (i + 1 < text.size() && is_word(text[i + 1])) ++i;
    std::string name(text.substr(start, i + 1 - start));
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(std::move(name));
  }
  return out;
}

}  // namespace onnxport
