// Checked access to YAML nodes: every mistake becomes a diagnostic with its place, and reading goes on.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/yaml/strict_yaml.h"

namespace onnxport {

class ManifestReader {
 public:
  explicit ManifestReader(std::string file) : file_(std::move(file)) {}

  void error(std::string_view code, const yaml::Node& at, std::string message, std::string hint);
  Location place(const yaml::Node& at) const;
  std::vector<Diagnostic> take_errors() { return std::move(errors_); }
  bool has_errors() const { return !errors_.empty(); }

  // A map whose keys are among `allowed`; keys that start with "x-" are ignored. False (and M105) when it is no map.
  bool map(const yaml::Node& node, std::string_view what, std::initializer_list<std::string_view> allowed);
  // The entry of that key; M104 when it is missing.
  const yaml::Node* required(const yaml::Node& map, std::string_view key, std::string_view what,
                             std::string_view example);

  // Each gives nullopt and M105 when the node is something else.
  std::optional<int> integer(const yaml::Node& node, std::string_view what, int min, int max);
  std::optional<bool> boolean(const yaml::Node& node, std::string_view what);
  std::optional<std::string> text(const yaml::Node& node, std::string_view what, size_t max_length = 4096);
  const std::vector<yaml::Node>* list(const yaml::Node& node, std::string_view what);

 private:
  std::string file_;
  std::vector<Diagnostic> errors_;
};

}  // namespace onnxport
