#include <ATen/core/ivalue_inl.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <set>

#include "core/capture/module/examples.h"
#include "core/capture/module/module_graph.h"
#include "core/capture/module/replay.h"
#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"
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

class ModuleCapture {
 public:
  ModuleCapture(const Callable& model, const CaptureOptions& options)
      : model_(model), options_(options), state_(model.tensors) {}

  Captured run() {
    const c10::AutoGradMode no_gradients(false);
    const Mode mode(model_, options_);
    bind();
    record_all();
    Captured out;
    out.graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::torch);
    ir::Graph& graph = *out.graph;
    graph.symbols = options_.symbols;
    for (const auto& [symbol, size] : base_) graph.symbols[symbol].hint = size;
    for (const Input& input : inputs_) {
      graph.add_input(input.name, ir::Type::tensor(to_dtype(input.example.scalar_type()), input.dims));
      graph.input_names.push_back(input.name);
    }
    ModuleGraph(graph, runs_, state_, sites_, model_.name, out.notes).build();
    graph.remove_unused_initializers();
    for (const std::string& note : notes_) out.notes.push_back({Severity::note, "", note, {}, ""});
    if (const std::string& assumed = runs_[0].recording->assumed(); !assumed.empty())
      out.notes.push_back({Severity::note, "", assumed, {}, ""});
    state_constraints(graph, out.notes);
    check_replay(graph, runs_, model_.name, out.notes);
    return out;
  }

 private:
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
      if (!spec.fixed) asked.push_back(&spec);
    }
    if (asked.size() > inputs_.size())
      throw refuse(std::to_string(asked.size()) + " inputs are described, the examples hold " +
                       std::to_string(inputs_.size()) + " tensors",
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
      throw refuse("'" + input.name + "' has another element type in the examples",
                   "describe what the examples are");
    const auto& shape = asked->type.shape();
    if (!shape) return;
    if (shape->size() != sizes.size())
      throw refuse("'" + input.name + "' has " + std::to_string(sizes.size()) + " dims in the examples, " +
                       std::to_string(shape->size()) + " are described",
                   "describe each dim");
    for (size_t axis = 0; axis < sizes.size(); ++axis) bind_dim(input, axis, (*shape)[axis]);
  }

  void bind_dim(Input& input, size_t axis, const ir::Dim& dim) {
    const int64_t size = input.example.size(static_cast<int64_t>(axis));
    if (dim.is_unknown()) return;
    if (!dim.symbol_name().empty()) {
      const auto [known, fresh] = base_.try_emplace(std::string(dim.symbol_name()), size);
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

  Error refuse(const std::string& what, const std::string& hint) const {
    return Error("P601", model_.name + ": " + what, {}, hint);
  }

  // ---- runs ----

  void record_all() {
    runs_.push_back(record(base_, false));
    runs_.push_back(record(base_, true));
    if (base_.empty()) return;
    std::set<int64_t> taken;
    for (const Input& input : inputs_)
      taken.insert(input.example.sizes().begin(), input.example.sizes().end());
    for (const NamedTensor& own : model_.tensors)
      taken.insert(own.tensor.sizes().begin(), own.tensor.sizes().end());
    SizePlan plan(base_, options_.symbols, taken);
    for (const auto& [symbol, size] : base_) vary(plan, symbol);
    for (int round = 0; round < 2; ++round) runs_.push_back(record(plan.all(steps_, round), false));
  }

  // The least step at which forward takes another size of the dim.
  void vary(SizePlan& plan, const std::string& symbol) {
    std::string why;
    for (const int64_t step : {1, 2, 4, 8, 16, 32, 64, 3, 5, 6, 7, 9, 10, 12, 14, 24}) {
      const auto sizes = base_.at(symbol) % step == 0 ? plan.one(symbol, step) : std::nullopt;
      if (!sizes) continue;
      try {
        runs_.push_back(record(*sizes, false));
        steps_[symbol] = step;
        return;
      } catch (const Error& error) {
        if (error.diagnostics().front().code != "P602") throw;
        why = error.diagnostics().front().message;
      }
    }
    throw Error("P605",
                model_.name + " takes no other size of '" + symbol +
                    "': " + (why.empty() ? "its range has none" : why),
                {}, "make the dim static: give its size as a number in the inputs");
  }

  ModuleRun record(const Sizes& sizes, bool other_values) {
    ModuleRun out;
    out.sizes = sizes;
    out.recording = std::make_unique<ModuleRecording>(state_, sites_);
    std::vector<c10::IValue> arguments = arguments_at(sizes, other_values, out.inputs);
    for (const at::Tensor& input : out.inputs) {
      out.originals.push_back(input.clone());
      out.input_numbers.push_back(out.recording->number(input));
    }
    for (const NamedTensor& own : model_.tensors) {
      if (own.tensor.defined()) out.recording->number(own.tensor);
    }
    std::vector<c10::IValue> results;
    try {
      out.recording->run([&] { results = model_.forward(arguments); });
    } catch (const Error&) {
      state_.restore();
      throw;
    } catch (const std::exception& e) {
      state_.restore();
      throw Error("P602", "forward throws: " + first_line(e.what()), {},
                  "run the model on the same arguments without exporting it");
    }
    keep_results(results, out);
    state_.restore();
    if (out.recording->read()) throw *out.recording->read();
    return out;
  }

  // Inputs are copied: forward may write them.
  std::vector<c10::IValue> arguments_at(const Sizes& sizes, bool other_values,
                                        std::vector<at::Tensor>& tensors) const {
    size_t next = 0;
    std::vector<c10::IValue> out;
    for (const c10::IValue& example : model_.examples) {
      out.push_back(with_tensors(example, [&](const at::Tensor& tensor) {
        const Input& input = inputs_[next++];
        std::vector<int64_t> wanted;
        for (const ir::Dim& dim : input.dims)
          wanted.push_back(dim.is_constant() ? dim.value() : dim.evaluate(sizes).value_or(1));
        at::Tensor made = other_values ? rolled(tensor) : resized(tensor, wanted);
        if (made.unsafeGetTensorImpl() == tensor.unsafeGetTensorImpl() || made.is_alias_of(tensor))
          made = made.detach().clone();
        tensors.push_back(made);
        return made;
      }));
    }
    return out;
  }

  void keep_results(const std::vector<c10::IValue>& results, ModuleRun& out) {
    size_t position = 0;
    for (const c10::IValue& result : results) {
      const std::string name = results.size() == 1 ? "output" : "output_" + std::to_string(position);
      ++position;
      const auto others =
          for_each_tensor(result, name, [&](const at::Tensor& tensor, const std::string& own) {
            out.results.push_back(out.recording->item(tensor));
            out.outputs.push_back(tensor.detach().clone());
            out.output_names.push_back(own);
          });
      if (runs_.empty()) {
        for (const std::string& other : others)
          notes_.push_back(name + " holds " + other + ", which is left out");
      }
    }
    if (out.results.empty())
      throw Error("T544", "forward returns nothing that an ONNX model could", {}, "return tensors");
    if (!runs_.empty() && out.results.size() != runs_[0].results.size())
      throw Error("P605", model_.name + " returns another number of tensors at another size", {},
                  "make its dims static");
  }

  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

  void state_constraints(ir::Graph& graph, std::vector<Diagnostic>& notes) const {
    for (const auto& [symbol, step] : steps_) {
      if (step == 1) continue;
      const std::string text = symbol + " % " + std::to_string(step) + " == 0";
      std::string& guards = graph.metadata["onnxport.dim_guards"];
      guards += (guards.empty() ? "" : "; ") + text;
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
  std::vector<ModuleRun> runs_;
  std::vector<std::string> notes_;
};

class LiveCallable final : public LiveModel {
 public:
  explicit LiveCallable(Callable model) : model_(std::move(model)) {}

  Captured capture(const CaptureOptions& options) const override {
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
