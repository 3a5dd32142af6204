#include "core/verify/verify.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <unordered_set>

#include "core/argument/argument.h"
#include "core/onnx/read_model.h"
#include "core/serialize/scratch_folder.h"
#include "core/serialize/serialize.h"
#include "core/verify/other_types.h"
#include "core/verify/results.h"
#include "core/verify/roles.h"
#include "core/verify/sizes.h"
#include "core/verify/verifier.h"

namespace onnxport {
namespace {

// The type whose values an input takes: numbers are 0-d tensors on the ONNX side.
ir::Type tensor_type(const ir::Type& type) {
  switch (type.kind()) {
    case ir::Type::Kind::integer:
      return ir::Type::tensor(ir::DType::i64, ir::Shape{});
    case ir::Type::Kind::real:
      return ir::Type::tensor(ir::DType::f32, ir::Shape{});
    case ir::Type::Kind::boolean:
      return ir::Type::tensor(ir::DType::boolean, ir::Shape{});
    default:
      return type;
  }
}

bool is_real(ir::DType dtype) {
  return dtype == ir::DType::f32 || dtype == ir::DType::f64 || dtype == ir::DType::f16 ||
         dtype == ir::DType::bf16;
}

// Where the model does not run with values as its operators show them, others are tried: what else its inputs may be.
struct Attempt {
  std::optional<Draw::Reals> reals;
  std::optional<Draw::Integers> integers;
  int64_t limit = 0;
  bool given = false;  // what is given for the examples, at other sizes
};
constexpr std::array<Attempt, 12> kAttempts{{{},
                                             {{}, Draw::Integers::below, 2},
                                             {{}, Draw::Integers::below, 1},
                                             {{}, Draw::Integers::from_one, 3},
                                             {{}, Draw::Integers::offsets, 2},
                                             {{}, Draw::Integers::lengths, 2},
                                             {Draw::Reals::unit, {}},
                                             {Draw::Reals::positive, {}},
                                             {Draw::Reals::ascending, {}},
                                             {Draw::Reals::definite, {}},
                                             {Draw::Reals::unit, Draw::Integers::below, 2},
                                             {{}, {}, 0, true}}};

}  // namespace

ir::Tensor as_onnx_input(const ir::Tensor& tensor) {
  if (!ir::is_complex(tensor.dtype())) return tensor;
  std::vector<int64_t> dims = tensor.dims();
  dims.push_back(2);
  return ir::Tensor::copy_of(tensor.dtype() == ir::DType::c128 ? ir::DType::f64 : ir::DType::f32,
                             std::move(dims), tensor.contiguous().bytes());
}

Argument as_argument(ir::Tensor tensor, const ir::Type& type) {
  switch (type.kind()) {
    case ir::Type::Kind::integer:
      return {tensor.to_ints()->front()};
    case ir::Type::Kind::boolean:
      return {tensor.to_ints()->front() != 0};
    case ir::Type::Kind::real:
      return {tensor.to_reals() ? tensor.to_reals()->front()
                                : static_cast<double>(tensor.to_ints()->front())};
    default:
      return {std::move(tensor)};
  }
}

std::string origin_of(const ir::Node& node) {
  const ir::Provenance* from = node.provenance();
  if (from == nullptr || from->original_name.empty()) return "";
  return from->original_name + '\n' + from->module_path + '\n' + from->source;
}

Verifier::Verifier(const ir::Graph& captured, const std::vector<InputSpec>& specs, std::filesystem::path onnx,
                   Registry& registry, const VerifyOptions& options)
    : captured_(captured),
      specs_(specs),
      onnx_(std::move(onnx)),
      registry_(registry),
      options_(options),
      roles_(input_roles(captured)) {}

// ---- inputs and reference ----

const InputSpec* Verifier::given(size_t input) const {
  const std::string& name = captured_.input_names[input];
  const auto spec =
      std::find_if(specs_.begin(), specs_.end(), [&](const InputSpec& s) { return s.name == name; });
  const InputSpec* out = spec != specs_.end()                                  ? &*spec
                         : input < specs_.size() && specs_[input].name.empty() ? &specs_[input]
                                                                               : nullptr;
  return out != nullptr && out->example ? out : nullptr;
}

bool Verifier::has_given_inputs() const {
  for (size_t i = 0; i < roles_.size(); ++i) {
    if (given(i) != nullptr) return true;
  }
  return false;
}

bool Verifier::has_real_inputs() const {
  const auto inputs = captured_.body().parameters();
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const ir::Value* v) { return is_real(tensor_type(v->type()).dtype()); });
}

std::vector<Draw> Verifier::draws(const RunPlan& plan, size_t attempt) const {
  const Attempt& with = kAttempts[attempt];
  std::vector<Draw> out = roles_;
  for (Draw& draw : out) {
    if (draw.reals == Draw::Reals::normal) draw.reals = plan.reals;
    if (with.reals) draw.reals = *with.reals;
    if (with.integers) draw.integers = *with.integers;
    if (with.limit != 0) draw.limit = std::min(draw.limit, with.limit);
  }
  return out;
}

std::vector<ir::Tensor> Verifier::make_inputs(const Sizes& sizes, bool use_given, bool as_is,
                                              const std::vector<Draw>& draws) const {
  std::vector<ir::Tensor> out;
  uint64_t seed = (options_.seed * 1000 + runs_) * 1000003 + 17;  // other numbers in each run
  for (const ir::Value* parameter : captured_.body().parameters()) {
    const size_t i = out.size();
    const ir::Type type = tensor_type(parameter->type());
    const InputSpec* example = use_given ? given(i) : nullptr;
    out.push_back(example == nullptr       ? random_tensor(type, sizes, seed + i, draws[i])
                  : type.shape() && !as_is ? resized(*example->example, dims_at(type, sizes))
                                           : *example->example);
  }
  return out;
}

Reference Verifier::reference(const RunPlan& plan) {
  std::optional<Error> refused;
  bool made_up = false;
  for (const Sizes& sizes : plan.sizes) {
    for (size_t attempt = 0; attempt < kAttempts.size(); ++attempt) {
      // What suited the examples suits the other sizes, or nothing does.
      if (!plan.first && attempt != attempt_ && !kAttempts[attempt].given) continue;
      const bool use_given = plan.use_given || kAttempts[attempt].given;
      if (kAttempts[attempt].given && (plan.use_given || !has_given_inputs())) continue;
      try {
        Reference out{sizes, make_inputs(sizes, use_given, plan.first, draws(plan, attempt)), {}};
        made_up = made_up || !use_given;
        for (size_t i = 0; i < out.inputs.size(); ++i) made_up = made_up || given(i) == nullptr;
        out.results = evaluate(out.inputs, {});
        if (plan.first) attempt_ = attempt;
        return out;
      } catch (const Error& e) {
        const std::string& code = e.diagnostics().front().code;
        if (code != "V804" && !(code == "V805" && plan.optional)) throw;
        if (!refused) refused = e;
        if (!made_up) break;  // the next attempt would be the same
      }
    }
  }
  if (!refused) throw Error("V805", "there are no such sizes within the ranges and guards of the program");
  if (!made_up || plan.optional) throw *refused;
  const Diagnostic& why = refused->diagnostics().front();
  throw Error("V807", "libtorch does not run the model with inputs that were made up for it: " + why.message,
              why.place,
              "give inputs that suit it with --inputs DIR (input_0.pb, input_1.pb, …), with --one-size where "
              "only their "
              "sizes do");
}

std::vector<ir::Tensor> Verifier::evaluate(const std::vector<ir::Tensor>& inputs,
                                           const TorchInterface::Observer& observer) {
  std::vector<Argument> arguments;
  for (size_t i = 0; i < inputs.size(); ++i) {
    arguments.push_back(as_argument(inputs[i], captured_.body().parameters()[i]->type()));
  }
  stand_ins_.clear();
  made_up_.clear();
  const TorchInterface::Observer keep = [&](const ir::Value& value, const Argument& v) {
    keep_stand_in(value, v);
    if (observer) observer(value, v);
  };
  const std::vector<Argument> results = torch_interface().evaluate(
      captured_, arguments, trusted_results_.empty() ? observer : keep,
      [this](const ir::Node& node, const std::vector<Argument>& args, std::vector<Argument>& outputs) {
        return stand_in(node, args, outputs);
      });
  std::vector<ir::Tensor> out;
  for (size_t i = 0; i < results.size(); ++i)
    append_result(results[i], captured_.body().result(i)->type(), out);
  return out;
}

// For each result what it is when the inputs move a little; as often as it takes to see most of what moves.
std::vector<Nudged> Verifier::nudged_results(const Reference& reference) {
  constexpr uint64_t kTimes = 3;
  std::vector<Nudged> out(reference.results.size());
  for (uint64_t time = 1; time <= kTimes; ++time) {
    std::vector<ir::Tensor> inputs;
    for (const ir::Tensor& input : reference.inputs) inputs.push_back(nudged(input, time + inputs.size()));
    try {
      std::vector<ir::Tensor> results = evaluate(inputs, {});
      for (size_t i = 0; i < out.size() && i < results.size(); ++i) out[i].push_back(std::move(results[i]));
    } catch (const Error&) {
      return out;
    }
  }
  return out;
}

// The largest step of the quantized tensors in this run.
double Verifier::quantization_step(const Reference& reference) {
  std::vector<const ir::Value*> scales;
  double step = known_quantization_step(captured_, scales);
  if (scales.empty() || reference.is_given) return step;
  (void)evaluate(reference.inputs, [&](const ir::Value& value, const Argument& computed) {
    if (std::find(scales.begin(), scales.end(), &value) == scales.end()) return;
    if (const auto* number = computed.as<double>()) step = std::max(step, *number);
  });
  return step;
}

// ---- the file ----

void Verifier::open_session() {
  if (rest_ == nullptr && !options_.trusted_domains.empty()) rest_ = without_trusted_nodes();
  if (session_ != nullptr) return;
  const auto open = [&](const ir::Graph& graph) {
    const ScratchFolder scratch;
    const std::filesystem::path file = scratch.path() / "model.onnx";
    SerializeOptions serialize;
    serialize.weights = Weights::automatic;
    write_model(graph, file, serialize);
    session_ = std::make_unique<OrtSession>(file, options_.ort_libraries);
  };
  std::optional<Error> refused;
  try {
    if (rest_ != nullptr) {
      open(*rest_);
    } else {
      session_ = std::make_unique<OrtSession>(onnx_, options_.ort_libraries);
    }
    return;
  } catch (const Error& e) {
    if (std::string_view(e.what()).find("Could not find an implementation") == std::string_view::npos) throw;
    refused = e;
  }
  // Its CPU kernels lack types: what is f32 instead computes the same, but for its rounding.
  const std::unique_ptr<ir::Graph> own = rest_ == nullptr ? read_model(onnx_) : nullptr;
  ir::Graph& graph = own == nullptr ? *rest_ : *own;
  for (const ir::DType from : {ir::DType::bf16, ir::DType::f16, ir::DType::f64}) {
    if (!has_type(graph, from)) continue;
    change_type(graph, from, ir::DType::f32);
    widened_.emplace_back(from, ir::DType::f32);
    try {
      return open(graph);
    } catch (const Error& e) {
      if (std::string_view(e.what()).find("Could not find an implementation") == std::string_view::npos)
        throw;
    }
  }
  throw *refused;
}

// Inputs by position: the file's inputs are the model's, in order (parameters as inputs, if any, come after
// and are fed from the captured graph by name).
Named Verifier::feeds(OrtSession& session, const std::vector<ir::Tensor>& inputs) const {
  Named out;
  for (size_t i = 0; i < session.input_names().size(); ++i) {
    const std::string& name = session.input_names()[i];
    if (name.starts_with(kStandIn)) continue;
    if (i < inputs.size()) {
      out.emplace_back(name, as_onnx_input(inputs[i]));
      continue;
    }
    for (const ir::Value* v : captured_.initializers()) {
      if (v->name() == name) out.emplace_back(name, as_onnx_input(*v->constant()));
    }
  }
  return out;
}

std::vector<ir::Tensor> Verifier::run_file(const Reference& reference) {
  open_session();
  Named given = feeds(*session_, reference.inputs);
  if (rest_ != nullptr) {
    for (auto& [name, tensor] : stand_in_feeds(reference.sizes))
      given.emplace_back(name, as_onnx_input(tensor));
  }
  for (auto& [name, tensor] : given) {
    for (const auto& [from, to] : widened_) {
      if (tensor.dtype() == from) tensor = as_dtype(tensor, to);
    }
  }
  std::vector<ir::Tensor> out = session_->run(given);
  // Back to what the file says.
  for (size_t i = 0; i < out.size() && i < reference.results.size(); ++i) {
    const ir::DType wanted = reference.results[i].dtype();
    for (const auto& [from, to] : widened_) {
      if (wanted == from && out[i].dtype() == to) out[i] = as_dtype(out[i], from);
    }
  }
  return out;
}

const std::vector<ir::DType>& Verifier::narrowest_floats() {
  if (narrowest_) return *narrowest_;
  narrowest_.emplace();
  const std::unique_ptr<ir::Graph> graph = read_model(onnx_);
  const auto narrower = [](ir::DType a, ir::DType b) {
    if (a == ir::DType::bf16 || b == ir::DType::bf16) return ir::DType::bf16;
    return a == ir::DType::f16 || b == ir::DType::f16 ? ir::DType::f16 : ir::DType::undefined;
  };
  for (size_t i = 0; i < graph->body().result_count(); ++i) {
    ir::DType found = ir::DType::undefined;
    std::unordered_set<const ir::Value*> seen;
    std::vector<const ir::Value*> open{graph->body().result(i)};
    const auto read = [&](const ir::Node& node) {
      for (const ir::Value* v : node.outputs()) found = narrower(found, v->type().dtype());
      for (size_t k = 0; k < node.operand_count(); ++k) open.push_back(node.operand(k));
    };
    while (!open.empty()) {
      const ir::Value* value = open.back();
      open.pop_back();
      if (value == nullptr || !seen.insert(value).second) continue;
      found = narrower(found, value->type().dtype());
      const ir::Node* node = value->producer();
      if (node == nullptr) continue;
      read(*node);
      for (ir::Block* block : node->blocks())
        ir::for_each_node(*block, [&](const ir::Node* inner) { read(*inner); });
    }
    narrowest_->push_back(found);
  }
  return *narrowest_;
}

namespace {

bool is_recurrent(const ir::Block& block) {
  for (const ir::Node* node : block) {
    for (const std::string_view name : {"aten::lstm.", "aten::gru.", "aten::rnn_tanh.", "aten::rnn_relu."})
      if (node->op_text().starts_with(name)) return true;
    for (const ir::Block* inner : node->blocks())
      if (is_recurrent(*inner)) return true;
  }
  return false;
}

}  // namespace

void Verifier::compare_results(const Reference& reference, const std::vector<ir::Tensor>& actual,
                               VerifyRun& run) {
  const std::vector<ir::Tensor>& expected = reference.results;
  seen_.resize(expected.size());
  std::optional<std::vector<Nudged>> nudged;
  std::optional<double> step;
  const std::vector<ir::DType>& narrowest = narrowest_floats();
  for (size_t i = 0; i < expected.size(); ++i) {
    seen_[i].add(expected[i]);
    elements_ += static_cast<size_t>(expected[i].count());
    finite_ += finite_elements(expected[i]);
    ir::DType inner = i < narrowest.size() ? narrowest[i] : ir::DType::undefined;
    if (inner == ir::DType::undefined && !widened_.empty()) inner = ir::DType::f32;
    Comparison c = compare(expected[i], actual[i], options_.rtol, options_.atol, inner);
    // Where libtorch's own results move; how far they are from given ones says nothing of that.
    if (!c.equal && !reference.is_given && expected[i].dims() == actual[i].dims()) {
      if (!nudged) nudged = nudged_results(reference);
      c = compare(expected[i], actual[i], options_.rtol, options_.atol, inner, (*nudged)[i]);
    }
    // ONNX Runtime's LSTM, GRU and RNN approximate tanh and the sigmoid: 1e-5 in a step, whatever the result.
    if (!c.equal && !options_.atol && expected[i].dtype() == ir::DType::f32 &&
        is_recurrent(captured_.body())) {
      constexpr double kRecurrent = 3e-5;
      c = compare(expected[i], actual[i], options_.rtol, kRecurrent, inner);
    }
    // A sum that lies between two integers of a quantized model may be rounded to either.
    if (!c.equal) {
      if (!step) step = quantization_step(reference);
      if (*step > 0)
        c = compare(expected[i], actual[i], options_.rtol,
                    std::max(*step * 1.001, options_.atol.value_or(0)));
    }
    run.max_abs_error = std::max(run.max_abs_error, c.max_abs_error);
    run.max_rel_error = std::max(run.max_rel_error, c.max_rel_error);
    if (c.equal || !run.passed) continue;
    run.passed = false;
    run.message = "output " + std::to_string(i) + " " + c.message;
  }
}

std::string Verifier::seen_in_run(const RunPlan& plan) const {
  std::string out = std::to_string(elements_) + " elements";
  if (elements_ != 0) {
    std::array<char, 16> share{};
    (void)std::snprintf(share.data(), share.size(), "%.4g",
                        100.0 * static_cast<double>(finite_) / static_cast<double>(elements_));
    out += std::string(", ") + share.data() + " % finite";
  }
  out += "; inputs " + plan.values;
  for (const auto& [from, to] : widened_) {
    out += "; in a copy of the file that has " + std::string(ir::short_name(to)) + " for " +
           std::string(ir::short_name(from)) + ", since ONNX Runtime lacks kernels";
  }
  return out;
}

VerifyRun Verifier::run(const RunPlan& plan) {
  VerifyRun out;
  ++runs_;
  elements_ = finite_ = 0;
  if (!plan.sizes.empty()) out.sizes = {plan.sizes.front().begin(), plan.sizes.front().end()};
  if (rest_ == nullptr && !options_.trusted_domains.empty()) rest_ = without_trusted_nodes();
  Reference reference;
  try {
    reference = this->reference(plan);
  } catch (const Error& e) {
    if (!plan.optional) throw;
    out.passed = true;
    const std::string& why = e.diagnostics().front().message;
    out.message = std::string(kNotRun) + "inputs " + plan.values + ": " + why.substr(0, why.find('\n'));
    return out;
  }
  out.sizes = {reference.sizes.begin(), reference.sizes.end()};
  const std::vector<ir::Tensor> actual = run_file(reference);
  if (plan.first && options_.expected) {
    for (size_t i = 0; i < reference.results.size(); ++i) {
      const std::filesystem::path file = *options_.expected / ("output_" + std::to_string(i) + ".pb");
      reference.results[i] = read_tensor_file(file);
    }
    reference.is_given = true;
  }
  if (plan.first && options_.write_case) write_case(reference.inputs, reference.results);
  out.passed = reference.results.size() == actual.size();
  if (!out.passed) {
    out.message = "the model has " + std::to_string(reference.results.size()) + " outputs, the file " +
                  std::to_string(actual.size());
    return out;
  }
  compare_results(reference, actual, out);
  if (out.passed) out.message = seen_in_run(plan);
  if (!out.passed && options_.trusted_domains.empty() && widened_.empty())
    find_divergence(reference.inputs, out);
  return out;
}

std::vector<std::string> Verifier::not_verified() const {
  std::vector<std::string> out;
  for (size_t i = 0; i < seen_.size(); ++i) {
    const std::string fault = seen_[i].fault();
    if (fault.empty()) continue;
    out.push_back(
        (i < captured_.output_names.size() ? captured_.output_names[i] : "output " + std::to_string(i)) +
        ' ' + fault);
  }
  return out;
}

bool Verifier::anything_verified() const {
  return seen_.empty() ||
         std::any_of(seen_.begin(), seen_.end(), [](const Coverage& seen) { return seen.fault().empty(); });
}

namespace {

// Whether the model orders values, or names the place of one: among equals, which large inputs make (a sigmoid of them is one), each
// runtime chooses another, and neither is wrong.
bool chooses_among_equals(const ir::Graph& graph) {
  static constexpr std::string_view kNames[] = {
      "aten::topk",     "aten::sort",    "aten::argsort",     "aten::argmax",
      "aten::argmin",   "aten::max.dim", "aten::min.dim",     "aten::mode",
      "aten::kthvalue", "aten::median",  "aten::nanmedian",   "aten::msort",
      "aten::cummax",   "aten::cummin",  "aten::multinomial", "torchvision::nms"};
  bool found = false;
  ir::for_each_node(const_cast<ir::Graph&>(graph).body(), [&](const ir::Node* node) {
    for (const std::string_view name : kNames) found = found || node->op_text().starts_with(name);
    found = found || node->op_text().find("_with_indices") != std::string_view::npos;
  });
  return found;
}

// Where the file is right, when it says so.
std::string guards_of_file(const std::filesystem::path& onnx) {
  const std::unique_ptr<ir::Graph> file = read_model(onnx);
  const auto found = file->metadata.find("onnxport.dim_guards");
  return found == file->metadata.end() ? "" : found->second;
}

}  // namespace

VerifyReport verify(const ir::Graph& captured, const std::vector<InputSpec>& specs,
                    const std::filesystem::path& onnx, Registry& registry, const VerifyOptions& options,
                    bool inputs_are_given) {
  Verifier verifier(captured, specs, onnx, registry, options);
  VerifyReport out;
  const Sizes examples = example_sizes(captured);
  const bool given = inputs_are_given && verifier.has_given_inputs();
  const auto run = [&](RunPlan plan) {
    plan.use_given = plan.first || given;
    plan.optional = !plan.first;
    if (plan.use_given && verifier.has_given_inputs())
      plan.values = plan.first ? "given" : "given, at this size";
    out.runs.push_back(verifier.run(plan));
  };
  run({.sizes = {examples}, .first = true});
  if (options.second_size) {
    const std::string guards = guards_of_file(onnx);
    if (std::vector<Sizes> larger = larger_sizes(captured, guards); !larger.empty())
      run({.sizes = std::move(larger)});
    if (std::vector<Sizes> least = least_sizes(captured, guards); !least.empty())
      run({.sizes = std::move(least)});
    const auto draw = [&](Draw::Reals reals, const char* values) {
      if (!given && verifier.has_real_inputs()) run({.sizes = {examples}, .reals = reals, .values = values});
    };
    if (!chooses_among_equals(captured)) draw(Draw::Reals::large, "random, of all magnitudes");
    if (!verifier.not_verified().empty()) draw(Draw::Reals::positive, "random, positive");
    if (!verifier.not_verified().empty()) draw(Draw::Reals::unit, "random, between 0 and 1");
  }
  out.not_independently_checked = verifier.unchecked();
  out.not_verified = verifier.not_verified();
  out.nothing_verified = !verifier.anything_verified();
  return out;
}

}  // namespace onnxport
