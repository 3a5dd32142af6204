#include "core/capture/module/replay.h"

#include <ATen/core/ivalue_inl.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>

#include "core/libtorch/convert.h"
#include "core/libtorch/interpret.h"
#include "core/libtorch/ivalue.h"
#include "core/libtorch/location.h"
#include "core/libtorch/warnings.h"

namespace onnxport {
namespace {

bool same_values(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  if (!a.is_floating_point() && !a.is_complex()) return a.equal(b);
  const bool low = a.scalar_type() == at::kHalf || a.scalar_type() == at::kBFloat16;
  const at::ScalarType wide = a.is_complex() ? at::kComplexDouble : at::kDouble;
  return at::allclose(a.to(wide), b.to(wide), low ? 1e-2 : 1e-4, low ? 1e-3 : 1e-5, true);
}

std::string sizes_text(const Sizes& sizes) {
  std::string out;
  for (const auto& [symbol, size] : sizes)
    out += (out.empty() ? "" : ", ") + symbol + "=" + std::to_string(size);
  return out.empty() ? "" : " at " + out;
}

// The operator that made a result.
Location place_of_result(const ModuleRun& run, size_t result, CallSites& sites) {
  const std::vector<RecordedCall>& calls = run.recording->calls();
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    for (const RecordedItem& made : call->results) {
      if (made.kind == RecordedItem::Kind::tensor && made.tensor == run.results[result].tensor)
        return place_of_node(qualified_name(*call->schema), "", sites.find(call->frames));
    }
  }
  return place_of_node("forward");
}

}  // namespace

std::optional<Deviation> deviation(const ir::Graph& graph, const ModuleRun& run, CallSites& sites) {
  const CollectedWarnings quiet;  // forward said the same
  std::vector<Argument> inputs;
  for (const at::Tensor& input : run.originals) inputs.push_back({from_torch(input.clone())});
  std::vector<Argument> outputs;
  try {
    outputs = evaluate_graph(graph, inputs, {}, {});
  } catch (const std::exception& e) {
    const std::string said = e.what();
    return Deviation{0, said.substr(0, said.find('\n')), place_of_result(run, 0, sites)};
  }
  for (size_t i = 0; i < run.outputs.size(); ++i) {
    const c10::IValue given = i < outputs.size() ? to_ivalue(outputs[i]) : c10::IValue();
    if (!given.isTensor() || !same_values(run.outputs[i].cpu(), given.toTensor()))
      return Deviation{i, "", place_of_result(run, i, sites)};
  }
  return std::nullopt;
}

void check_replay(const ir::Graph& graph, const std::vector<ModuleRun>& runs, CallSites& sites,
                  const std::string& model, std::vector<Diagnostic>& notes) {
  for (const ModuleRun& run : runs) {
    if (run.recording->random().empty()) continue;
    notes.push_back({Severity::note,
                     "",
                     model + " uses chance (" + run.recording->random() + "): its recording was not replayed",
                     {},
                     ""});
    return;
  }
  for (const ModuleRun& run : runs) {
    const std::optional<Deviation> found = deviation(graph, run, sites);
    if (!found) continue;
    throw Error(
        "P607",
        "the operators that " + model + " called, called again" + sizes_text(run.sizes) +
            (found->why.empty() ? ", give another '" + run.output_names[found->result] + "' than forward did"
                                : ", fail (" + found->why + ")") +
            ": C++ code changes a tensor where no operator shows it",
        found->place,
        "use tensor operators on the thread that calls forward: another thread, and what is written "
        "through data_ptr or accessor, are not seen");
  }
}

}  // namespace onnxport
