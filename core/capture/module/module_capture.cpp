#include <ATen/core/ivalue_inl.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "core/capture/module/examples.h"
#include "core/capture/module/module_graph.h"
#include "core/capture/module/replay.h"
#include "core/capture/module/size_plan.h"
#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"
#include "core/libtorch/warnings.h"
#include "core/torch_interface/live_model.h"
#include "onnxport/callable.h"

namespace onnxport {
namespace {

struct Input {
  std::string name;
  at::Tensor example;
  ir::Shape dims;  // as asked for; static ones are the example's
};

// Back to the mode and the contents that the model had.
class Mode {
 public:
  Mode(const Callable& model, const CaptureOptions& options) {
    if (model.set_mode && !options.preserve_mode) restore_ = model.set_mode(options.training);
  }
  ~Mode() {
    if (restore_) restore_();
  }
  Mode(const Mode&) = delete;
  Mode& operator=(const Mode&) = delete;

 private:
  std::function<void()> restore_;
};

// What forward is given: the examples' values or others. Whole numbers may have to stay, in any order or as they are.
enum class Values : uint8_t { given, other, other_and_rolled, other_reals, few, flipped };

class ModuleCapture {
 public:
  ModuleCapture(const Callable& model, const CaptureOptions& options)
      : model_(model), options_(options), state_(model.tensors) {}

  Captured run() {
    const c10::AutoGradMode no_gradients(false);
    const Mode mode(model_, options_);
    bind();
    Captured out;
    try {
      record_all();
      out.graph = new_graph();
      ModuleGraph(*out.graph, runs_, state_, sites_, model_.name, out.notes).build();
    } catch (const Error& error) {
      if (error.diagnostics().front().code.starts_with("P60") && runs_.size() > 1) check_again();
      throw;
    }
    ir::Graph& graph = *out.graph;
    graph.remove_unused_initializers();
    for (const std::string& note : notes_) out.notes.push_back({Severity::note, "", note, {}, ""});
    if (const std::string& assumed = runs_[0].recording->assumed(); !assumed.empty())
      out.notes.push_back({Severity::note, "", assumed, {}, ""});
    state_conditions(graph, out.notes);
    check_replay(graph, runs_, sites_, model_.name, out.notes);
    if (plan_ && runs_[0].recording->random().empty()) {
      check_more_sizes(graph);
      check_ones(graph, out.notes);
    }
    return out;
  }

 private:
  std::unique_ptr<ir::Graph> new_graph() const {
    auto graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::torch);
    graph->symbols = options_.symbols;
    for (const auto& [symbol, size] : base_) graph->symbols[symbol].hint = size;
    for (const Input& input : inputs_) {
      graph->add_input(input.name, ir::Type::tensor(to_dtype(input.example.scalar_type()), input.dims));
      graph->input_names.push_back(input.name);
    }
    return graph;
  }

  // Throws Error P606 when forward does something else although sizes and values are those of the first run: then it is neither
  // that the runs differ by.
  void check_again() {
    std::vector<ModuleRun> two;
    two.push_back(record_again());
    two.insert(two.begin(), std::move(runs_[0]));
    const std::unique_ptr<ir::Graph> graph = new_graph();
    std::vector<Diagnostic> notes;
    ModuleGraph(*graph, two, state_, sites_, model_.name, notes).build();
  }

  ModuleRun record_again() {
    try {
      return record(base_, Values::given);
    } catch (const Error& error) {
      const Diagnostic& said = error.diagnostics().front();
      if (said.code != "P602") throw;
      throw Error("P606", model_.name + " does something else when it is called again: " + said.message,
                  said.place, kKeptHint);
    }
  }

  // ---- inputs ----

  void bind() {
    for (const c10::IValue& example : model_.examples) {
      const std::string name = model_.examples.size() == 1
                                   ? "input"
                                   : "input_" + std::to_string(&example - model_.examples.data());
      for_each_tensor(example, name, [&](const at::Tensor& tensor, const std::string& own) {
        inputs_.push_back({own, tensor, {}});
      });
    }
    if (inputs_.empty())
      throw refuse("there is no tensor among the examples", "give forward's arguments as examples");
    std::vector<const InputSpec*> asked;
    for (const InputSpec& spec : options_.inputs) {
      if (spec.fixed)
        throw refuse(
            "'" + spec.name + "' is given a value in the inputs",
            "give the value as an example; the inputs describe the tensors of the examples, in order");
      asked.push_back(&spec);
    }
    if (asked.size() > inputs_.size())
      throw refuse(std::to_string(asked.size()) + " inputs are described, and the examples hold " +
                       std::to_string(inputs_.size()) + (inputs_.size() == 1 ? " tensor" : " tensors"),
                   "describe each tensor of the examples, in order");
    for (size_t i = 0; i < inputs_.size(); ++i) bind(inputs_[i], i < asked.size() ? asked[i] : nullptr);
  }

  void bind(Input& input, const InputSpec* asked) {
    const at::IntArrayRef sizes = input.example.sizes();
    input.dims.assign(sizes.begin(), sizes.end());
    if (const std::string why = unsupported_kind(input.example); !why.empty())
      throw refuse("the example of '" + input.name + "' is " + why, "give a dense tensor");
    if (asked == nullptr) return;
    if (!asked->name.empty()) input.name = asked->name;
    if (!asked->type.is_tensor())
      throw refuse("'" + input.name + "' is a tensor in the examples", "describe it as f32[…]");
    if (asked->type.dtype() != to_dtype(input.example.scalar_type()))
      throw refuse("'" + input.name + "' is described as " + std::string(short_name(asked->type.dtype())) +
                       ", and is " + std::string(short_name(to_dtype(input.example.scalar_type()))) +
                       " in the examples",
                   "make the two agree: the file takes what the examples are");
    const auto& shape = asked->type.shape();
    if (!shape) return;
    if (shape->size() != sizes.size())
      throw refuse("'" + input.name + "' is described with " + std::to_string(shape->size()) +
                       (shape->size() == 1 ? " dim" : " dims") + ", and has " + std::to_string(sizes.size()) +
                       " in the examples",
                   "describe each dim: a number, or a name where the size may change");
    for (size_t axis = 0; axis < sizes.size(); ++axis) bind_dim(input, axis, (*shape)[axis]);
  }

  void bind_dim(Input& input, size_t axis, const ir::Dim& dim) {
    const int64_t size = input.example.size(static_cast<int64_t>(axis));
    if (dim.is_unknown()) return;
    if (!dim.symbol_name().empty()) {
      const auto [known, fresh] = base_.try_emplace(std::string(dim.symbol_name()), size);
      if (size == 0)
        throw refuse("dim " + std::to_string(axis) + " of '" + input.name + "' is called '" + known->first +
                         "' and is 0 in the examples",
                     "give an example that has elements: what is done with none shows little");
      if (const auto said = options_.symbols.find(known->first);
          said != options_.symbols.end() && said->second.hint.value_or(size) != size)
        throw refuse("'" + known->first + "' is " + std::to_string(*said->second.hint) +
                         " in the inputs and " + std::to_string(size) + " in the examples",
                     "leave the size out: the examples give it");
      if (const auto range = options_.symbols.find(known->first);
          range != options_.symbols.end() &&
          (size < range->second.min || size > range->second.max.value_or(size)))
        throw refuse("'" + known->first + "' is " + std::to_string(size) +
                         " in the examples, which is not in the range "
                         "that the inputs give it",
                     "give an example of a size in the range");
      if (known->second != size)
        throw refuse("'" + known->first + "' is " + std::to_string(known->second) + " and " +
                         std::to_string(size) + " in the examples",
                     "give dims of different sizes different names");
      input.dims[axis] = dim;
      return;
    }
    const auto value = dim.is_constant() ? std::optional(dim.value()) : dim.evaluate(base_);
    if (value != size)
      throw refuse("dim " + std::to_string(axis) + " of '" + input.name + "' is " + std::to_string(size) +
                       " in the examples, " + dim.text() + " is asked for",
                   "make the two agree; an expression uses dims that are named before it");
    input.dims[axis] = dim;
  }

  // The line that asks for the export.
  Location asked_here() { return place_of_node("", "", sites_.find(frames_of_here())); }
  Error refuse(const std::string& what, const std::string& hint) {
    return Error("P601", model_.name + ": " + what, asked_here(), hint);
  }

  // ---- runs ----

  void record_all() {
    runs_.push_back(record(base_, Values::given));
    runs_.push_back(at_other_values());
    vary_found_sizes();
    if (base_.empty()) return;
    std::set<int64_t> taken;
    for (const Input& input : inputs_)
      taken.insert(input.example.sizes().begin(), input.example.sizes().end());
    for (const NamedTensor& own : model_.tensors) {
      if (own.tensor.defined()) taken.insert(own.tensor.sizes().begin(), own.tensor.sizes().end());
    }
    SizePlan& plan = plan_.emplace(base_, options_.symbols, taken);
    for (const auto& [symbol, size] : base_) vary(plan, symbol);
    for (int round = 0; round < 2; ++round) {
      try {
        runs_.push_back(record(plan.all(steps_, round), Values::given));
      } catch (const Error& error) {
        if (error.diagnostics().front().code != "P602") throw;
        throw refuse_sizes("takes no other sizes of all its dims at once", error);
      }
    }
  }

  // The least step at which forward takes another size of the dim. The examples may be as large as it gets, as those of a model
  // with a table of positions often are: then smaller ones are tried.
  void vary(SizePlan& plan, const std::string& symbol) {
    std::optional<Error> why = try_steps(plan, symbol);
    if (!why) return;
    const Error first = *why;
    plan.stay_below(symbol);
    why = try_steps(plan, symbol);
    if (why) throw refuse_sizes("takes no other size of '" + symbol + "'", first);
    conditions_.push_back(symbol + " <= " + std::to_string(base_.at(symbol)));
  }

  // Runs forward at the first size that it takes; else what it says of the first that there is.
  std::optional<Error> try_steps(SizePlan& plan, const std::string& symbol) {
    std::optional<Error> why;
    for (const int64_t step : {1, 2, 4, 8, 16, 32, 64, 3, 5, 6, 7, 9, 10, 12, 14, 24}) {
      const auto sizes = base_.at(symbol) % step == 0 ? plan.one(symbol, step) : std::nullopt;
      if (!sizes) continue;
      try {
        runs_.push_back(record(*sizes, Values::given));
        steps_[symbol] = step;
        if (step > 1) conditions_.push_back(symbol + " % " + std::to_string(step) + " == 0");
        return std::nullopt;
      } catch (const Error& error) {
        if (error.diagnostics().front().code != "P602") throw;
        if (!why) why = error;
      }
    }
    return why ? why : refuse("there is no other size that '" + symbol + "' may have", "make the dim static");
  }

  // A run that forward does not go through: nothing.
  std::optional<ModuleRun> try_record(const Sizes& sizes, Values values = Values::given) {
    try {
      return record(sizes, values);
    } catch (const Error& error) {
      if (error.diagnostics().front().code != "P602") throw;
      return std::nullopt;
    }
  }

  // The graph was made of what the runs had in common, and has to be right where nothing was learnt as well.
  void check_more_sizes(const ir::Graph& graph) {
    const std::optional<ModuleRun> run = try_record(plan_->all(steps_, 2));
    if (!run) return;
    const std::optional<Deviation> found = deviation(graph, *run, sites_);
    if (!found) return;
    std::string sizes;
    for (const auto& [symbol, size] : run->sizes)
      sizes += (sizes.empty() ? "" : ", ") + symbol + "=" + std::to_string(size);
    throw Error(
        "P605",
        model_.name + " does something else at " + sizes + ", as a check of the graph shows: " +
            (found->why.empty() ? "'" + run->output_names.at(found->result) + "' is another one"
                                : found->why),
        found->place,
        "C++ code that loops, branches or computes by a size is fixed in the file: use tensor operators, "
        "or make dims static by writing their numbers in the inputs");
  }

  // C++ code often does something of its own for a size of one, and squeeze() does.
  void check_ones(ir::Graph& graph, std::vector<Diagnostic>& notes) {
    for (const auto& [symbol, size] : base_) {
      if (size == 1 || steps_.at(symbol) != 1) continue;
      Sizes sizes = base_;
      sizes[symbol] = 1;
      const std::optional<ModuleRun> run = try_record(sizes);
      if (!run) continue;
      const std::optional<Deviation> found = deviation(graph, *run, sites_);
      if (!found) continue;
      add_guard(graph, symbol + " != 1");
      notes.push_back({Severity::warning, "",
                       model_.name + " does something else where " + symbol +
                           " is 1: the file is right for " + symbol + " != 1 only",
                       found->place, "export another file with " + symbol + " = 1, if that size is needed"});
    }
  }

  Error refuse_sizes(const std::string& what, const Error& why) const {
    const Diagnostic& said = why.diagnostics().front();
    return Error(
        "P605", model_.name + " " + what + ": " + said.message, said.place,
        "give dims that have to be equal one name, or make a dim static by writing the number in the "
        "inputs");
  }

  // Some models take few other values: ids by which a table is read, lengths in falling order.
  ModuleRun at_other_values() {
    for (const Values values : {Values::other, Values::other_and_rolled, Values::other_reals}) {
      try {
        return record(base_, values);
      } catch (const Error& error) {
        if (error.diagnostics().front().code != "P602") throw;
      }
    }
    notes_.push_back(
        "forward takes no values but those of the examples: what it does for others is not known");
    return record_again();
  }

  // What operators find has other sizes in some run, so that what C++ code does with these shows.
  void vary_found_sizes() {
    const auto stand_still = [&] {
      return std::all_of(runs_.begin(), runs_.end(), [&](const ModuleRun& run) {
        return run.recording->found_sizes() == runs_[0].recording->found_sizes();
      });
    };
    if (runs_[0].recording->found_sizes().empty()) return;
    for (const Values values : {Values::few, Values::flipped}) {
      if (!stand_still()) return;
      if (std::optional<ModuleRun> run = try_record(base_, values)) runs_.push_back(std::move(*run));
    }
    if (stand_still())
      notes_.push_back(
          "forward finds elements, and as many in every run: what it does for others is not known");
  }

  ModuleRun record(const Sizes& sizes, Values values) {
    std::optional<CollectedWarnings> quiet;  // of sizes and values that nobody asked for
    if (!runs_.empty()) quiet.emplace();
    ModuleRun out;
    out.sizes = sizes;
    out.other_values = values != Values::given;
    out.recording = std::make_unique<ModuleRecording>(state_, sites_);
    std::vector<c10::IValue> arguments = arguments_at(sizes, values, out.inputs);
    for (const at::Tensor& input : out.inputs) {
      out.originals.push_back(input.clone());
      out.input_numbers.push_back(out.recording->number(input));
    }
    for (const NamedTensor& own : model_.tensors) {
      if (own.tensor.defined()) out.recording->number(own.tensor);
    }
    const std::vector<c10::IValue> results = call_forward(arguments, *out.recording);
    keep_results(results, out);
    if (const std::optional<Error> written = state_.restore(sites_)) throw *written;
    if (out.recording->read()) throw *out.recording->read();
    return out;
  }

  std::vector<c10::IValue> call_forward(const std::vector<c10::IValue>& arguments,
                                        ModuleRecording& recording) {
    std::vector<c10::IValue> results;
    std::string why;
    try {
      recording.run([&] { results = model_.forward(arguments); });
      return results;
    } catch (const Error& error) {
      (void)state_.restore(sites_);
      Diagnostic said = error.diagnostics().front();
      if (said.code != "P601") throw;
      said.place = asked_here();  // forward was not even called
      throw Error(said);
    } catch (const std::exception& e) {
      why = ": " + first_line(e.what());
    } catch (...) {  // a user may throw anything
      why = ": something that is no std::exception";
    }
    (void)state_.restore(sites_);
    const ModuleRecording::Reached reached = recording.reached();
    const std::string when = reached.place.node.empty() ? ""
                             : reached.inside           ? " in this operator"
                                                        : " after this operator";
    throw Error("P602", "forward throws" + when + why, reached.place,
                "run the model on the examples without exporting it");
  }

  // Inputs are copied: forward may write them.
  std::vector<c10::IValue> arguments_at(const Sizes& sizes, Values values,
                                        std::vector<at::Tensor>& tensors) const {
    size_t next = 0;
    std::vector<c10::IValue> out;
    for (const c10::IValue& example : model_.examples) {
      out.push_back(with_tensors(example, [&](const at::Tensor& tensor) {
        const Input& input = inputs_[next++];
        std::vector<int64_t> wanted;
        for (const ir::Dim& dim : input.dims)
          wanted.push_back(dim.is_constant() ? dim.value() : dim.evaluate(sizes).value_or(1));
        at::Tensor made = values == Values::given ? resized(tensor, wanted) : other(tensor, values);
        if (made.unsafeGetTensorImpl() == tensor.unsafeGetTensorImpl() || made.is_alias_of(tensor))
          made = made.detach().clone();
        tensors.push_back(made);
        return made;
      }));
    }
    return out;
  }

  static at::Tensor other(const at::Tensor& example, Values values) {
    if (values == Values::few) return with_few_values(example);
    if (values == Values::flipped) return with_flipped_values(example);
    const bool real = example.is_floating_point() || example.is_complex();
    if (values == Values::other || real) return with_other_values(example);
    return values == Values::other_and_rolled ? rolled(example) : example;
  }

  void keep_results(const std::vector<c10::IValue>& results, ModuleRun& out) {
    size_t position = 0;
    for (const c10::IValue& result : results) {
      const std::string name = results.size() == 1 ? "output" : "output_" + std::to_string(position);
      ++position;
      const auto others =
          for_each_tensor(result, name, [&](const at::Tensor& tensor, const std::string& own) {
            out.recording->returned(tensor);
            out.results.push_back(out.recording->item(tensor));
            out.outputs.push_back(tensor.detach().clone());
            out.output_names.push_back(own);
          });
      if (runs_.empty()) {
        for (const std::string& other : others)
          notes_.push_back("'" + name + "' is or holds " + other + ", which is left out");
      }
    }
    if (out.results.empty()) {
      (void)state_.restore(sites_);
      throw Error("T544", model_.name + ": forward returns no tensor, and an ONNX model has to", {},
                  "return tensors: alone or in tuples, vectors, maps and optionals");
    }
  }

  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

  static void add_guard(ir::Graph& graph, const std::string& condition) {
    std::string& guards = graph.metadata["onnxport.dim_guards"];
    guards += (guards.empty() ? "" : "; ") + condition;
  }

  void state_conditions(ir::Graph& graph, std::vector<Diagnostic>& notes) const {
    for (const std::string& text : conditions_) {
      add_guard(graph, text);
      notes.push_back({Severity::note, "", model_.name + " takes only sizes where " + text, {}, ""});
    }
  }

  const Callable& model_;
  const CaptureOptions& options_;
  ModuleState state_;
  CallSites sites_;
  std::vector<Input> inputs_;
  Sizes base_;
  std::map<std::string, int64_t, std::less<>> steps_;
  std::vector<std::string> conditions_;  // on sizes
  std::vector<ModuleRun> runs_;
  std::vector<std::string> notes_;
  std::optional<SizePlan> plan_;  // where there are dynamic dims
};

class LiveCallable final : public LiveModel {
 public:
  explicit LiveCallable(Callable model) : model_(std::move(model)) {}

  Captured capture(const CaptureOptions& options) const override {
    // Two captures of one module at a time would take each other's mode and buffers for what they were before. A forward
    // that exports something itself is not to wait for its own end.
    static std::recursive_mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    return ModuleCapture(model_, options).run();
  }

  std::vector<std::optional<ir::Tensor>> samples() const override {
    std::vector<std::optional<ir::Tensor>> out;
    for (const c10::IValue& example : model_.examples) {
      for_each_tensor(example, "", [&](const at::Tensor& tensor, const std::string&) {
        out.emplace_back(from_torch(tensor.detach().clone()));
      });
    }
    return out;
  }

 private:
  Callable model_;
};

}  // namespace

Source live_source(Callable model) {
  std::string name = model.name;
  return Source::live(std::make_shared<const LiveCallable>(std::move(model)), std::move(name));
}

void detail::check_libtorch(int major, int minor) {
  if (major == TORCH_VERSION_MAJOR && minor == TORCH_VERSION_MINOR) return;
  const auto text = [](int a, int b) { return std::to_string(a) + "." + std::to_string(b); };
  throw Error("P608",
              "this program was compiled against libtorch " + text(major, minor) +
                  ", libonnxport_torch against " + text(TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR),
              {}, "build onnxport with the libtorch that the program uses: -DONNXPORT_TORCH_DIR=…");
}

}  // namespace onnxport
