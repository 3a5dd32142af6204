#include "core/passes/plugin_passes.h"

#include <algorithm>
#include <unordered_map>

#include "core/builder/graph_builder.h"
#include "core/host/plugin_inference.h"
#include "core/ir/pivot.h"
#include "core/onnx/inference.h"
#include "core/onnx/schemas.h"
#include "core/passes/block_order.h"
#include "core/plugin/manifest_pass.h"
#include "core/plugin/nearest.h"

namespace onnxport {

struct PluginPasses::State {
  PassEntry entry;
  PassStage stage = PassStage::optimize;
  std::vector<std::unique_ptr<PassRule>> rules;
  bool is_ready = false;
  bool was_stopped = false;  // it is not run again
  PassReport report;
};

namespace {

// A pass whose rules undo each other would go on for ever, and one that adds more than it takes would fill the
// memory first.
constexpr size_t kMostSweeps = 32;
constexpr size_t kMostRewritesPerNode = 4;
constexpr size_t kFewRewrites = 256;

using Rules = std::unordered_map<std::string, std::vector<const PassRule*>>;

// The plugin's id, the pass's name, or both: "com.acme.ops/fuse-linear".
bool goes_by(const PassEntry& entry, std::string_view name) {
  return entry.plugin_id == name || entry.pass->name == name ||
         entry.plugin_id + "/" + entry.pass->name == name;
}

[[noreturn]] void refuse_name(const std::string& name, const std::vector<PassEntry>& all) {
  std::vector<std::string> known;
  for (const PassEntry& entry : all) {
    known.push_back(entry.pass->name);
    if (std::find(known.begin(), known.end(), entry.plugin_id) == known.end())
      known.push_back(entry.plugin_id);
  }
  std::string hint;
  for (const std::string& n : nearest(name, known)) hint += (hint.empty() ? "did you mean " : " or ") + n;
  if (!hint.empty()) hint += '?';
  if (hint.empty() && all.empty())
    hint = "no plugin that was found has passes: onnxport plugin list shows them";
  if (hint.empty()) {
    for (const PassEntry& entry : all) {
      if (hint.size() > 400) break;
      hint += (hint.empty() ? "passes: " : ", ") + entry.pass->name;
    }
  }
  throw Error("C405", "no plugin has a pass '" + name + "', and no plugin with passes has that id", {},
              std::move(hint));
}

// A node that a rewrite took out is still in the list of a sweep, and so is what was in its blocks.
bool is_in_graph(const ir::Node* node) {
  while (node->parent() != nullptr) {
    const ir::Node* owner = node->parent()->owner();
    if (owner == nullptr) return true;
    node = owner;
  }
  return false;
}

std::string unmet_need(const ManifestPass& pass, const PassOptions& options) {
  if (pass.needs_folding && !options.constant_folding)
    return "it needs constant folding, which is switched off";
  if (pass.needs_weights && !options.weights_may_change) return "it rewrites weights, which stay as they are";
  if (pass.needs_eval && !options.inference) return "it is for inference, and this is an export for training";
  return "";
}

int opset_of(const ir::Graph& graph) {
  const auto found = graph.opsets.find("");
  return found == graph.opsets.end() ? kPivotOpset : found->second;
}

// The order in which they run.
std::vector<PassEntry> choose(const std::vector<PassEntry>& all, const std::vector<std::string>& asked_names,
                              const std::vector<std::string>& off_names) {
  std::vector<PassEntry> out;
  const auto has = [](const std::vector<PassEntry>& list, const PassEntry& entry) {
    return std::any_of(list.begin(), list.end(), [&](const PassEntry& e) { return e.pass == entry.pass; });
  };
  std::vector<PassEntry> asked, off;
  const auto add_named = [&](const std::vector<std::string>& names, std::vector<PassEntry>& into) {
    for (const std::string& name : names) {
      bool found = false;
      for (const PassEntry& entry : all) {
        if (!goes_by(entry, name)) continue;
        found = true;
        if (!has(into, entry)) into.push_back(entry);
      }
      if (!found) refuse_name(name, all);
    }
  };
  add_named(asked_names, asked);
  add_named(off_names, off);
  for (bool builtin : {true, false}) {
    for (const PassEntry& entry : all) {
      if (entry.builtin == builtin && entry.pass->on_by_default && !has(asked, entry) && !has(off, entry))
        out.push_back(entry);
    }
  }
  for (const PassEntry& entry : asked) {
    if (!has(off, entry)) out.push_back(entry);
  }
  return out;
}

// Those of the text or the library that are for the target.
std::vector<std::unique_ptr<PassRule>> make_rules(Registry& registry, const PassEntry& entry, int opset,
                                                  int target) {
  std::vector<std::unique_ptr<PassRule>> out;
  for (const ManifestRule& rule : entry.pass->rules) {
    const bool fits = (rule.min_opset == 0 || target >= rule.min_opset) &&
                      (rule.max_opset == 0 || target <= rule.max_opset);
    if (fits) out.push_back(make_pattern_rule(rule, opset));
  }
  for (const onnxport_rule& rule : registry.open_pass(entry).rules) out.push_back(make_library_rule(rule));
  return out;
}

bool apply_first(const std::vector<const PassRule*>& rules, ir::Node& node, RewriteContext& context) {
  for (const PassRule* rule : rules) {
    const size_t nodes = context.builder.graph().node_count();
    try {
      if (!rule->apply(node, context)) continue;
      context.nodes_added += context.builder.graph().node_count() - nodes;
      return true;
    } catch (const Error& e) {
      throw pass_error(context.pass, node, e.diagnostics().front());
    }
  }
  return false;
}

Diagnostic stopped(const PassEntry& entry, size_t rewrites) {
  Diagnostic note;
  note.severity = Severity::warning;
  note.code = "T508";
  note.message = "pass '" + entry.pass->name + "' of plugin " + entry.plugin_id + " was stopped after " +
                 std::to_string(rewrites) + " rewrites: its rules always find something to change";
  note.place = entry.pass->place;
  note.hint = "what one rule makes must not be what another looks for; --disable-pass " + entry.pass->name +
              " leaves it out";
  return note;
}

size_t count_nodes(ir::Graph& graph) {
  size_t count = 0;
  ir::for_each_node(graph.body(), [&](ir::Node*) { ++count; });
  return count;
}

// Custom domains get the version that the plugin's manifest states, those of ONNX the one that has the operator.
// At the target the versions asked for are there already.
void state_domains(ir::Graph& graph, const PassEntry& entry, int opset, PassStage stage) {
  ir::for_each_node(graph.body(), [&](ir::Node* node) {
    const auto [domain, op_type] = onnx::split_op(node->op_text());
    if (domain.empty()) return;
    const auto declared = entry.domains->find(domain);
    int version = 0;
    if (declared != entry.domains->end()) {
      version = declared->second;
    } else if (onnx::is_onnx_domain(domain)) {
      const auto* schema = onnx::find_schema(op_type, domain, opset);
      version = schema == nullptr ? 1 : schema->since_version();
    }
    if (version == 0) return;
    int& stated = graph.opsets.try_emplace(std::string(domain), version).first->second;
    if (stage != PassStage::target) stated = std::max(stated, version);
  });
}

}  // namespace

void check_pass_names(const Registry& registry, const std::vector<std::string>& asked,
                      const std::vector<std::string>& off) {
  choose(registry.passes(), asked, off);
}

PluginPasses::PluginPasses(Registry& registry, const std::vector<std::string>& asked,
                           const std::vector<std::string>& off)
    : registry_(registry) {
  for (PassEntry& entry : choose(registry.passes(), asked, off)) {
    auto state = std::make_unique<State>();
    try {
      state->stage = registry.open_pass(entry).stage;
    } catch (const Error& error) {
      const bool is_asked = std::any_of(asked.begin(), asked.end(),
                                        [&](const std::string& name) { return goes_by(entry, name); });
      // Nor is it passed over where a lock file says which plugins there are.
      if (is_asked || error.diagnostics().front().code == "C409") throw;
      for (Diagnostic warning : error.diagnostics()) {  // the graph is right without it
        warning.severity = Severity::warning;
        notes_.push_back(std::move(warning));
      }
      continue;
    }
    state->report.plugin = entry.plugin_id;
    state->report.pass = entry.pass->name;
    state->report.stage = stage_name(state->stage);
    state->entry = std::move(entry);
    passes_.push_back(std::move(state));
  }
}

PluginPasses::~PluginPasses() = default;

size_t PluginPasses::run(ir::Graph& graph, PassStage stage, const PassOptions& options) {
  size_t rewrites = 0;
  for (const auto& state : passes_) {
    if (state->stage != stage || state->was_stopped) continue;
    state->report.skipped = unmet_need(*state->entry.pass, options);
    if (state->report.skipped.empty()) rewrites += run_pass(*state, graph, options);
  }
  return rewrites;
}

size_t PluginPasses::run_pass(State& state, ir::Graph& graph, const PassOptions& options) {
  const int opset = opset_of(graph);
  if (!state.is_ready) {
    state.rules = make_rules(registry_, state.entry, opset, options.target_opset);
    state.is_ready = true;
  }
  Rules by_op;
  for (const auto& rule : state.rules) by_op[rule->root_op()].push_back(rule.get());
  GraphBuilder builder(graph, opset);
  const PluginInference inference(registry_);
  builder.set_operator_inference(&inference);
  BlockOrder order;
  RewriteContext context{builder, order, registry_, state.entry, notes_, options.target_opset};
  const size_t nodes_before = count_nodes(graph);
  const size_t most = kFewRewrites + kMostRewritesPerNode * nodes_before;
  size_t rewrites = 0;
  for (size_t sweep = 0;; ++sweep) {
    std::vector<std::pair<ir::Node*, const std::vector<const PassRule*>*>> nodes;
    ir::for_each_node(graph.body(), [&](ir::Node* node) {
      if (const auto found = by_op.find(std::string(node->op_text())); found != by_op.end())
        nodes.emplace_back(node, &found->second);
    });
    size_t changed = 0;
    for (const auto& [node, rules] : nodes) {
      if (!is_in_graph(node)) continue;
      changed += apply_first(*rules, *node, context) ? 1 : 0;
      if (rewrites + changed >= most) break;
    }
    rewrites += changed;
    if (changed == 0) break;
    if (sweep + 1 == kMostSweeps || rewrites >= most) {
      notes_.push_back(stopped(state.entry, rewrites));
      state.was_stopped = true;
      break;
    }
  }
  if (rewrites > 0) {
    registry_.mark_used(state.entry.plugin_id);
    remove_dead_code(graph);
    state_domains(graph, state.entry, opset, state.stage);
    state.report.nodes_removed += nodes_before + context.nodes_added - count_nodes(graph);
  }
  attempts_ += context.attempts;
  state.report.rewrites += rewrites;
  state.report.nodes_added += context.nodes_added;
  return rewrites;
}

std::vector<PassReport> PluginPasses::reports() const {
  std::vector<PassReport> out;
  for (const auto& state : passes_) out.push_back(state->report);
  return out;
}

std::vector<Diagnostic> PluginPasses::take_notes() { return std::move(notes_); }

}  // namespace onnxport
