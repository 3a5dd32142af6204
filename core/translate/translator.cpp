#include "core/translate/translator.h"

#include <algorithm>

#include "core/ir/node_location.h"
#include "core/translate/run_time_list.h"
#include "onnxport/version.h"

namespace onnxport {

Translator::Translator(const ir::Graph& source, Registry& registry, const TranslateOptions& options,
                       const StateForms& states)
    : source_(source),
      registry_(registry),
      options_(options),
      target_(std::make_unique<ir::Graph>(ir::Graph::Dialect::onnx)),
      builder_(std::make_unique<GraphBuilder>(*target_, kPivotOpset)),
      inference_(registry),
      state_forms_(states) {
  builder_->set_operator_inference(&inference_);
  target_->opsets[""] = kPivotOpset;
  target_->symbols = source.symbols;
  target_->graph_name = source.graph_name;
  target_->metadata = source.metadata;
  target_->states = source.states;
}

Translated Translator::run() {
  translate_inputs();
  translate_block(source_.body());
  if (errors_.empty()) translate_results();
  if (!errors_.empty() && !options_.dry_run) throw Error(std::move(errors_));
  for (ir::Graph::KeptState& state : target_->states) {
    const auto form = state_forms_.find(state.input);
    if (form == state_forms_.end() || !state.first) continue;
    const ir::Type& type = form->second.type;
    if (form->second.may_be_empty || type.dtype() != state.first->dtype()) state.first = empty_tensor(type);
  }
  Translated out;
  for (const std::string& op : report_order_) out.operators.push_back(std::move(report_[op]));
  notes_.insert(notes_.end(), errors_.begin(), errors_.end());
  out.notes = std::move(notes_);
  builder_.reset();
  out.graph = std::move(target_);
  return out;
}

// ---- inputs and results ----

namespace {

// The ONNX form of an input's torch type: a complex tensor gains an axis of 2, a number is a 0-d tensor.
ir::Type onnx_type(const ir::Type& type) {
  using Kind = ir::Type::Kind;
  switch (type.kind()) {
    case Kind::integer:
      return ir::Type::tensor(ir::DType::i64, ir::Shape{});
    case Kind::real:
      return ir::Type::tensor(ir::DType::f32, ir::Shape{});
    case Kind::boolean:
      return ir::Type::tensor(ir::DType::boolean, ir::Shape{});
    default:
      break;
  }
  if (!type.is_tensor() || !ir::is_complex(type.dtype())) return type;
  const ir::DType part = type.dtype() == ir::DType::c128 ? ir::DType::f64 : ir::DType::f32;
  std::optional<ir::Shape> shape = type.shape();
  if (shape) shape->emplace_back(2);
  ir::Type out = ir::Type::tensor(part, std::move(shape));
  out.set_stands_for_complex(true);
  return out;
}

}  // namespace

void Translator::translate_inputs() {
  size_t i = 0;
  for (ir::Value* parameter : source_.body().parameters()) {
    const std::string name =
        i < source_.input_names.size() ? source_.input_names[i] : std::string(parameter->name().text());
    bindings_[parameter] = input_argument(*parameter, name);
    target_->input_names.push_back(name);
    ++i;
  }
}

Argument Translator::input_argument(const ir::Value& parameter, const std::string& name) {
  const auto state = state_forms_.find(name);
  if (state == state_forms_.end())
    return Argument::of(target_->add_input(name, onnx_type(parameter.type())), parameter.type().is_scalar());
  if (state->second.first) {  // of the first call alone
    target_->add_input(name, onnx_type(parameter.type()));
    return Argument::of(target_->add_initializer("", *state->second.first));
  }
  const StateForm& form = state->second;
  ir::Shape shape = *form.type.shape();
  for (ir::Dim& dim : shape) {
    if (dim.is_unknown() || form.may_be_empty) dim = builder_->fresh_dim();
  }
  ir::Value* value = target_->add_input(name, ir::Type::tensor(form.type.dtype(), std::move(shape)));
  return {GraphValue{value, false, false,
                     form.may_be_empty ? std::make_shared<const ir::Type>(form.type) : nullptr}};
}

// The values of a result, with their names: below `base` those of a list are counted, those of a dict called by their
// keys.
void Translator::flat_values(const Argument& bound, const std::string& base,
                             std::vector<std::pair<std::string, ir::Value*>>& out) {
  if (bound.list() == nullptr) {
    if (ir::Value* value = result_value(bound)) out.emplace_back(base.empty() ? "output" : base, value);
    return;  // an output that is None has no place in an ONNX graph
  }
  const std::span<const Argument> items = bound.items();
  if (bound.list()->form() == ArgumentList::Form::dict) {
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      const auto* text = items[i].as<std::string>();
      const auto number = items[i].to_int();
      if (text == nullptr && !number) {
        throw Error("T544",
                    "the result '" + (base.empty() ? "output" : base) +
                        "' is a dict whose keys are only known at run time",
                    {}, "return a tuple, or a dict that forward fills with constant keys");
      }
      const std::string key = text != nullptr ? *text : std::to_string(*number);
      flat_values(items[i + 1], base.empty() ? key : base + '.' + key, out);
    }
    return;
  }
  for (size_t i = 0; i < items.size(); ++i)
    flat_values(items[i], items.size() == 1 ? base : base + '.' + std::to_string(i), out);
}

// A list that the model returns as one: of numbers one 1-D tensor, of tensors, when its length is known at run time
// only, a Sequence.
Argument Translator::as_result(const Argument& result, const ir::Type& type) {
  if (type.kind() != ir::Type::Kind::list) return result;
  if (type.elements().at(0).is_scalar()) {
    if (result.value() != nullptr) return result;
    const ir::DType dtype = type.elements()[0].kind() == ir::Type::Kind::integer ? ir::DType::i64
                            : type.elements()[0].kind() == ir::Type::Kind::real  ? ir::DType::f32
                                                                                 : ir::DType::boolean;
    return Argument::of(as_run_time_list(result, ir::Type::tensor(dtype, ir::Shape{ir::Dim()}), *builder_));
  }
  const auto* value = result.as<GraphValue>();
  if (value == nullptr || !value->is_list) return result;
  return Argument::of(as_run_time_list(
      result, ir::Type::list(list_element(value->value->type()).value_or(ir::Type::tensor())), *builder_));
}

ir::Value* Translator::result_value(const Argument& bound) {
  const Argument present = as_present(bound);
  if (const auto* own = present.as<GraphValue>(); own != nullptr && own->later != nullptr)
    assume_present("the model returns it", {}, own->value);
  return materialize(present, *builder_);
}

// What one call hands to the next has the form in which it is taken.
void Translator::add_state_result(const Argument& result, const std::string& name, const StateForm& form,
                                  std::vector<std::pair<std::string, ir::Value*>>& out) {
  ir::Value* value = materialize(result, *builder_);
  const bool other = value != nullptr &&
                     (value->type().rank() != form.type.rank() || value->type().dtype() != form.type.dtype());
  if (other && is_empty_vector(value->type())) value = builder_->constant(empty_tensor(form.type));
  if (value != nullptr) out.emplace_back(name, value);
}

void Translator::refuse_rank(const std::string& result, const ir::Value* value) {
  std::string hint = rank_hint(value);
  if (hint.empty())
    hint = "let both branches of an if, and every iteration of a loop, give tensors of one rank";
  errors_.push_back({Severity::error,
                     "T513",
                     "the rank of the result '" + result +
                         "' is only known at run time, and an output of an ONNX model must state one",
                     {},
                     std::move(hint)});
}

void Translator::translate_results() {
  builder_->insert_at_end(target_->body());
  builder_->set_provenance(nullptr);
  std::vector<ir::Value*> results;
  std::vector<std::string> names;
  std::unordered_set<const ir::Value*> seen;
  for (size_t i = 0; i < source_.body().result_count(); ++i) {
    const ir::Value* source = source_.body().result(i);
    const Argument b = refined(bound(source), source->type());
    const std::string base =
        i < source_.output_names.size() ? source_.output_names[i] : "output_" + std::to_string(i);
    if (b.is_maybe() || b.is_unset()) {
      errors_.push_back({Severity::error,
                         "T513",
                         "the result '" + base + "' is None or a value, as run time decides",
                         {},
                         "return a tensor in both cases, and a flag beside it"});
      continue;
    }
    std::vector<std::pair<std::string, ir::Value*>> values;
    const StateForm* state = find_state(state_forms_, source_, base);
    if (state != nullptr) {
      add_state_result(b, base, *state, values);
    } else {
      flat_values(as_result(b, source->type()), base, values);
    }
    for (auto& [name, v] : values) {
      if (const auto untyped = untyped_.find(v); untyped != untyped_.end()) {
        errors_.push_back({Severity::error,
                           "T511",
                           "the element type of the result '" + name + "' is not known",
                           {},
                           untyped->second});
      } else if (v->type().is_tensor() && !v->type().shape()) {
        refuse_rank(name, v);
      }
      // A result must be computed by a node, and by one each: ONNX names values, not positions.
      if (v->producer() == nullptr || !seen.insert(v).second) v = builder_->emit1("Identity", {v});
      seen.insert(v);
      results.push_back(v);
      names.push_back(name);
    }
  }
  if (results.empty() && errors_.empty() && source_.body().result_count() > 0) {
    errors_.push_back({Severity::error,
                       "T544",
                       "what the model returns holds nothing: a file would have no results",
                       {},
                       "return a tensor that is there at the sizes of the inputs given"});
  }
  target_->body().set_results(results);
  target_->output_names = std::move(names);
}

// ---- the walk ----

namespace {

// Of a namespace that neither torch nor TorchScript itself defines.
bool is_custom(std::string_view op) {
  return op.find("::") != std::string_view::npos && !op.starts_with("aten::") && !op.starts_with("prim::");
}

}  // namespace

void Translator::translate_block(const ir::Block& block) {
  for (ir::Node* node : block) {
    if (reads_poison(*node)) {
      // Still asked for: an unknown operator behind another failure is reported in the same run.
      if (is_custom(node->op_text()) &&
          registry_.candidates(node->op_text(), options_.target_opset).empty()) {
        report_unmapped(*node);
      }
      poison(*node);
      continue;
    }
    try {
      translate_node(*node);
      learn_at_absence(*node);
    } catch (const Error& e) {
      for (Diagnostic d : e.diagnostics()) {
        if (d.code == "T519" && !poisoned_.empty()) continue;  // of a block: what it wants was reported
        // A place that is no more than an operator's name is a part of the call the model makes.
        if (d.place.file.empty() && d.place.source.empty() && d.place.module_path.empty())
          d.place = location_of(*node);
        if (outer_ != nullptr) d.message = "in " + subject(*node) + ": " + d.message;
        errors_.push_back(std::move(d));
      }
      poison(*node);
    }
    for (const ir::Value* v : node->outputs()) {
      if (!bindings_.contains(v) && !poisoned_.contains(v)) {
        fail(*node, "T519", "its result was not bound",
             "this is a defect of onnxport: please report the model");
        break;
      }
    }
  }
}

const ir::Schema* Translator::schema_of(ir::Node& node) {
  if (node.schema() != nullptr) return node.schema();
  return source_.find_schema(node.op_text());
}

void Translator::translate_node(ir::Node& node) {
  const ir::Provenance* p = (outer_ != nullptr ? *outer_ : node).provenance();
  if (p != nullptr) {
    const ir::Provenance*& kept = provenances_[p];
    if (kept == nullptr) kept = target_->keep(*p);
    builder_->set_provenance(kept);
  }
  if (node.op() == "prim::If") return translate_if(node);
  if (node.op() == "prim::Loop") return translate_loop(node);
  if (node.op() == "prim::Scan") return translate_scan(node);
  if (translate_structure(node) || translate_query(node)) return;

  std::vector<Argument> arguments = arguments_of(node);
  if (leave_unset(node, arguments, false) || is_none_at_run_time(node, arguments)) return;
  refine_arguments(node, arguments);
  if (evaluate(node, arguments) || leave_unset(node, arguments, true)) return;
  settle_empties(node, arguments);
  if (translate_list(node, arguments)) return;

  std::vector<Refusal> refusals;
  if (try_candidates(node, arguments, refusals)) return;
  const bool failed = !refusals.empty() && refusals.back().failed;
  if (!failed && decompose(node, arguments, refusals)) return;
  if (refusals.empty()) return report_unmapped(node);
  refuse(node, refusals);
}

std::string Translator::subject(const ir::Node& node) const {
  return (outer_ == nullptr ? "operator " : "its part ") + std::string(node.op_text());
}

// A failure that has a code of its own keeps it; one without is the plugin's word that this cannot be exported.
void Translator::refuse(ir::Node& node, const std::vector<Refusal>& refusals) {
  const Refusal& last = refusals.back();
  std::vector<std::string> reasons;
  std::string message =
      subject(node) + (last.failed ? " cannot be exported: " : " is not supported as called: ");
  std::string code = last.failed ? "T503" : "T502";
  std::string hint;
  for (const Refusal& refusal : refusals) {
    if (!reasons.empty()) message += "; ";
    reasons.push_back(refusal.text());
    message += reasons.back();
    if (!refusal.cause.hint.empty()) hint = refusal.cause.hint;
    if (!refusal.cause.code.empty() && refusal.failed == last.failed) code = refusal.cause.code;
  }
  if (hint.empty()) hint = untyped_hint(arguments_of(node));
  if (hint.empty()) hint = rank_hint(arguments_of(node));
  if (hint.empty()) {
    hint = (last.failed ? "check that the model takes inputs of the types given; " : "") +
           std::string("onnxport plugin which ") + std::string(node.op_text()) + " --opset " +
           std::to_string(options_.target_opset) + " shows who maps it";
  }
  count(node, "", std::move(reasons));
  fail(node, code, std::move(message), std::move(hint));
}

void Translator::report_unmapped(ir::Node& node) {
  count(node, "");
  std::string hint;
  const std::vector<std::string> near = registry_.similar(node.op_text());
  if (!near.empty()) hint = "mapped names that are near: " + near.front() + "; ";
  hint += "a plugin can map it, see " + manual_page("plugins.md");
  std::string what = subject(node) + " is not mapped by any plugin";
  if (const std::string elsewhere = registry_.other_opsets(node.op_text()); !elsewhere.empty()) {
    what += " at opset " + std::to_string(options_.target_opset) + ": " + elsewhere;
    hint = "export at such an opset";
  }
  fail(node, "T501", std::move(what), std::move(hint));
}

bool Translator::try_candidates(ir::Node& node, const std::vector<Argument>& arguments,
                                std::vector<Refusal>& refusals) {
  for (const Candidate& candidate : registry_.candidates(node.op_text(), options_.target_opset)) {
    Call call;
    call.schema = schema_of(node);
    call.classes = &registry_.custom_classes();
    call.name = node.op_text();
    call.arguments = arguments;
    call.outputs = node.outputs();
    call.target_opset = options_.target_opset;
    call.training = options_.training;
    Outcome outcome = run_mapping(candidate, call, *builder_, registry_);
    for (Diagnostic& note : outcome.notes) {
      note.place = location_of(node);
      notes_.push_back(std::move(note));
    }
    if (outcome.status == Outcome::Status::done) {
      take_results(node, candidate, std::move(outcome.results));
      if (node.op_text() == "aten::squeeze" || node.op_text() == "aten::squeeze_copy")
        assume_rank(node, arguments);
      count(node, candidate.plugin_id);
      return true;
    }
    const bool failed = outcome.status == Outcome::Status::failed;
    if (!failed && outcome.cause.message.empty()) continue;  // not made for such a call
    refusals.push_back({candidate.plugin_id, std::move(outcome.cause), failed});
    if (failed) return false;
  }
  return false;
}

void Translator::take_results(ir::Node& node, const Candidate& candidate, std::vector<Argument> results) {
  // One list for an operator that gives several tensors.
  if (results.size() == 1 && node.output_count() > 1 && results[0].list() != nullptr)
    results = {results[0].items().begin(), results[0].items().end()};
  // What the program takes as so many tensors is that many, though the mapping gives a list of run-time length.
  ir::Value* list = results.size() == 1 ? results[0].value() : nullptr;
  if (list != nullptr && is_sequence(*list) && node.output(0)->type().is_tensor()) {
    results.clear();
    for (size_t i = 0; i < node.output_count(); ++i)
      results.push_back(
          Argument::of(list_item(list, builder_->constant(static_cast<int64_t>(i)), *builder_)));
  }
  results.resize(node.output_count());
  for (size_t i = 0; i < results.size(); ++i) {
    if (ir::Value* value = results[i].value(); value != nullptr) {
      refine(*value, node.output(i)->type());
      if (candidate.manifest != nullptr && value->type().is_tensor() &&
          value->type().dtype() == ir::DType::undefined)
        untyped_[value] =
            "the mapping of " + candidate.manifest->torch_op + " at " + candidate.manifest->place.text() +
            " does not say the type of its result: add a line like `result: {like: ARGUMENT}` or "
            "`result: {dtype: f32, shape: [ARGUMENT.0, 8]}` there";
    }
    bind(node.output(i), std::move(results[i]));
  }
  check_result_types(node, candidate);
}

std::string Translator::untyped_hint(std::span<const Argument> arguments) const {
  for (const Argument& argument : arguments) {
    if (const auto found = untyped_.find(argument.value()); found != untyped_.end()) return found->second;
    if (std::string inside = untyped_hint(argument.items()); !inside.empty()) return inside;
  }
  return {};
}

// ---- bindings ----

const Argument& Translator::bound(const ir::Value* value) {
  const auto found = bindings_.find(value);
  if (found != bindings_.end()) return found->second;
  if (value->is_constant()) {
    return bindings_[value] = Argument::of(initializer(*value));
  }
  throw Error("T519", "value '" + std::string(value->name().text()) + "' is used before it is computed", {},
              "this is a defect of onnxport: please report the model");
}

Argument Translator::argument_of(const ir::Node& node, size_t operand) {
  return node.operand(operand) == nullptr ? Argument{} : as_present(bound(node.operand(operand)));
}

std::vector<Argument> Translator::arguments_of(const ir::Node& node) {
  std::vector<Argument> out;
  out.reserve(node.operand_count());
  for (size_t i = 0; i < node.operand_count(); ++i) out.push_back(argument_of(node, i));
  return out;
}

ir::Value* Translator::initializer(const ir::Value& source) {
  ir::Value*& made = initializers_[&source];
  if (made != nullptr) return made;
  const ir::Tensor& tensor = *source.constant();
  if (!ir::is_complex(tensor.dtype())) return made = target_->add_initializer(source.name().text(), tensor);
  // A complex weight is the same bytes, seen as pairs.
  std::vector<int64_t> dims = tensor.dims(), strides = tensor.strides();
  dims.push_back(2);
  for (int64_t& stride : strides) stride *= 2;
  strides.push_back(1);
  const ir::DType part = tensor.dtype() == ir::DType::c128 ? ir::DType::f64 : ir::DType::f32;
  const auto owner = std::make_shared<ir::Tensor>(tensor);
  made = target_->add_initializer(
      source.name().text(),
      ir::Tensor::strided(part, std::move(dims), std::move(strides), tensor.extent(), owner, tensor.file()));
  ir::Type type = made->type();
  type.set_stands_for_complex(true);
  made->set_type(std::move(type));
  return made;
}

Argument Translator::settled(Argument bound, const ir::Type& type) {
  ir::Value* value = bound.value();
  if (value == nullptr || !type.is_scalar()) return bound;
  bound = Argument::of(value, true);
  const ir::Tensor* constant = value->constant();
  if (constant == nullptr || constant->count() != 1) return bound;
  if (const auto ints = constant->to_ints()) {
    switch (type.kind()) {
      case ir::Type::Kind::boolean:
        return {(*ints)[0] != 0};
      case ir::Type::Kind::real:
        return {static_cast<double>((*ints)[0])};
      default:
        return {(*ints)[0]};
    }
  }
  if (const auto reals = constant->to_reals()) {
    // A double that went through f32 must not come back with other digits: only f64 constants are numbers
    // again.
    if (constant->dtype() == ir::DType::f64 ||
        static_cast<double>(static_cast<float>((*reals)[0])) == (*reals)[0]) {
      return {(*reals)[0]};
    }
  }
  return bound;
}

// A program records the type of every value: a size that inference leaves open has its name, or its number,
// there. A recorded number also stands for an expression that did not fold to it.
void Translator::refine(ir::Value& value, const ir::Type& recorded) {
  const ir::Type& own = value.type();
  // A node of a custom domain, of which nobody says more.
  if (decompose_depth_ == 0 && own.is_tensor() && own.dtype() == ir::DType::undefined &&
      recorded.is_tensor() && !ir::is_complex(recorded.dtype()))
    return value.set_type(recorded);
  if (decompose_depth_ > 0 || value.is_constant() || !recorded.is_tensor() || !recorded.shape() ||
      own.stands_for_complex() || own.dtype() != recorded.dtype()) {
    return;
  }
  if (own.rank() < 0) return value.set_type(recorded);
  if (own.rank() != recorded.rank()) return;
  ir::Shape shape = *own.shape();
  for (size_t i = 0; i < shape.size(); ++i) {
    const ir::Dim& dim = (*recorded.shape())[i];
    const bool open =
        shape[i].is_unknown() || shape[i].is_anonymous() || (dim.is_constant() && !shape[i].is_constant());
    if (open && !dim.is_unknown() && !dim.is_anonymous()) shape[i] = dim;
  }
  value.set_type(ir::Type::tensor(own.dtype(), std::move(shape)));
}

void Translator::bind(const ir::Value* value, Argument bound) {
  bindings_[value] = settled(std::move(bound), value->type());
}

// ---- failures and the report ----

Location Translator::location_of(const ir::Node& node) const {
  return ir::location_of(outer_ != nullptr ? *outer_ : node);
}

void Translator::fail(ir::Node& node, std::string_view code, std::string message, std::string hint) {
  errors_.push_back(
      {Severity::error, std::string(code), std::move(message), location_of(node), std::move(hint)});
  poison(node);
}

void Translator::poison(ir::Node& node) {
  for (ir::Value* v : node.outputs()) poisoned_.insert(v);
}

bool Translator::reads_poison(const ir::Node& node) const {
  if (poisoned_.empty()) return false;
  for (size_t i = 0; i < node.operand_count(); ++i) {
    if (node.operand(i) != nullptr && poisoned_.contains(node.operand(i))) return true;
  }
  return false;
}

void Translator::count(const ir::Node& node, const std::string& plugin, std::vector<std::string> reasons) {
  if (decompose_depth_ > 0) return;  // the call that was split is what the user knows
  const std::string op(node.op_text());
  auto [at, fresh] = report_.try_emplace(op);
  OperatorReport& r = at->second;
  if (fresh) {
    r.torch_op = op;
    r.plugin = plugin;
    report_order_.push_back(op);
  }
  ++r.count;
  if (plugin.empty()) r.plugin.clear();  // one call that nobody takes makes the operator unsupported
  for (std::string& reason : reasons) {
    if (std::find(r.reasons.begin(), r.reasons.end(), reason) == r.reasons.end())
      r.reasons.push_back(std::move(reason));
  }
}

namespace {

// Shapes that cannot be one: of other ranks, or with other numbers.
bool differ(const ir::Type& a, const ir::Type& b) {
  if (!a.shape() || !b.shape()) return false;
  if (a.rank() != b.rank()) return true;
  for (size_t i = 0; i < a.shape()->size(); ++i) {
    const ir::Dim& x = (*a.shape())[i];
    const ir::Dim& y = (*b.shape())[i];
    if (x.is_constant() && y.is_constant() && x.value() != y.value()) return true;
  }
  return false;
}

}  // namespace

void Translator::check_result_types(const ir::Node& node, const Candidate& candidate) {
  for (ir::Value* v : node.outputs()) {
    if (!v->type().is_tensor() || v->type().dtype() == ir::DType::undefined) continue;
    const auto found = bindings_.find(v);
    if (found == bindings_.end() || found->second.value() == nullptr) continue;
    const ir::Type& made = found->second.value()->type();
    if (made.stands_for_complex() || !made.is_tensor()) continue;
    const bool same_dtype = made.dtype() == v->type().dtype();
    if (same_dtype && !differ(made, v->type())) continue;
    const auto text = [&](const ir::Type& type) {
      return same_dtype ? type.text() : std::string(ir::short_name(type.dtype()));
    };
    const std::string where = candidate.manifest == nullptr ? "" : " at " + candidate.manifest->place.text();
    throw Error(
        "T511", candidate.plugin_id + " gives " + text(made) + " where the model records " + text(v->type()),
        location_of(node),
        "the mapping" + where + " does not give the type that torch does: correct it, or report it to " +
            candidate.plugin_id + "'s publisher");
  }
}

}  // namespace onnxport
