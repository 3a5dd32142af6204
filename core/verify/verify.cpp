#include "core/verify/verify.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/argument/argument.h"
#include "core/builder/graph_builder.h"
#include "core/host/host.h"
#include "core/ir/pivot.h"
#include "core/legalize/legalize.h"
#include "core/onnx/read_model.h"
#include "core/serialize/scratch_folder.h"
#include "core/serialize/serialize.h"
#include "core/translate/translate.h"
#include "core/verify/compare.h"
#include "core/verify/inputs.h"
#include "core/verify/ort.h"
#include "core/verify/results.h"

namespace onnxport {
namespace {

constexpr std::string_view kStandIn = "onnxport_stand_in_";

using Named = std::vector<std::pair<std::string, ir::Tensor>>;

// A tensor as an argument of `type`: of a number its one element.
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

ir::Tensor as_onnx_input(const ir::Tensor& tensor) {
  if (!ir::is_complex(tensor.dtype())) return tensor;
  std::vector<int64_t> dims = tensor.dims();
  dims.push_back(2);
  return ir::Tensor::copy_of(tensor.dtype() == ir::DType::c128 ? ir::DType::f64 : ir::DType::f32,
                             std::move(dims), tensor.contiguous().bytes());
}

// The model's node that one of the file was made of; empty when the file does not say.
std::string origin_of(const ir::Node& node) {
  const ir::Provenance* from = node.provenance();
  if (from == nullptr || from->original_name.empty()) return "";
  return from->original_name + '\n' + from->module_path + '\n' + from->source;
}

bool is_in_loop(const ir::Node& node) {
  for (const ir::Node* owner = node.parent()->owner(); owner != nullptr; owner = owner->parent()->owner()) {
    if (owner->op_text() == "Loop" || owner->op_text() == "Scan") return true;
  }
  return false;
}

// Whether what the model's node `origin` became goes on computing with `value`: then it is not the node's result.
bool reads_of_same_origin(const ir::Value& value, const std::string& origin) {
  for (const ir::Operand* use = value.first_use(); use != nullptr; use = use->next()) {
    if (!origin.empty() && origin_of(*use->user()) == origin) return true;
  }
  return false;
}

// A result of a trusted node that the rest of the file reads: an input of the file that is run.
struct StandInInput {
  std::string name;
  std::string origin;  // the model's node
  size_t at = 0;       // among the results of all nodes of that origin
  std::string node;    // of the file, for messages
  ir::Type type;
  bool in_branch = false;  // need not be computed
};

// One comparison of model and file at one set of sizes.
class Verifier {
 public:
  Verifier(const ir::Graph& captured, const std::vector<InputSpec>& specs, std::filesystem::path onnx,
           Registry& registry, const VerifyOptions& options)
      : captured_(captured), specs_(specs), onnx_(std::move(onnx)), registry_(registry), options_(options) {}

  // The first run is at the sizes, and with the values, of the examples.
  VerifyRun run(const Sizes& sizes, bool first);
  const std::vector<std::string>& unchecked() const { return unchecked_; }

 private:
  std::vector<ir::Tensor> make_inputs(const Sizes& sizes, bool use_examples, int64_t int_limit) const;
  std::vector<ir::Tensor> evaluate(const std::vector<ir::Tensor>& inputs,
                                   const TorchInterface::Observer& observer);
  bool stand_in(const ir::Node& node, const std::vector<Argument>& arguments, std::vector<Argument>& outputs);
  std::vector<ir::Tensor> run_at_file_opset(ir::Graph& graph, const Named& inputs);
  int file_opset();
  bool trusted(const ir::Node& node);
  bool trusted_domain(std::string_view domain) const;
  std::unique_ptr<ir::Graph> without_trusted_nodes();
  void keep_made_up(const ir::Node& node, ir::Tensor tensor);
  void keep_stand_in(const ir::Value& value, const Argument& computed);
  Named stand_in_feeds(const Sizes& sizes) const;
  Named feeds(OrtSession& session, const std::vector<ir::Tensor>& inputs) const;
  // The narrowest float type in the file; undefined when there is none below f32.
  ir::DType narrowest_float();
  void find_divergence(const std::vector<ir::Tensor>& inputs, VerifyRun& run);
  void write_case(const std::vector<ir::Tensor>& inputs, const std::vector<ir::Tensor>& outputs) const;

  const ir::Graph& captured_;
  const std::vector<InputSpec>& specs_;
  std::filesystem::path onnx_;
  Registry& registry_;
  const VerifyOptions& options_;
  std::vector<std::string> unchecked_;
  std::optional<ir::DType> narrowest_;
  std::optional<int> file_opset_;
  // Of the file without its trusted nodes.
  std::unique_ptr<ir::Graph> rest_;
  std::vector<StandInInput> stand_in_inputs_;
  std::map<std::string, size_t, std::less<>> trusted_results_;  // how many, by origin
  // What the model's nodes gave, by their names, each as often as it was run.
  std::map<std::string, std::vector<ir::Tensor>, std::less<>> stand_ins_;
  std::vector<ir::Tensor> made_up_;  // of those without a kernel, in the order of the program
  std::set<const ir::Node*> without_kernel_;
};

std::vector<ir::Tensor> Verifier::make_inputs(const Sizes& sizes, bool use_examples,
                                              int64_t int_limit) const {
  std::vector<ir::Tensor> out;
  uint64_t seed = options_.seed * 1000003 + 17;
  size_t i = 0;
  for (const ir::Value* parameter : captured_.body().parameters()) {
    const std::string& name = captured_.input_names[i];
    const auto spec =
        std::find_if(specs_.begin(), specs_.end(), [&](const InputSpec& s) { return s.name == name; });
    const InputSpec* given =
        spec != specs_.end() ? &*spec : (i < specs_.size() && specs_[i].name.empty() ? &specs_[i] : nullptr);
    if (use_examples && given != nullptr && given->example) {
      out.push_back(*given->example);
    } else {
      out.push_back(random_tensor(tensor_type(parameter->type()), sizes, seed, int_limit));
    }
    ++seed;
    ++i;
  }
  return out;
}

bool Verifier::trusted_domain(std::string_view domain) const {
  return std::find(options_.trusted_domains.begin(), options_.trusted_domains.end(), domain) !=
         options_.trusted_domains.end();
}

bool Verifier::trusted(const ir::Node& node) {
  const std::span<const Candidate> candidates = registry_.candidates(node.op_text(), file_opset());
  if (candidates.empty() || candidates.front().manifest == nullptr) return false;
  return trusted_domain(candidates.front().manifest->onnx_domain);
}

int Verifier::file_opset() {
  if (!file_opset_) {
    const std::unique_ptr<ir::Graph> graph = read_model(onnx_);
    const auto opset = graph->opsets.find("");
    file_opset_ = opset == graph->opsets.end() ? kPivotOpset : opset->second;
  }
  return *file_opset_;
}

// As the file says it: for an operator of the pivot the runtime may have no kernel.
std::vector<ir::Tensor> Verifier::run_at_file_opset(ir::Graph& graph, const Named& inputs) {
  std::vector<Diagnostic> notes;
  legalize(graph, file_opset(), registry_, notes);
  const ScratchFolder scratch;
  const std::filesystem::path file = scratch.path() / "model.onnx";
  SerializeOptions serialize;
  serialize.weights = Weights::inline_;
  write_model(graph, file, serialize);
  OrtSession session(file, options_.ort_libraries);
  std::vector<ir::Tensor> tensors;
  for (const auto& [name, tensor] : inputs) tensors.push_back(tensor);
  return session.run(feeds(session, tensors));
}

// An operator without a kernel: its own mapping is run by ONNX Runtime, or, in a trusted domain, both sides
// get the same made-up result.
bool Verifier::stand_in(const ir::Node& node, const std::vector<Argument>& arguments,
                        std::vector<Argument>& outputs) {
  const std::string op(node.op_text());
  ir::Graph graph(ir::Graph::Dialect::onnx);
  graph.opsets[""] = kPivotOpset;
  GraphBuilder builder(graph, kPivotOpset);
  std::vector<Argument> bounds;
  Named inputs;
  // Tensors become inputs of the graph.
  const std::function<Argument(const Argument&)> bind = [&](const Argument& v) -> Argument {
    if (v.list() != nullptr) {
      std::vector<Argument> items;
      for (const Argument& item : v.items()) items.push_back(bind(item));
      return Argument::list_of(std::move(items), v.list()->form());
    }
    const auto* tensor = v.as<ir::Tensor>();
    if (tensor == nullptr) return v;
    const std::string name = "input_" + std::to_string(inputs.size());
    inputs.emplace_back(name, *tensor);
    graph.input_names.push_back(name);
    return Argument::of(graph.add_input(name, tensor->type()));
  };
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto* integer = arguments[i].as<int64_t>();
    const bool names_dtype =
        integer != nullptr && node.schema()->arguments.at(i).type.starts_with("ScalarType");
    bounds.push_back(names_dtype ? Argument{dtype_of_torch(*integer)} : bind(arguments[i]));
  }
  const std::span<const Candidate> candidates = registry_.candidates(op, file_opset());
  if (candidates.empty()) return false;
  Call call;
  call.schema = node.schema();
  call.name = node.op_text();
  call.arguments = bounds;
  call.outputs = node.outputs();
  call.target_opset = file_opset();
  call.inline_functions = true;  // a function that the file keeps is computed by its body
  Outcome outcome = run_mapping(candidates.front(), call, builder, registry_);
  if (outcome.status != Outcome::Status::done) {
    throw Error(
        "V803",
        "operator " + op + " has no kernel here, and its mapping cannot stand in: " + outcome.cause.message,
        {}, "load its kernels with --torch-library FILE");
  }
  if (std::find(unchecked_.begin(), unchecked_.end(), op) == unchecked_.end()) unchecked_.push_back(op);
  std::vector<ir::Value*> results;
  for (const Argument& b : outcome.results) {
    if (b.value() == nullptr) return false;
    results.push_back(b.value());
    graph.output_names.push_back("output_" + std::to_string(results.size() - 1));
  }
  std::vector<ir::Tensor> computed;
  if (trusted(node) || std::any_of(results.begin(), results.end(), [&](const ir::Value* v) {
        return v->producer() != nullptr && v->producer()->op_text().find("::") != std::string_view::npos;
      })) {
    const auto domain_of = [](const ir::Value* v) {
      const std::string_view text = v->producer()->op_text();
      return std::string(text.substr(0, text.find("::")));
    };
    for (const ir::Value* v : results) {
      const std::string domain = v->producer() == nullptr ? "" : domain_of(v);
      if (!trusted_domain(domain)) {
        throw Error(
            "V803", "operator " + op + " has no kernel here and is exported as a node of domain " + domain,
            {}, "load its kernels with --torch-library, or accept it unchecked with --trust " + domain);
      }
      Sizes none;
      computed.push_back(random_tensor(v->type(), none, 7919 + made_up_.size(), 4));
      keep_made_up(node, computed.back());
    }
  } else {
    for (ir::Value*& v : results) {
      if (v->producer() == nullptr) v = builder.emit1("Identity", {v});
    }
    graph.body().set_results(results);
    computed = run_at_file_opset(graph, inputs);
  }
  outputs.clear();  // the caller made one empty value per result
  for (ir::Tensor& t : computed) outputs.push_back(as_argument(std::move(t), ir::Type::tensor()));
  return true;
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

void Verifier::keep_made_up(const ir::Node& node, ir::Tensor tensor) {
  without_kernel_.insert(&node);
  stand_ins_[origin_of(node)].push_back(tensor);
  made_up_.push_back(std::move(tensor));
}

// libtorch has a kernel for it: what it computes is what both sides go on with.
void Verifier::keep_stand_in(const ir::Value& value, const Argument& computed) {
  const ir::Node* node = value.producer();
  if (node == nullptr || without_kernel_.contains(node)) return;
  const std::string name = origin_of(*node);
  const auto* tensor = computed.as<ir::Tensor>();
  if (tensor == nullptr || !trusted_results_.contains(name)) return;
  stand_ins_[name].push_back(*tensor);
  const std::string op(node->op_text());
  if (std::find(unchecked_.begin(), unchecked_.end(), op) == unchecked_.end()) unchecked_.push_back(op);
}

// The file with every node of a trusted domain replaced by inputs.
std::unique_ptr<ir::Graph> Verifier::without_trusted_nodes() {
  std::unique_ptr<ir::Graph> graph = read_model(onnx_);
  std::vector<ir::Node*> nodes;
  ir::for_each_node(graph->body(), [&](ir::Node* node) {
    const std::string_view op = node->op_text();
    const size_t colon = op.find("::");
    if (colon == std::string_view::npos || !trusted_domain(op.substr(0, colon))) return;
    if (is_in_loop(*node)) {
      throw Error("V803",
                  "node " + std::string(node->name().text()) + " (" + std::string(op) +
                      ") is in a loop: trusted operators in loops cannot be checked, for each turn has a "
                      "result of its own",
                  {}, "load its kernels with --torch-library and --ort-library instead of --trust");
    }
    nodes.push_back(node);
  });
  // What only trusted nodes read goes with them.
  const std::set<const ir::Node*> cut(nodes.begin(), nodes.end());
  const auto is_kept = [&](const ir::Value* v) {
    for (const ir::Operand* use = v->first_use(); use != nullptr; use = use->next()) {
      if (!cut.contains(use->user())) return true;
    }
    return false;
  };
  for (const ir::Node* node : nodes) {
    const std::string origin = origin_of(*node);
    const std::string text = std::string(node->name().text()) + " (" + std::string(node->op_text()) + ")";
    if (std::none_of(node->outputs().begin(), node->outputs().end(), is_kept)) continue;
    size_t& results = trusted_results_[origin];
    for (ir::Value* v : node->outputs()) {
      const size_t at = results++;
      if (!is_kept(v)) continue;
      if (reads_of_same_origin(*v, origin)) {
        throw Error(
            "V803",
            "node " + text + " is only a part of what its operator became: libtorch has no value for it", {},
            "load its kernels with --torch-library and --ort-library instead of --trust");
      }
      const std::string name = std::string(kStandIn) + std::to_string(stand_in_inputs_.size());
      stand_in_inputs_.push_back({name, origin, at, text, v->type(), node->parent()->owner() != nullptr});
      ir::Value* input = graph->add_input(name, v->type());
      graph->input_names.push_back(name);
      v->replace_all_uses_with(input);
    }
  }
  std::for_each(nodes.rbegin(), nodes.rend(), [&](ir::Node* node) { graph->erase(node); });
  for (const std::string& domain : options_.trusted_domains) graph->opsets.erase(domain);
  return graph;
}

// One value for each input that stands for a trusted node's result.
Named Verifier::stand_in_feeds(const Sizes& sizes) const {
  Named out;
  for (const StandInInput& input : stand_in_inputs_) {
    const auto found = stand_ins_.find(input.origin);
    // A file that does not say where its nodes are from has them in the order of the program.
    const std::vector<ir::Tensor>* values = input.origin.empty()        ? &made_up_
                                            : found == stand_ins_.end() ? nullptr
                                                                        : &found->second;
    if ((values == nullptr || values->empty()) && input.in_branch) {
      out.emplace_back(input.name, random_tensor(input.type, sizes, out.size(), 4));
      continue;
    }
    if (values == nullptr || values->size() != trusted_results_.find(input.origin)->second) {
      throw Error("V803", "the model has no one value that node " + input.node + " of the file stands for",
                  {}, "load its kernels with --torch-library and --ort-library instead of --trust");
    }
    const ir::Tensor& value = (*values)[input.at];
    if (input.type.dtype() != ir::DType::undefined && input.type.dtype() != value.dtype()) {
      throw Error("V803",
                  "node " + input.node + " of the file gives " + input.type.text() + ", the model's has " +
                      value.type().text(),
                  {}, "load its kernels with --torch-library and --ort-library instead of --trust");
    }
    out.emplace_back(input.name, value);
  }
  return out;
}

VerifyRun Verifier::run(const Sizes& sizes, bool first) {
  VerifyRun out;
  out.sizes = {sizes.begin(), sizes.end()};
  std::vector<ir::Tensor> inputs;
  std::vector<ir::Tensor> expected;
  if (rest_ == nullptr && !options_.trusted_domains.empty()) rest_ = without_trusted_nodes();
  // Ints are often indices; a table may be smaller than we guess, which libtorch then says.
  for (const int64_t limit : {int64_t{10}, int64_t{2}, int64_t{1}}) {
    try {
      inputs = make_inputs(sizes, first, limit);
      expected = evaluate(inputs, {});
      break;
    } catch (const Error& e) {
      const bool index = std::string_view(e.what()).find("out of range") != std::string_view::npos ||
                         std::string_view(e.what()).find("out of bounds") != std::string_view::npos;
      if (!index || limit == 1) throw;
    }
  }
  if (first && options_.expected) {
    for (size_t i = 0; i < expected.size(); ++i) {
      const std::filesystem::path file = *options_.expected / ("output_" + std::to_string(i) + ".pb");
      expected[i] = read_tensor_file(file);
    }
  }
  std::vector<ir::Tensor> actual;
  if (options_.trusted_domains.empty()) {
    OrtSession session(onnx_, options_.ort_libraries);
    actual = session.run(feeds(session, inputs));
  } else {
    const ScratchFolder scratch;
    const std::filesystem::path file = scratch.path() / "model.onnx";
    SerializeOptions serialize;
    serialize.weights = Weights::automatic;
    write_model(*rest_, file, serialize);
    OrtSession session(file, options_.ort_libraries);
    Named given = feeds(session, inputs);
    for (auto& [name, tensor] : stand_in_feeds(sizes)) given.emplace_back(name, as_onnx_input(tensor));
    actual = session.run(given);
  }
  if (first && options_.write_case) write_case(inputs, expected);
  out.passed = expected.size() == actual.size();
  if (!out.passed) {
    out.message = "the model has " + std::to_string(expected.size()) + " outputs, the file " +
                  std::to_string(actual.size());
    return out;
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    Comparison c = compare(expected[i], actual[i], options_.rtol, options_.atol);
    if (!c.equal) c = compare(expected[i], actual[i], options_.rtol, options_.atol, narrowest_float());
    // A sum that lies between two integers of a quantized model may be rounded to either.
    if (const double step = quantization_step(captured_); !c.equal && step > 0)
      c = compare(expected[i], actual[i], options_.rtol, std::max(step * 1.001, options_.atol.value_or(0)));
    out.max_abs_error = std::max(out.max_abs_error, c.max_abs_error);
    out.max_rel_error = std::max(out.max_rel_error, c.max_rel_error);
    if (c.equal || !out.passed) continue;
    out.passed = false;
    out.message = "output " + std::to_string(i) + " " + c.message;
  }
  if (!out.passed && options_.trusted_domains.empty()) find_divergence(inputs, out);
  return out;
}

ir::DType Verifier::narrowest_float() {
  if (narrowest_) return *narrowest_;
  narrowest_ = ir::DType::undefined;
  const std::unique_ptr<ir::Graph> graph = read_model(onnx_);
  ir::for_each_node(graph->body(), [&](ir::Node* node) {
    for (const ir::Value* v : node->outputs()) {
      const ir::DType t = v->type().dtype();
      if (t == ir::DType::bf16 || (t == ir::DType::f16 && *narrowest_ != ir::DType::bf16)) narrowest_ = t;
    }
  });
  return *narrowest_;
}

// Runs both again with every intermediate value in sight and names the first node whose value differs.
void Verifier::find_divergence(const std::vector<ir::Tensor>& inputs, VerifyRun& run) {
  std::map<std::string, ir::Tensor, std::less<>> computed;
  evaluate(inputs, [&](const ir::Value& value, const Argument& v) {
    if (v.as<ir::Tensor>() != nullptr && value.producer() != nullptr &&
        value.producer()->provenance() != nullptr && value.index() == 0) {
      computed[value.producer()->provenance()->original_name] = *v.as<ir::Tensor>();
    }
  });
  try {
    const std::unique_ptr<ir::Graph> graph = read_model(onnx_);
    // The last node made of a torch operator holds its result.
    std::map<std::string, ir::Node*> last;
    std::vector<std::pair<std::string, ir::Node*>> order;
    for (ir::Node* node : graph->body()) {
      const ir::Provenance* p = node->provenance();
      if (p != nullptr && computed.contains(p->original_name) && node->output_count() != 0)
        last[p->original_name] = node;
    }
    for (ir::Node* node : graph->body()) {
      const ir::Provenance* p = node->provenance();
      if (p == nullptr) continue;
      const auto found = last.find(p->original_name);
      if (found == last.end() || found->second != node) continue;
      order.emplace_back(p->original_name, node);
    }
    std::vector<ir::Value*> results;
    graph->output_names.clear();
    for (const auto& [name, node] : order) {
      results.push_back(node->output());
      graph->output_names.push_back("onnxport_probe_" + std::to_string(results.size()));
    }
    graph->body().set_results(results);
    const ScratchFolder scratch;
    const std::filesystem::path file = scratch.path() / "probe.onnx";
    write_model(*graph, file, {});
    OrtSession session(file, options_.ort_libraries);
    const std::vector<ir::Tensor> actual = session.run(feeds(session, inputs));
    for (size_t i = 0; i < order.size() && i < actual.size(); ++i) {
      const ir::Tensor& expected = computed.find(order[i].first)->second;
      if (expected.dims() != actual[i].dims() || expected.dtype() != actual[i].dtype())
        continue;  // inside an operator
      if (compare(expected, actual[i], options_.rtol, options_.atol).equal) continue;
      const ir::Node* node = order[i].second;
      run.first_diverging_node = std::string(node->name().empty() ? node->op_text() : node->name().text());
      run.message += "; the first node that differs is " + run.first_diverging_node + " (" +
                     std::string(node->op_text()) +
                     (node->provenance()->source.empty() ? "" : ", " + node->provenance()->source) + ")";
      return;
    }
  } catch (const Error& e) {
    run.message += "; the first diverging node could not be found: " + e.diagnostics().front().message;
  }
}

void Verifier::write_case(const std::vector<ir::Tensor>& inputs,
                          const std::vector<ir::Tensor>& outputs) const {
  const std::filesystem::path folder = *options_.write_case / "test_data_set_0";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error("S705", "the folder " + folder.string() + " cannot be made: " + error.message());
  for (size_t i = 0; i < inputs.size(); ++i) {
    write_tensor_file(as_onnx_input(inputs[i]), captured_.input_names[i],
                      folder / ("input_" + std::to_string(i) + ".pb"));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    write_tensor_file(as_onnx_input(outputs[i]), "output_" + std::to_string(i),
                      folder / ("output_" + std::to_string(i) + ".pb"));
  }
}

}  // namespace

VerifyReport verify(const ir::Graph& captured, const std::vector<InputSpec>& specs,
                    const std::filesystem::path& onnx, Registry& registry, const VerifyOptions& options) {
  Verifier verifier(captured, specs, onnx, registry, options);
  VerifyReport out;
  out.runs.push_back(verifier.run(example_sizes(captured), true));
  if (options.second_size && !captured.symbols.empty())
    out.runs.push_back(verifier.run(second_sizes(captured), false));
  out.not_independently_checked = verifier.unchecked();
  return out;
}

}  // namespace onnxport
