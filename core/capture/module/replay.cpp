#include "core/capture/module/replay.h"

#include <ATen/core/ivalue_inl.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>

#include "core/libtorch/convert.h"
#include "core/libtorch/interpret.h"
#include "core/libtorch/ivalue.h"
#include "core/libtorch/location.h"

namespace onnxport {
namespace {

bool same_values(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  if (!a.is_floating_point() && !a.is_complex()) return a.equal(b);
  const bool low = a.scalar_type() == at::kHalf || a.scalar_type() == at::kBFloat16;
  return at::allclose(a.to(at::kDouble), b.to(at::kDouble), low ? 1e-2 : 1e-4, low ? 1e-3 : 1e-5, true);
}

std::string sizes_text(const Sizes& sizes) {
  std::string out;
  for (const auto& [symbol, size] : sizes)
    out += (out.empty() ? "" : ", ") + symbol + "=" + std::to_string(size);
  return out.empty() ? "" : " at " + out;
}

}  // namespace

void check_replay(const ir::Graph& graph, const std::vector<ModuleRun>& runs, const std::string& model,
                  std::vector<Diagnostic>& notes) {
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
    std::vector<Argument> inputs;
    for (const at::Tensor& input : run.originals) inputs.push_back({from_torch(input.clone())});
    const std::vector<Argument> outputs = evaluate_graph(graph, inputs, {}, {});
    for (size_t i = 0; i < run.outputs.size(); ++i) {
      const c10::IValue given = i < outputs.size() ? to_ivalue(outputs[i]) : c10::IValue();
      if (given.isTensor() && same_values(run.outputs[i].cpu(), given.toTensor())) continue;
      throw Error("P607",
                  "the recording of " + model + ", replayed" + sizes_text(run.sizes) + ", gives another '" +
                      run.output_names[i] + "' than forward: something happens that no operator does",
                  {},
                  "do it with tensor operators on this thread; other threads and writes through pointers are "
                  "not seen");
    }
  }
}

}  // namespace onnxport
