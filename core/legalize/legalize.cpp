#include "core/legalize/legalize.h"

#include <map>

#include "core/ir/node_location.h"
#include "core/legalize/step.h"
#include "core/legalize/table.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

// The opset plugins of one walk, each opened when it is stepped on.
class Opsets {
 public:
  explicit Opsets(Registry& registry) : registry_(registry) {}

  struct Entry {
    const OpsetPlugin* plugin;
    OpsetTable table;
  };

  Registry& registry() { return registry_; }

  const Entry& at(const std::string& domain, int version) {
    auto key = std::pair(domain, version);
    const auto known = entries_.find(key);
    if (known != entries_.end()) return known->second;
    const OpsetPlugin* plugin = registry_.opset(domain, version);
    if (plugin == nullptr) throw missing(domain, version);
    return entries_.try_emplace(std::move(key), Entry{plugin, OpsetTable(*plugin->opset)}).first->second;
  }

 private:
  Error missing(const std::string& domain, int version) const {
    std::string available;
    for (int v : registry_.available_opsets(domain))
      available += (available.empty() ? "" : ", ") + std::to_string(v);
    return Error(
        "O605",
        "no plugin provides " + (domain.empty() ? "ai.onnx" : domain) + " opset " + std::to_string(version),
        {},
        available.empty() ? "no opset plugin was found at all: see onnxport plugin list"
                          : "opsets that plugins provide: " + available);
  }

  Registry& registry_;
  std::map<std::pair<std::string, int>, Entry> entries_;
};

void take_step(ir::Graph& graph, Opsets& opsets, const std::string& domain, int from, int to, int target,
               Failures& failures) {
  const Opsets::Entry& before = opsets.at(domain, from);
  const Opsets::Entry& after = opsets.at(domain, to);
  const Step step(before.table, after.table, to < from ? *before.plugin : *after.plugin, opsets.registry());
  step.run(graph, target, failures);
}

// Brings the nodes of one domain to the version, step by step.
void walk(ir::Graph& graph, Opsets& opsets, const std::string& domain, int start, int version, int target,
          Failures& failures) {
  opsets.at(domain, version);  // an opset nobody provides is told before any work
  for (int at = start; at != version;) {
    const int next = at < version ? at + 1 : at - 1;
    take_step(graph, opsets, domain, at, next, target, failures);
    at = next;
  }
  graph.opsets[domain] = version;
}

void check_block(ir::Block& block, const OpsetTable& table, std::vector<Diagnostic>& out) {
  for_each_node(block, [&](ir::Node* node) {
    if (!table.covers(*node)) return;
    auto problem = table.violation_of(*node);
    if (!problem) return;
    Diagnostic d;
    d.code = problem->code;
    d.message = std::move(problem->message);
    d.place = location_of(*node);
    d.hint =
        "this is a defect of an opset rule, or of the mapping or pass that wrote the node; please report it";
    out.push_back(std::move(d));
  });
}

// What a branch or an iteration hands on as it came needs a node of its own in the file, an Identity.
void check_handed_on(ir::Block& body, const OpsetTable& table, std::vector<Diagnostic>& out) {
  const onnxport_op_def* identity = table.find("Identity");
  const onnxport_param* taken = identity == nullptr ? nullptr : input_param(*identity, 0);
  if (taken == nullptr) return;
  for_each_node(body, [&](ir::Node* node) {
    for (const ir::Block* block : node->blocks()) {
      for (size_t i = 0; i < block->result_count(); ++i) {
        const ir::Value* value = block->result(i);
        const bool made_here =
            value == nullptr || (value->producer() != nullptr && value->producer()->parent() == block);
        if (made_here || allows(*taken, value->type())) continue;
        // Identity takes sequences from 14 on, optional values from 16 on.
        const bool optional = value->type().kind() == ir::Type::Kind::optional;
        const std::string lowest = optional ? "16" : "14";
        Diagnostic d;
        d.code = "O603";
        d.message = "opset " + std::to_string(table.version()) + " has no operator that hands on " +
                    (optional ? "a value that may be absent" : "a list of tensors") +
                    ", and a branch or an iteration does so";
        d.place = location_of(*node);
        d.hint = "the lowest opset that works for it is " + lowest + ": ask for --opset " + lowest;
        out.push_back(std::move(d));
      }
    }
  });
}

}  // namespace

void legalize(ir::Graph& graph, int target, Registry& registry, std::vector<Diagnostic>& notes,
              const DomainOpsets& domains) {
  const auto opset = graph.opsets.find("");
  const int start = opset == graph.opsets.end() ? target : opset->second;
  Opsets opsets(registry);
  opsets.at("", target);
  Failures failures;
  // A domain's own first: its operators may become ONNX's at the opset that the graph is at.
  for (const auto& [domain, version] : domains) {
    const auto stated = graph.opsets.find(domain);
    if (domain.empty() || stated == graph.opsets.end()) continue;
    const int from = stated->second;
    if (from != version) walk(graph, opsets, domain, from, version, target, failures);
  }
  walk(graph, opsets, "", start, target, target, failures);
  graph.ir_version = opsets.at("", target).plugin->opset->ir_version;
  graph.remove_unused_initializers();
  if (!failures.diagnostics.empty()) throw Error(std::move(failures.diagnostics));
  std::vector<Diagnostic> illegal = check_legality(graph, target, registry);
  if (!illegal.empty()) throw Error(std::move(illegal));
  if (start != target) {
    Diagnostic note;
    note.severity = Severity::note;
    note.message = "legalized from opset " + std::to_string(start) + " to " + std::to_string(target);
    notes.push_back(std::move(note));
  }
}

std::vector<Diagnostic> check_legality(const ir::Graph& graph, int version, Registry& registry) {
  Opsets opsets(registry);
  std::vector<Diagnostic> out;
  // Only read: the walk over nodes is written for both.
  ir::Block& body = const_cast<ir::Graph&>(graph).body();
  check_block(body, opsets.at("", version).table, out);
  if (out.empty()) check_handed_on(body, opsets.at("", version).table, out);
  for (const auto& [domain, stated] : graph.opsets) {
    if (domain.empty() || registry.available_opsets(domain).empty()) continue;
    check_block(body, opsets.at(domain, stated).table, out);
  }
  return out;
}

}  // namespace onnxport
