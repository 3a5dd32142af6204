// What a model writes beyond its results: its own buffers, attributes of its modules, tensors of its caller.
#include <algorithm>

#include "core/ir/node_location.h"
#include "core/prepare/functionalize.h"

namespace onnxport {
namespace {

constexpr std::string_view kOptions =
    "--state io makes it an input and an output of the file, --state drop leaves the writes out";

// Where all that it holds are tensors.
constexpr std::string_view kContainerOptions =
    "--state io makes each of its tensors an input and an output of the file, "
    "--state drop leaves the writes out";

constexpr std::string_view kOtherContainerOptions =
    "keep each tensor and number in it in an attribute of its own, which --state io carries from call to "
    "call, or leave the writes out with --state drop";

// Of a list or dict that a module holds.
std::string_view container_options(const ir::Node& made) {
  const bool dict = made.op() == "prim::DictConstruct";
  bool all = dict || made.op() == "prim::ListConstruct";
  for (size_t i = dict ? 1 : 0; i < made.operand_count(); i += dict ? 2 : 1) {
    all = all && made.operand(i)->is_constant() && made.operand(i)->type().is_tensor();
  }
  return all ? kContainerOptions : kOtherContainerOptions;
}

std::string described(const ir::Value& state) {
  const std::string name = '\'' + std::string(state.name().text()) + '\'';
  return state.is_constant() ? "its own state " + name : "its input " + name;
}

std::string unused(const std::vector<std::string>& taken, std::string name) {
  while (std::find(taken.begin(), taken.end(), name) != taken.end()) name += ".state";
  return name;
}

bool is_number(const ir::Value* value) {
  using Kind = ir::Type::Kind;
  const Kind kind = value == nullptr ? Kind::unknown : value->type().kind();
  return kind == Kind::integer || kind == Kind::real || kind == Kind::boolean;
}

}  // namespace

void Functionalizer::note_state(const ir::Node& node, ir::Value& state) {
  const bool known = std::any_of(written_states_.begin(), written_states_.end(),
                                 [&](const auto& entry) { return entry.first == &state; });
  if (known) return;
  written_states_.emplace_back(&state, nullptr);
  if (handling_ == State::io) return;
  Diagnostic d;
  d.code = "T521";
  d.place = location_of(node);
  // A written input changes nothing of the results: an ONNX graph never writes its caller's tensors.
  if (handling_ == State::error && state.is_constant()) {
    d.message = "the model writes " + described(state) + ", which an ONNX graph does not do by itself";
    d.hint = kOptions;
    errors_.push_back(std::move(d));
    return;
  }
  d.severity = Severity::note;
  d.message =
      state.is_constant()
          ? "the model writes " + described(state) + "; the file keeps its first value from call to call"
          : "the model writes " + described(state) +
                "; the file computes with a copy and leaves its caller's tensor alone";
  d.hint = "--state io makes it an input and an output of the file";
  notes_.push_back(std::move(d));
}

// prim::SetAttr: `self.steps = self.steps + 1` of a module that holds the tensor `steps`.
void Functionalizer::write_attribute(ir::Node& node) {
  const auto* name = node.attribute_as<std::string>("name");
  const auto found = std::find_if(graph_.initializers().begin(), graph_.initializers().end(),
                                  [&](const ir::Value* v) { return name != nullptr && v->name() == *name; });
  if (found != graph_.initializers().end()) {
    note_state(node, **found);
    // What it is in the end is read then: it may be written in place after this.
    for (auto& [state, set] : written_states_) {
      if (state == *found) set = node.operand(0);
    }
    if (handling_ == State::io && (depth_ > 0 || node.operand(0) == nullptr)) {
      fail(node, "the attribute '" + *name + "' is set in a branch or a loop",
           "write to the buffer in place, for example with copy_, so that it can be an output");
    }
    return;
  }
  const std::string what = name == nullptr ? "an attribute of a module" : "the attribute '" + *name + '\'';
  Diagnostic d;
  d.code = "T521";
  d.place = location_of(node);
  if (handling_ == State::drop) {
    d.severity = Severity::note;
    d.message = "the model sets " + what + "; the file keeps its first value from call to call";
    d.hint = is_number(node.operand(0)) ? "--state io makes it an input and an output of the file"
                                        : "return the new value to carry it from call to call";
    notes_.push_back(std::move(d));
  } else {
    d.message = "the model sets " + what + ", which is no tensor it holds";
    const ir::Value* set = node.operand(0);
    using Kind = ir::Type::Kind;
    const Kind kind = set == nullptr ? Kind::unknown : set->type().kind();
    const bool holds_many =
        kind == Kind::list || kind == Kind::tuple || kind == Kind::dict || kind == Kind::optional;
    d.hint = handling_ == State::error && (is_number(set) || kind == Kind::tensor) ? kOptions
             : holds_many ? "keep each of its tensors in an attribute of its own, which --state io carries "
                            "from call to call, or "
                            "leave the write out with --state drop"
                          : "register it as a buffer to carry it from call to call, or leave the write out "
                            "with --state drop";
    errors_.push_back(std::move(d));
  }
}

bool Functionalizer::is_held(const Storage& container) const {
  const ir::Node* made = container.origin->producer();
  return made != nullptr && made->attribute("attribute") != nullptr;
}

void Functionalizer::note_container(const ir::Node& node, Storage& container) {
  const bool keeps_length = operator_base_name(node.op_text()) == "aten::_set_item";
  const auto known = std::find_if(written_containers_.begin(), written_containers_.end(),
                                  [&](const auto& written) { return written.container == &container; });
  if (known == written_containers_.end()) {
    written_containers_.push_back({&container, location_of(node), keeps_length});
  } else {
    known->keeps_length = known->keeps_length && keeps_length;
  }
}

// What is said of a container that is not carried from call to call.
void Functionalizer::tell_of(const WrittenContainer& written) {
  const ir::Node& made = *written.container->origin->producer();
  Diagnostic d;
  d.code = "T521";
  d.place = written.place;
  d.hint = written.keeps_length ? container_options(made) : kOtherContainerOptions;
  d.message = "the model changes its own '" + *made.attribute_as<std::string>("attribute") + '\'';
  if (handling_ == State::error) {
    d.message += ", which an ONNX graph does not do by itself";
    errors_.push_back(std::move(d));
    return;
  }
  d.severity = Severity::note;
  d.message += "; the file keeps what is in it at first from call to call";
  notes_.push_back(std::move(d));
}

// The tensors that a list or dict of a module has other than at first are states of their own; all of them, where a list
// is changed in branches or at places that a run knows.
void Functionalizer::collect_changed(const WrittenContainer& written, NodeMaker& make) {
  Storage& container = *written.container;
  const ir::Node& made = *container.origin->producer();
  const bool dict = made.op() == "prim::DictConstruct";
  const bool list = made.op() == "prim::ListConstruct";
  const auto& elements = container.state.elements;
  bool fits = dict || list;
  if (fits) fits = elements ? elements->size() == made.operand_count() : list && written.keeps_length;
  ir::Value* const whole = fits && !elements ? read(container.origin, make) : nullptr;
  for (size_t i = 0; fits && i < made.operand_count(); ++i) {
    if (elements && (*elements)[i] == made.operand(i)) continue;
    ir::Value* first = made.operand(i);
    fits = (!dict || i % 2 == 1) && first->is_constant() && first->type().is_tensor();
    if (!fits) break;
    ir::Value* last = elements ? (*elements)[i] : nullptr;
    if (last == nullptr) {
      ir::Value* operands[] = {whole, make.integer(static_cast<int64_t>(i))};
      last = make.call("aten::__getitem__.t(t[](a) list, int idx) -> t(*)", operands, first->type());
    }
    const auto known = std::find_if(written_states_.begin(), written_states_.end(),
                                    [&](const auto& entry) { return entry.first == first; });
    if (known == written_states_.end()) {
      written_states_.emplace_back(first, last);
    } else {
      known->second = last;
    }
  }
  if (fits) return;
  Diagnostic d;
  d.code = "T521";
  d.place = written.place;
  d.message = "the model changes its own '" + *made.attribute_as<std::string>("attribute") +
              "' in its length or in other things than tensors, and goes on with that from call to call";
  d.hint = kOtherContainerOptions;
  errors_.push_back(std::move(d));
}

// Its value after the call is a result.
ir::Graph::KeptState Functionalizer::hand_out(ir::Value& state, ir::Value* contents) {
  ir::Graph::KeptState kept;
  kept.output = unused(graph_.output_names, std::string(state.name().text()) + ".out");
  graph_.body().add_result(contents);
  graph_.output_names.push_back(kept.output);
  return kept;
}

// An input of the model is there already; a buffer becomes one, whose default is the value it has now.
void Functionalizer::take_in(ir::Value& state, ir::Graph::KeptState& kept) {
  const std::string name(state.name().text());
  if (!state.is_constant()) {
    kept.input = graph_.input_names[state.index()];
    return;
  }
  kept.buffer = name;
  kept.first = *state.constant();
  if (!state.has_uses()) return;
  kept.input = unused(graph_.input_names, name);
  ir::Value* parameter = graph_.add_input(kept.input, state.type());
  graph_.input_names.push_back(kept.input);
  state.replace_all_uses_with(parameter);
}

// All results first: what one state becomes may be what another was.
void Functionalizer::finish_states(NodeMaker& make) {
  if (handling_ != State::io) {
    for (const WrittenContainer& written : written_containers_) tell_of(written);
    return;
  }
  if (!errors_.empty()) return;
  for (const WrittenContainer& written : written_containers_) collect_changed(written, make);
  if (!errors_.empty()) return;
  std::vector<ir::Graph::KeptState> kept;
  for (const auto& [state, set] : written_states_)
    kept.push_back(hand_out(*state, read(set != nullptr ? set : state, make)));
  for (size_t i = 0; i < kept.size(); ++i) {
    take_in(*written_states_[i].first, kept[i]);
    graph_.states.push_back(std::move(kept[i]));
  }
}

}  // namespace onnxport
