#include "core/serialize/module_functions.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "core/ir/graph_clone.h"
#include "core/serialize/proto_builder.h"

namespace onnxport {
namespace {

constexpr std::string_view kDefaultDomain = "modules";
constexpr uint64_t kLargestOwnConstant = 1024;  // bytes; larger ones are written with the weights

using Values = std::vector<ir::Value*>;

bool is_below(std::string_view path, std::string_view module) {
  return path.starts_with(module) && (path.size() == module.size() || path[module.size()] == '.');
}

size_t depth_of(std::string_view path) {
  return static_cast<size_t>(std::count(path.begin(), path.end(), '.'));
}

// `*` stands for one part of the path.
bool matches(std::string_view pattern, std::string_view path) {
  for (;;) {
    const size_t p = pattern.find('.'), q = path.find('.');
    const std::string_view part = pattern.substr(0, p);
    if (part != "*" && part != path.substr(0, q)) return false;
    if (p == std::string_view::npos || q == std::string_view::npos) return p == q;
    pattern.remove_prefix(p + 1);
    path.remove_prefix(q + 1);
  }
}

bool is_identifier(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || more.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::string qualified(const std::string& name) {
  return name.find("::") != std::string::npos ? name : std::string(kDefaultDomain) + "::" + name;
}

// Calls `visit` with every value that the node, or a node of its blocks, reads.
void for_each_read(const ir::Node& node, const std::function<void(ir::Value*)>& visit) {
  for (size_t i = 0; i < node.operand_count(); ++i) {
    if (node.operand(i) != nullptr) visit(node.operand(i));
  }
  for (const ir::Block* block : node.blocks()) {
    for (const ir::Node* inner : *block) for_each_read(*inner, visit);
    for (size_t i = 0; i < block->result_count(); ++i) visit(block->result(i));
  }
}

// The nodes of one module, and what lies between them.
struct Region {
  std::vector<ir::Node*> nodes;  // in order
  std::vector<ir::Node*> after;  // between them, and reading from them
  Values inputs, weights, constants, outputs;
};

class ModuleFunctions {
 public:
  ModuleFunctions(ir::Graph& graph, const FunctionNames& functions, bool strip,
                  std::vector<Diagnostic>& notes)
      : graph_(graph), functions_(functions), strip_(strip), notes_(notes) {
    for (const ir::Node* node : graph.body()) taken_.insert(std::string(node->op_text()));
    for (const ir::LocalFunction& f : graph.functions) taken_.insert(f.domain + "::" + f.name);
  }

  void run() {
    for (const auto& [path, name] : instances()) {
      std::optional<Region> region = region_of(path);
      if (region && !region->outputs.empty()) replace(*region, path, qualified(name));
    }
    for (const auto& [path, name] : functions_) {
      if (!used_.contains(path))
        note("no node is from the module '" + path + "', which was to be the function " + name);
    }
  }

 private:
  void note(std::string text) { notes_.push_back({Severity::note, "S717", std::move(text), {}, {}}); }

  const std::string* name_of(const std::string& path) {
    const auto exact = functions_.find(path);
    if (exact != functions_.end()) {
      used_.insert(exact->first);
      return &exact->second;
    }
    for (const auto& [pattern, name] : functions_) {
      if (pattern.find('*') == std::string::npos || !matches(pattern, path)) continue;
      used_.insert(pattern);
      return &name;
    }
    return nullptr;
  }

  // Module path and function of each module that is named and has nodes; inner ones first, else in the order of the graph.
  std::vector<std::pair<std::string, std::string>> instances() {
    std::vector<std::pair<std::string, std::string>> out;
    std::unordered_set<std::string> seen;
    for (const ir::Node* node : graph_.body()) {
      std::string path = node->provenance() == nullptr ? "" : node->provenance()->module_path;
      while (!path.empty() && seen.insert(path).second) {
        if (const std::string* name = name_of(path)) out.emplace_back(path, *name);
        const size_t dot = path.rfind('.');
        path.resize(dot == std::string::npos ? 0 : dot);
      }
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return depth_of(a.first) > depth_of(b.first); });
    return out;
  }

  // The node of the graph's body that makes a value, itself or in one of its blocks; null: none does.
  const ir::Node* maker_of(const ir::Value& value) const {
    const ir::Node* node = value.producer();
    while (node != nullptr && node->parent() != &graph_.body()) node = node->parent()->owner();
    return node;
  }

  std::vector<ir::Node*> nodes_of(const std::string& path) const {
    std::vector<ir::Node*> out;
    for (ir::Node* node : graph_.body()) {
      if (node->provenance() != nullptr && is_below(node->provenance()->module_path, path))
        out.push_back(node);
    }
    return out;
  }

  std::optional<Region> region_of(const std::string& path) {
    Region out;
    out.nodes = nodes_of(path);
    if (out.nodes.empty()) return std::nullopt;
    const std::unordered_set<const ir::Node*> inside(out.nodes.begin(), out.nodes.end());
    std::unordered_set<const ir::Node*> after;
    for (ir::Node* node = out.nodes.front(); node != out.nodes.back()->next(); node = node->next()) {
      bool from_inside = false, from_after = false;
      for_each_read(*node, [&](const ir::Value* value) {
        const ir::Node* maker = maker_of(*value);
        from_inside |= maker != node && inside.contains(maker);
        from_after |= maker != node && after.contains(maker);
      });
      if (inside.contains(node) && from_after) {
        note("the module '" + path +
             "' stays nodes: others between them read what it computes and give it back");
        return std::nullopt;
      }
      if (inside.contains(node) || (!from_inside && !from_after)) continue;
      after.insert(node);
      out.after.push_back(node);
    }
    add_ends(out, inside);
    return out;
  }

  void add_ends(Region& out, const std::unordered_set<const ir::Node*>& inside) const {
    std::unordered_set<const ir::Value*> seen;
    for (const ir::Node* node : out.nodes) {
      for_each_read(*node, [&](ir::Value* value) {
        const bool inner = value->producer() != nullptr
                               ? inside.contains(maker_of(*value))
                               : value->block() != nullptr && value->block() != &graph_.body();
        if (inner || !seen.insert(value).second) return;
        const bool own = value->is_constant() && value->name().empty() &&
                         value->constant()->byte_size() <= kLargestOwnConstant;
        (own ? out.constants : value->is_constant() ? out.weights : out.inputs).push_back(value);
      });
    }
    std::unordered_set<const ir::Value*> wanted;
    for (const ir::Node* node : graph_.body()) {
      if (inside.contains(node)) continue;
      for_each_read(*node, [&](const ir::Value* value) { wanted.insert(value); });
    }
    for (size_t i = 0; i < graph_.body().result_count(); ++i) wanted.insert(graph_.body().result(i));
    for (const ir::Node* node : out.nodes) {
      for (ir::Value* value : node->outputs()) {
        if (wanted.contains(value)) out.outputs.push_back(value);
      }
    }
  }

  // ---- the function ----

  // A weight is called as the module calls it.
  static std::string own_name(const ir::Value& weight, const std::string& path) {
    const std::string_view name = weight.name().text();
    return std::string(name.size() > path.size() && is_below(name, path) ? name.substr(path.size() + 1)
                                                                         : name);
  }

  void name_inputs(ir::Graph& body, const Region& region, const std::string& path) const {
    std::set<std::string> taken;
    size_t count = 0;
    for (; count < region.inputs.size(); ++count) {
      body.input_names.push_back(region.inputs.size() == 1 ? "input" : "input_" + std::to_string(count));
      taken.insert(body.input_names.back());
    }
    for (const ir::Value* weight : region.weights) {
      std::string name = own_name(*weight, path);
      if (name.empty()) name = "constant_" + std::to_string(count++);
      while (!taken.insert(name).second) name += "_2";
      body.input_names.push_back(std::move(name));
    }
  }

  // Places inside the module, so that two of its kind are the same.
  static void make_relative(ir::Graph& body, const ir::Block& block, const std::string& path) {
    for (ir::Node* node : block) {
      if (const ir::Provenance* from = node->provenance()) {
        const bool inner = from->module_path.size() > path.size();
        node->set_provenance(
            body.keep({inner ? from->module_path.substr(path.size() + 1) : "", from->source, ""}));
      }
      for (const ir::Block* inside : node->blocks()) make_relative(body, *inside, path);
    }
  }

  std::string bytes_of(const Region& region, const std::string& path) const {
    ir::Graph body(ir::Graph::Dialect::onnx);
    body.opsets = graph_.opsets;
    std::unordered_map<const ir::Value*, ir::Value*> values;
    for (const Values* given : {&region.inputs, &region.weights}) {
      for (const ir::Value* value : *given) values[value] = body.body().add_parameter(value->type());
    }
    for (const ir::Value* value : region.constants) {
      values[value] = body.add_initializer("", *value->constant());
      values[value]->set_type(value->type());
    }
    ir::copy_nodes(graph_, {region.nodes.begin(), region.nodes.end()}, body, values);
    make_relative(body, body.body(), path);
    name_inputs(body, region, path);
    Values results;
    for (const ir::Value* value : region.outputs) {
      results.push_back(values.at(value));
      body.output_names.push_back(
          region.outputs.size() == 1 ? "output" : "output_" + std::to_string(results.size() - 1));
    }
    body.body().set_results(results);
    return build_function(body, strip_).SerializeAsString();
  }

  // The function of these bytes, under the name or one with a number behind it.
  std::string function(const std::string& name, const std::string& bytes) {
    const auto known = made_.find({name, bytes});
    if (known != made_.end()) return known->second;
    std::string id = name;
    for (size_t count = 2; !taken_.insert(id).second; ++count) id = name + "_" + std::to_string(count);
    pb::FunctionProto proto;
    proto.ParseFromString(bytes);
    const auto [domain, op_type] = split_op(id);
    proto.set_domain(std::string(domain));
    proto.set_name(std::string(op_type));
    graph_.functions.push_back({std::string(domain), std::string(op_type), proto.SerializeAsString()});
    made_[{name, bytes}] = id;
    return id;
  }

  void replace(const Region& region, const std::string& path, const std::string& name) {
    const std::string id = function(name, bytes_of(region, path));
    Values operands = region.inputs;
    operands.insert(operands.end(), region.weights.begin(), region.weights.end());
    ir::Node* call = graph_.create(id, operands);
    const ir::Provenance* last = region.nodes.back()->provenance();
    call->set_provenance(graph_.keep({path, last->source, last->original_name}));
    graph_.insert_after(region.nodes.back(), call);
    ir::Node* place = call;
    for (ir::Node* node : region.after) {
      graph_.unlink(node);
      graph_.insert_after(place, node);
      place = node;
    }
    for (ir::Value* value : region.outputs) {
      ir::Value* given = call->add_output(value->type());
      given->set_name(value->name());
      value->replace_all_uses_with(given);
    }
    for (auto node = region.nodes.rbegin(); node != region.nodes.rend(); ++node) graph_.erase(*node);
  }

  ir::Graph& graph_;
  const FunctionNames& functions_;
  bool strip_;
  std::vector<Diagnostic>& notes_;
  std::unordered_set<std::string> used_;                             // of functions_
  std::unordered_set<std::string> taken_;                            // operators and functions
  std::map<std::pair<std::string, std::string>, std::string> made_;  // name and bytes -> function
};

}  // namespace

void check_function_names(const FunctionNames& functions) {
  for (const auto& [path, name] : functions) {
    const auto [domain, op_type] = split_op(name);
    if (!is_identifier(op_type, "_") ||
        (name.find("::") != std::string::npos && !is_identifier(domain, "_.-")))
      throw Error("S716", "'" + name + "' is no name of a function", {},
                  "for example Layer, or com.acme.models::Layer");
    if (path.empty() || path.front() == '.' || path.back() == '.' || path.find("..") != std::string::npos)
      throw Error("S716", "'" + path + "' is no path of a module, which is to be the function " + name, {},
                  "for example encoder.layers.0, or encoder.layers.* for each of them");
  }
}

void keep_modules_as_functions(ir::Graph& graph, const FunctionNames& functions, bool strip,
                               std::vector<Diagnostic>& notes) {
  if (!functions.empty()) ModuleFunctions(graph, functions, strip, notes).run();
}

}  // namespace onnxport
