#include "core/session/kept_states.h"

#include <algorithm>

namespace onnxport {
namespace {

enum class Fit { always, sometimes, never };

// Whether values of the type `next` are values of the type `input`.
Fit fit(const ir::Type& next, const ir::Type& input) {
  if (!next.is_tensor() || !input.is_tensor()) return Fit::always;  // said elsewhere
  if (next.dtype() != input.dtype() && next.dtype() != ir::DType::undefined) return Fit::never;
  if (!next.shape() || !input.shape()) return Fit::always;
  if (next.shape()->size() != input.shape()->size()) return Fit::never;
  Fit out = Fit::always;
  for (size_t i = 0; i < next.shape()->size(); ++i) {
    const ir::Dim& given = (*next.shape())[i];
    const ir::Dim& taken = (*input.shape())[i];
    if (!taken.is_constant()) continue;
    if (!given.is_constant()) {
      out = Fit::sometimes;
    } else if (given.value() != taken.value()) {
      return Fit::never;
    }
  }
  return out;
}

}  // namespace

std::vector<Diagnostic> check_states(const ir::Graph& graph) {
  std::vector<Diagnostic> out;
  for (const ir::Graph::KeptState& state : graph.states) {
    const auto input = std::find(graph.input_names.begin(), graph.input_names.end(), state.input);
    const auto output = std::find(graph.output_names.begin(), graph.output_names.end(), state.output);
    if (input == graph.input_names.end() || output == graph.output_names.end()) continue;
    const auto parameter = static_cast<size_t>(input - graph.input_names.begin());
    const auto result = static_cast<size_t>(output - graph.output_names.begin());
    const ir::Type& taken = graph.body().parameters()[parameter]->type();
    const ir::Type& next = graph.body().result(result)->type();
    const Fit found = fit(next, taken);
    if (found == Fit::always) continue;
    out.push_back({found == Fit::never ? Severity::error : Severity::warning,
                   "T548",
                   "the state '" + state.input + "' is " + taken.text() + " before the call and " +
                       next.text() + " after it" +
                       (found == Fit::never ? ", so that no call can go on where another ended" : ""),
                   {},
                   state.first ? "give the module a first value of the later shape before it is saved"
                               : "declare its dims dynamic with --input"});
  }
  return out;
}

}  // namespace onnxport
