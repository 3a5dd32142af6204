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
    const onnxport_opset_api* api;
    OpsetTable table;
  };

  const Entry& at(int version) {
    const auto known = entries_.find(version);
    if (known != entries_.end()) return known->second;
    const OpsetPlugin* plugin = registry_.opset(version);
    if (plugin == nullptr || plugin->api == nullptr) throw missing(version);
    return entries_.try_emplace(version, Entry{plugin->api, OpsetTable(*plugin->api)}).first->second;
  }

 private:
  Error missing(int version) const {
    std::string available;
    for (int v : registry_.available_opsets())
      available += (available.empty() ? "" : ", ") + std::to_string(v);
    return Error("O605", "no plugin provides ai.onnx opset " + std::to_string(version), {},
                 available.empty() ? "no opset plugin was found at all: see onnxport plugin list"
                                   : "opsets that plugins provide: " + available);
  }

  Registry& registry_;
  std::map<int, Entry> entries_;
};

void take_step(ir::Graph& graph, Opsets& opsets, int from, int to, int target, Failures& failures) {
  const Opsets::Entry& before = opsets.at(from);
  const Opsets::Entry& after = opsets.at(to);
  const bool down = to < from;
  const onnxport_opset_api& newer = down ? *before.api : *after.api;
  const Step step(before.table, after.table, down ? newer.down : newer.up,
                  down ? newer.down_count : newer.up_count, newer.rule_size);
  step.run(graph, target, failures);
}

void check_block(ir::Block& block, const OpsetTable& table, std::vector<Diagnostic>& out) {
  for_each_node(block, [&](ir::Node* node) {
    if (!is_standard(*node)) return;
    auto problem = table.violation_of(*node);
    if (!problem) return;
    Diagnostic d;
    d.code = problem->code;
    d.message = std::move(problem->message);
    d.place = location_of(*node);
    d.hint = "this is a defect of a mapping or an opset rule; please report it";
    out.push_back(std::move(d));
  });
}

}  // namespace

void legalize(ir::Graph& graph, int target, Registry& registry, std::vector<Diagnostic>& notes) {
  const auto opset = graph.opsets.find("");
  const int start = opset == graph.opsets.end() ? target : opset->second;
  Opsets opsets(registry);
  opsets.at(target);  // an opset nobody provides is told before any work
  Failures failures;
  for (int at = start; at != target;) {
    const int next = at < target ? at + 1 : at - 1;
    take_step(graph, opsets, at, next, target, failures);
    at = next;
  }
  graph.opsets[""] = target;
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
  check_block(const_cast<ir::Graph&>(graph).body(), opsets.at(version).table, out);
  return out;
}

}  // namespace onnxport
