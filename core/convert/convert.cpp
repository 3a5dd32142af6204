#include "core/convert/convert.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/convert/complete_types.h"
#include "core/convert/splice.h"
#include "core/legalize/table.h"
#include "core/onnx/convert.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

// Nodes that calls may become: more are a file that was made to be endless.
constexpr size_t kMostNodes = 1u << 20;

using Functions = std::map<FunctionId, const pb::FunctionProto*>;

int opset_of(const ir::Graph& graph, int otherwise) {
  const auto found = graph.opsets.find("");
  return found == graph.opsets.end() ? otherwise : found->second;
}

// What the file itself does not keep to is not blamed on a rule.
void check_as_read(const ir::Graph& graph, int opset, Registry& registry, std::vector<Diagnostic>& out) {
  for (Diagnostic& d : check_legality(graph, opset, registry)) {
    if (d.code == "O605") throw Error(std::move(d));
    d.code = "I126";
    d.message = "the file does not keep to its own opset: " + d.message;
    d.hint = "the file was written wrongly: run onnx.checker on it";
    out.push_back(std::move(d));
  }
}

bool refers_to_attributes(const ir::Node& node, const onnx::GraphFacts& facts) {
  const auto rest = facts.nodes.find(&node);
  return rest != facts.nodes.end() &&
         std::any_of(rest->second.attribute().begin(), rest->second.attribute().end(),
                     [](const pb::AttributeProto& a) { return !a.ref_attr_name().empty(); });
}

class Conversion {
 public:
  Conversion(onnx::ModelForm& model, const onnx::ModelFile& file, int opset, const DomainOpsets& domains,
             Registry& registry)
      : model_(model), file_(file), opset_(opset), domains_(domains), registry_(registry) {
    for (const pb::FunctionProto& f : file.proto().functions())
      functions_[{f.domain(), f.name(), f.overload()}] = &f;
  }

  void run(std::vector<Diagnostic>& notes) {
    const std::set<FunctionId> ambiguous = complete_types(model_);
    check_source();
    if (!functions_.empty()) choose(ambiguous);
    bring(*model_.graph, notes);
    std::vector<Diagnostic> ignored;  // the same as of the graph
    auto& forms = model_.facts.functions;
    std::erase_if(forms, [&](const onnx::LocalFunctionForm& f) { return expanded_.contains(id_of(f)); });
    for (onnx::LocalFunctionForm& form : forms) bring(*form.graph, ignored);
    if (!expanded_.empty() && failures_.empty()) {
      expand(*model_.graph, model_.facts.graph, 0);
      for (onnx::LocalFunctionForm& form : forms) expand(*form.graph, form.facts, 0);
    }
    if (!failures_.empty()) throw Error(std::move(failures_));
  }

 private:
  static FunctionId id_of(const onnx::LocalFunctionForm& form) {
    return {form.rest.domain(), form.rest.name(), form.rest.overload()};
  }

  void check_source() {
    std::vector<Diagnostic> wrong;
    check_as_read(*model_.graph, opset_of(*model_.graph, opset_), registry_, wrong);
    for (const onnx::LocalFunctionForm& form : model_.facts.functions)
      check_as_read(*form.graph, opset_of(*form.graph, opset_), registry_, wrong);
    if (!wrong.empty()) throw Error(std::move(wrong));
  }

  void bring(ir::Graph& graph, std::vector<Diagnostic>& notes) {
    try {
      legalize(graph, opset_, registry_, notes, domains_);
    } catch (const Error& e) {
      failures_.insert(failures_.end(), e.diagnostics().begin(), e.diagnostics().end());
    }
  }

  // ---- which functions cannot stay ----

  bool changes(const ir::Node& node, const OpsetTable& before, const OpsetTable& after) const {
    if (!is_standard(node)) return false;
    const onnxport_op_def* old = before.find(op_type_of(node));
    const onnxport_op_def* now = after.find(op_type_of(node));
    return old == nullptr || now == nullptr || old->since_version != now->since_version;
  }

  void choose(const std::set<FunctionId>& ambiguous) {
    const OpsetPlugin* target = registry_.opset("", opset_);
    if (target == nullptr) return;  // legalize says so
    const OpsetTable after(*target->opset);
    for (onnx::LocalFunctionForm& form : model_.facts.functions) {
      const OpsetPlugin* source = registry_.opset("", opset_of(*form.graph, opset_));
      if (source == nullptr) continue;
      const OpsetTable before(*source->opset);
      const bool any = ambiguous.contains(id_of(form));
      for_each_node(form.graph->body(), [&](ir::Node* node) {
        if ((any || refers_to_attributes(*node, form.facts)) && changes(*node, before, after))
          expanded_.insert(id_of(form));
      });
    }
    // Who hands his own attributes on to one of these is known only in his calls, too.
    for (size_t before = 0; before != expanded_.size();) {
      before = expanded_.size();
      for (onnx::LocalFunctionForm& form : model_.facts.functions) {
        for_each_node(form.graph->body(), [&](ir::Node* node) {
          if (refers_to_attributes(*node, form.facts) && expanded_.contains(called_by(*node, form.facts)))
            expanded_.insert(id_of(form));
        });
      }
    }
  }

  // ---- bodies in place of calls ----

  void expand(ir::Graph& graph, onnx::GraphFacts& facts, int depth) {
    std::vector<ir::Node*> calls;
    for_each_node(graph.body(), [&](ir::Node* node) {
      if (!is_standard(*node) && expanded_.contains(called_by(*node, facts))) calls.push_back(node);
    });
    for (ir::Node* call : calls) expand_call(*call, graph, facts, depth);
  }

  void expand_call(ir::Node& call, ir::Graph& graph, onnx::GraphFacts& facts, int depth) {
    std::vector<pb::AttributeProto> given;
    const auto rest = facts.nodes.find(&call);
    for (const ir::Attribute& attribute : call.attributes()) {
      pb::AttributeProto proto;
      onnx::to_proto(attribute, proto);
      if (proto.type() != pb::AttributeProto::UNDEFINED) given.push_back(std::move(proto));
    }
    if (rest != facts.nodes.end())
      given.insert(given.end(), rest->second.attribute().begin(), rest->second.attribute().end());
    onnx::LocalFunctionForm body = file_.read_call(*functions_.at(called_by(call, facts)), given);
    expanded_nodes_ += body.graph->node_count();
    if (expanded_nodes_ > kMostNodes || depth > 64)
      throw Error("I123", "calls of local functions become too many nodes", location_of_call(call),
                  "inline the functions before, with onnx.inliner");
    const auto parameters = body.graph->body().parameters();
    for (size_t i = 0; i < parameters.size() && i < call.operand_count(); ++i) {
      if (call.operand(i) != nullptr) parameters[i]->set_type(call.operand(i)->type());
    }
    complete_types(*body.graph);
    std::vector<Diagnostic> ignored;
    bring(*body.graph, ignored);
    expand(*body.graph, body.facts, depth + 1);
    splice(body, call, graph, facts);
  }

  static Location location_of_call(const ir::Node& call) {
    Location place;
    place.node = std::string(call.op_text());
    return place;
  }

  onnx::ModelForm& model_;
  const onnx::ModelFile& file_;
  int opset_;
  const DomainOpsets& domains_;
  Registry& registry_;
  Functions functions_;
  std::set<FunctionId> expanded_;
  std::vector<Diagnostic> failures_;
  size_t expanded_nodes_ = 0;
};

}  // namespace

void convert(onnx::ModelForm& model, const onnx::ModelFile& file, int opset, const DomainOpsets& domains,
             Registry& registry, std::vector<Diagnostic>& notes) {
  Conversion(model, file, opset, domains, registry).run(notes);
}

}  // namespace onnxport
