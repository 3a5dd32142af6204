// Operators of the model that libtorch or ONNX Runtime cannot run: stand-ins for what they compute.
#include <algorithm>

#include "core/builder/graph_builder.h"
#include "core/host/host.h"
#include "core/ir/pivot.h"
#include "core/legalize/legalize.h"
#include "core/onnx/read_model.h"
#include "core/serialize/scratch_folder.h"
#include "core/serialize/serialize.h"
#include "core/translate/translate.h"
#include "core/verify/verifier.h"

namespace onnxport {
namespace {

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

}  // namespace

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
  call.classes = &registry_.custom_classes();
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
      computed.push_back(random_tensor(v->type(), none, 7919 + made_up_.size(), {.limit = 4}));
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
      out.emplace_back(input.name, random_tensor(input.type, sizes, out.size(), {.limit = 4}));
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

}  // namespace onnxport
