// The passes of plugins in one export: which are on, when they run, what they changed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/ir/graph.h"
#include "core/passes/pass_rule.h"
#include "core/passes/passes.h"
#include "core/plugin/registry.h"
#include "onnxport/report.h"

namespace onnxport {

// Throws Error C405 for a name that nobody has.
void check_pass_names(const Registry& registry, const std::vector<std::string>& asked,
                      const std::vector<std::string>& off);

class PluginPasses {
 public:
  // Those that are on by default, ours before those of others, then those that `asked` names, in its order; without
  // those that `off` names. Throws Error C405 for a name that nobody has, M115 for a pass that its library
  // has not, or has at another stage.
  PluginPasses(Registry& registry, const std::vector<std::string>& asked,
               const std::vector<std::string>& off);
  ~PluginPasses();
  PluginPasses(const PluginPasses&) = delete;

  // Runs the passes of a stage in order, each until it changes nothing, with a bound. Returns how often a rule rewrote
  // something. Throws Error when a rule fails or what it gives is refused; the graph is then as that rule found it.
  size_t run(ir::Graph& graph, PassStage stage, const PassOptions& options);

  // What each pass that is on did, in order.
  std::vector<PassReport> reports() const;
  // A T508 for each pass that its bound stopped.
  std::vector<Diagnostic> take_notes();
  // How many nodes were compared with a pattern or shown to a library until now.
  size_t attempts() const { return attempts_; }

 private:
  struct State;
  size_t run_pass(State& state, ir::Graph& graph, const PassOptions& options);

  Registry& registry_;
  std::vector<std::unique_ptr<State>> passes_;
  std::vector<Diagnostic> notes_;
  size_t attempts_ = 0;
};

}  // namespace onnxport
