// YAML as our files use it: one document of plain data, every node with its place. No anchors, aliases, tags
// or duplicate keys; bounded in size and depth. Manifests and profiles are read through this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onnxport/errors.h"

namespace onnxport::yaml {

inline constexpr size_t kMaxBytes = size_t{256} * 1024;
inline constexpr size_t kMaxDepth = 16;

struct Entry;

struct Node {
  enum class Kind : uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  bool quoted = false;  // a scalar written in quotes or as a block: text, whatever it looks like
  int line = 1;         // 1-based
  int column = 1;
  std::string text;            // of a scalar
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map

  const Node* find(std::string_view key) const;
  // "a list", "the text 'x'", for messages.
  std::string description() const;
};

struct Entry {
  Node key;  // a scalar
  Node value;
};

// Reads a whole file. Throws Error M101 (unreadable, too large, not UTF-8).
std::string read_text(const std::string& file);

// Throws Error with M101 (too large, not UTF-8), M102 (syntax), M106 (duplicate key), M108 (forbidden
// feature). Duplicate keys are all reported. An empty document is a null node.
Node parse(std::string_view text, const std::string& file);

}  // namespace onnxport::yaml
