#include "core/plugin/manifest_reader.h"

#include <algorithm>
#include <charconv>

#include "core/plugin/nearest.h"

namespace onnxport {

Location ManifestReader::place(const yaml::Node& at) const {
  Location place;
  place.file = file_;
  place.line = at.line;
  place.column = at.column;
  return place;
}

void ManifestReader::error(std::string_view code, const yaml::Node& at, std::string message,
                           std::string hint) {
  errors_.push_back({Severity::error, std::string(code), std::move(message), place(at), std::move(hint)});
}

bool ManifestReader::map(const yaml::Node& node, std::string_view what,
                         std::initializer_list<std::string_view> allowed) {
  if (node.kind != yaml::Node::Kind::map) {
    std::string keys;
    for (std::string_view key : allowed) keys += (keys.empty() ? "" : ", ") + std::string(key);
    error("M105", node, std::string(what) + " must be a map, this is " + node.description(),
          "its keys are: " + keys);
    return false;
  }
  for (const auto& [key, value] : node.entries) {
    if (key.text.starts_with("x-") || std::find(allowed.begin(), allowed.end(), key.text) != allowed.end())
      continue;
    const std::vector<std::string> near = nearest(key.text, allowed, 1);
    std::string hint;
    if (!near.empty()) {
      hint = "did you mean '" + near.front() + "'?";
    } else {
      hint = "keys here:";
      for (std::string_view k : allowed) hint += (hint.back() == ':' ? " " : ", ") + std::string(k);
      hint += "; keys of your own start with x-";
    }
    error("M103", key, "unknown key '" + key.text + "' in " + std::string(what), std::move(hint));
  }
  return true;
}

const yaml::Node* ManifestReader::required(const yaml::Node& map, std::string_view key, std::string_view what,
                                           std::string_view example) {
  const yaml::Node* found = map.find(key);
  if (found == nullptr) {
    error("M104", map, "the key '" + std::string(key) + "' is missing in " + std::string(what),
          "add it: " + std::string(example));
  }
  return found;
}

std::optional<int> ManifestReader::integer(const yaml::Node& node, std::string_view what, int min, int max) {
  if (node.kind == yaml::Node::Kind::scalar && !node.quoted && !node.text.empty()) {
    int value = 0;
    const char* end = node.text.data() + node.text.size();
    const auto [at, failed] = std::from_chars(node.text.data(), end, value);
    // "01" is octal to some readers of YAML, and a text to others.
    const bool plain = node.text.size() == 1 || (node.text.front() != '0' && !node.text.starts_with("-0"));
    if (failed == std::errc() && at == end && plain && value >= min && value <= max) return value;
  }
  error("M105", node, std::string(what) + " must be a whole number, this is " + node.description(),
        "give a number from " + std::to_string(min) + " to " + std::to_string(max) + ", without quotes");
  return std::nullopt;
}

std::optional<bool> ManifestReader::boolean(const yaml::Node& node, std::string_view what) {
  if (node.kind == yaml::Node::Kind::scalar && !node.quoted &&
      (node.text == "true" || node.text == "false")) {
    return node.text == "true";
  }
  error("M105", node, std::string(what) + " must be true or false, this is " + node.description(),
        "write true or false");
  return std::nullopt;
}

std::optional<std::string> ManifestReader::text(const yaml::Node& node, std::string_view what,
                                                size_t max_length) {
  if (node.kind != yaml::Node::Kind::scalar || node.text.empty()) {
    error("M105", node, std::string(what) + " must be text, this is " + node.description(),
          "write one word or \"some words\"");
    return std::nullopt;
  }
  if (node.text.size() > max_length) {
    error("M105", node, std::string(what) + " is longer than " + std::to_string(max_length) + " bytes",
          "shorten it");
    return std::nullopt;
  }
  return node.text;
}

const std::vector<yaml::Node>* ManifestReader::list(const yaml::Node& node, std::string_view what) {
  if (node.kind == yaml::Node::Kind::list) return &node.items;
  error("M105", node, std::string(what) + " must be a list, this is " + node.description(),
        "write it in brackets: [a, b]");
  return nullptr;
}

}  // namespace onnxport
