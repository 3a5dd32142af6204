// Patterns of nodes, as rules of passes write them, looked for in one block of a graph.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ir/graph.h"
#include "core/plugin/manifest.h"

namespace onnxport {

// A piece of a graph that a pattern describes.
struct PatternMatch {
  std::vector<ir::Node*> nodes;    // as the pattern lists them
  std::vector<ir::Value*> values;  // by number; null: an optional input that is left out
  std::vector<std::optional<ir::AttributeValue>> attributes;  // captured, by number; nullopt: not there
};

class Pattern {
 public:
  // `opset`: the one the graph is at; it decides what an attribute that is left out means. Throws Error M110 for an
  // operator of ai.onnx that no opset has.
  Pattern(const ManifestRule& rule, int opset);
  ~Pattern();
  Pattern(Pattern&&) noexcept;

  // The operator of the node where a match is looked for, the last of the text: "Add", "com.acme::Swish".
  const std::string& root_op() const;
  // The piece of the graph whose last node is `root`. All its nodes are in root's block; no value inside it is
  // read from outside, or returned. `attempts` grows by the nodes that were compared.
  std::optional<PatternMatch> match(ir::Node& root, size_t& attempts) const;

  // Numbers of values by their names in the text; -1: none.
  int find(std::string_view value) const;
  const std::vector<int>& outputs() const;
  const std::vector<std::string>& attribute_names() const;

 private:
  struct Plan;
  class Matcher;
  friend class PatternReader;
  std::unique_ptr<Plan> plan_;
};

}  // namespace onnxport
