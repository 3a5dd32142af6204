// Rules of passes, made ready for one graph: patterns of a manifest, functions of a library.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/builder/graph_builder.h"
#include "core/passes/block_order.h"
#include "core/plugin/registry.h"

namespace onnxport {

// What a rule works with, and what it counts.
struct RewriteContext {
  GraphBuilder& builder;
  BlockOrder& order;
  Registry& registry;
  const PassEntry& pass;
  std::vector<Diagnostic>& notes;
  int target_opset = 0;
  size_t attempts = 0;  // nodes that were compared with a pattern, or shown to a library
  size_t nodes_added = 0;
};

class PassRule {
 public:
  virtual ~PassRule() = default;
  // The operator of the nodes it is asked about: "Add", "com.acme::Swish".
  virtual std::string root_op() const = 0;
  // Rewrites the graph at this node, or leaves it as it was (false). Throws Error, the graph as it was, when the
  // rule fails or what it gives cannot take the place of what is there (T506).
  virtual bool apply(ir::Node& node, RewriteContext& context) const = 0;
};

// `opset`: of the graph.
std::unique_ptr<PassRule> make_pattern_rule(const ManifestRule& rule, int opset);
std::unique_ptr<PassRule> make_library_rule(const onnxport_rule& rule);

// Values of the graph and what takes their places; the nodes that go.
struct Rewrite {
  struct Entry {
    ir::Value* old = nullptr;
    ir::Value* made = nullptr;  // computed before everything that reads `old`; null: nothing reads it
  };
  std::vector<Entry> values;
  std::vector<ir::Node*> nodes;
};

// Throws Error T506 when a value would get another type or shape, or nothing for what is read.
void check(const Rewrite& rewrite);
// Puts in place what was checked.
void commit(Rewrite rewrite, RewriteContext& context);
// The pass, its plugin and the node, in an error of any cause.
Error pass_error(const PassEntry& pass, const ir::Node& node, Diagnostic cause);

}  // namespace onnxport
