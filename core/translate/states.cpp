#include "core/translate/states.h"

#include <algorithm>

#include "core/translate/translator.h"

namespace onnxport {
namespace {

constexpr int kMostRounds = 8;  // each opens a dim or a rank at least

bool is_own(const ir::Graph::KeptState& state) { return state.first && !state.input.empty(); }

const ir::Type* type_of_output(const ir::Graph& graph, const std::string& name) {
  const auto found = std::find(graph.output_names.begin(), graph.output_names.end(), name);
  const auto at = static_cast<size_t>(found - graph.output_names.begin());
  return at < graph.body().result_count() ? &graph.body().result(at)->type() : nullptr;
}

enum class Change { none, possible, certain };

// Takes `after` into the form, with which a call began.
Change widen(StateForm& form, const ir::Type& after) {
  if (!after.is_tensor() || !after.shape() || after.stands_for_complex() || form.type.rank() < 0)
    return Change::none;
  const bool begins_empty = is_empty_vector(form.type);
  if (after.dtype() != form.type.dtype() && !begins_empty) return Change::none;
  if (after.rank() != form.type.rank()) {
    if (!begins_empty || after.rank() < 2) return Change::none;
    ir::Shape shape = *after.shape();
    for (ir::Dim& dim : shape) {  // one call's batch is not the next one's
      if (!dim.is_constant()) dim = ir::Dim();
    }
    form.type = ir::Type::tensor(after.dtype(), std::move(shape));
    form.may_be_empty = true;
    return Change::certain;
  }
  Change out = after.dtype() == form.type.dtype() ? Change::none : Change::certain;
  ir::Shape shape = *form.type.shape();
  for (size_t i = 0; i < shape.size(); ++i) {
    const ir::Dim& next = (*after.shape())[i];
    if (shape[i].is_unknown() || shape[i] == next) continue;
    const bool open = next.is_unknown() || next.is_anonymous();  // it may be the same all the same
    out = std::max(out, open ? Change::possible : Change::certain);
    shape[i] = ir::Dim();
  }
  form.type = ir::Type::tensor(after.dtype(), std::move(shape));
  return out;
}

// Of all states, by what a call left behind.
Change widen(const ir::Graph& graph, const ir::Graph& translated, StateForms& forms) {
  Change out = Change::none;
  for (const ir::Graph::KeptState& state : graph.states) {
    const ir::Type* after = is_own(state) ? type_of_output(translated, state.output) : nullptr;
    if (after == nullptr) continue;
    const auto known = forms.find(state.input);
    StateForm form = known != forms.end() ? known->second : StateForm{state.first->type(), false, {}};
    const Change change = widen(form, *after);
    if (change == Change::none) continue;
    forms[state.input] = std::move(form);
    out = std::max(out, change);
  }
  return out;
}

StateForms first_forms(const ir::Graph& graph) {
  StateForms out;
  for (const ir::Graph::KeptState& state : graph.states) {
    if (is_own(state)) out[state.input] = {state.first->type(), false, state.first};
  }
  return out;
}

}  // namespace

const StateForm* find_state(const StateForms& forms, const ir::Graph& graph, std::string_view output) {
  for (const ir::Graph::KeptState& state : graph.states) {
    if (state.output != output) continue;
    const auto found = forms.find(state.input);
    return found == forms.end() || found->second.first ? nullptr : &found->second;
  }
  return nullptr;
}

// A model whose states have another shape after a call than before is translated again, for the shapes that later calls
// begin with too.
Translated translate(const ir::Graph& torch_graph, Registry& registry, const TranslateOptions& options) {
  StateForms forms;
  const auto translated = [&](const StateForms& begin) {
    return Translator(torch_graph, registry, options, begin).run();
  };
  if (options.dry_run || std::none_of(torch_graph.states.begin(), torch_graph.states.end(), is_own))
    return translated(forms);
  std::optional<Translated> now;
  std::optional<Error> failure;
  try {
    now = translated(forms);
  } catch (const Error& e) {
    failure = e;
  }
  // Where the numbers of the first call decide, what later ones begin with shows in what that leaves behind.
  try {
    if (failure) now = translated(first_forms(torch_graph));
  } catch (const Error&) {
    throw Error(*failure);
  }
  for (int round = 0; round < kMostRounds; ++round) {
    const Change change = widen(torch_graph, *now->graph, forms);
    if (change == Change::none && failure) throw Error(*failure);
    if (change == Change::none) break;
    try {
      now = translated(forms);
      failure.reset();
    } catch (const Error&) {
      if (change == Change::certain || failure) throw;
      break;  // as before, and what does not fit for certain is warned of
    }
  }
  return std::move(*now);
}

}  // namespace onnxport
