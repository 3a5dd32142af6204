#include "core/host/host.h"

#include <algorithm>
#include <array>

#include "core/errors/breadcrumb.h"
#include "core/errors/floating_point_state.h"
#include "core/host/context.h"
#include "core/host/order.h"
#include "core/host/plugin_inference.h"
#include "core/ir/utf8.h"

namespace onnxport {
namespace {

constexpr const char* kReportToPublisher = "this is a defect of the plugin: report it to its publisher";

struct Interface {
  std::string_view id;
  const void* table;
};
constexpr std::array<Interface, 11> kInterfaces = {{
    {"onnxport.op/1", &kOpApi},
    {"onnxport.graph/1", &kGraphApi},
    {"onnxport.dim/1", &kDimApi},
    {"onnxport.emit/1", &kEmitApi},
    {"onnxport.diag/1", &kDiagApi},
    {"onnxport.options/1", &kOptionsApi},
    {"onnxport.rewrite/1", &kRewriteApi},
    {"onnxport.match/1", &kMatchApi},
    {"onnxport.weight/1", &kWeightApi},
    {"onnxport.onnx_body/1", &kOnnxBodyApi},
    {"onnxport.infer_result/1", &kInferResultApi},
}};

const void* get_interface(const onnxport_host*, onnxport_str id) {
  if (id.data == nullptr || id.size > 256) return nullptr;
  const std::string_view name(id.data, static_cast<size_t>(id.size));
  for (const Interface& i : kInterfaces) {
    if (i.id == name) return i.table;
  }
  return nullptr;
}

constexpr std::string_view kVersion = ONNXPORT_VERSION;
constexpr onnxport_host kHost = {sizeof(onnxport_host),
                                 ONNXPORT_ABI_MAJOR,
                                 ONNXPORT_ABI_MINOR,
                                 {kVersion.data(), kVersion.size()},
                                 get_interface};

bool has_complex(const Argument& b) {
  if (b.kind() == Argument::Kind::complex_number) return true;
  if (b.value() != nullptr) return b.value()->type().stands_for_complex();
  return std::any_of(b.items().begin(), b.items().end(), has_complex);
}

// Calls a plugin's function. No exception should cross; what does is caught all the same.
int32_t call_plugin(onnxport_translate_fn function, const void* user, onnxport_context& context) {
  context.calls = HostCalls::of(context.plugin_id);
  const FloatingPointState state;
  try {
    const int32_t status = function(&context, user);
    if (context.calls != nullptr && context.failed && status == ONNXPORT_OK)
      context.calls->ended_well_in_spite_of_it();
    return status;
  } catch (const std::exception& e) {
    const std::string what =
        ir::is_utf8(e.what()) ? std::string(": ") + e.what() : " (its words are not UTF-8)";
    context.fail("T504", "an exception left the plugin" + what, kReportToPublisher);
  } catch (...) {
    context.fail("T504", "an exception left the plugin", kReportToPublisher);
  }
  if (context.calls != nullptr) context.calls->left_by_exception();
  return ONNXPORT_FAILED;
}

// Everything emitted goes, and blocks go back to whom they were taken from.
void undo(onnxport_context& context, const GraphBuilder::Mark& mark) {
  GraphBuilder& builder = context.builder;
  // First: what is erased loses what its blocks hold. The last lender may have had its block from one before it.
  for (auto lender = context.lenders.rbegin(); lender != context.lenders.rend(); ++lender) {
    for (ir::Block* block : lender->blocks) lender->node->adopt_block(block);
  }
  for (auto place = context.places.rbegin(); place != context.places.rend(); ++place) {
    builder.rollback(place->mark);
    if (std::next(place) != context.places.rend()) builder.insert_before(std::next(place)->before);
  }
  if (context.places.empty()) builder.rollback(mark);
}

// The state an attempt ended in; the graph is as before unless it is `done`.
Outcome settle(onnxport_context& context, int32_t status, const GraphBuilder::Mark& mark) {
  Outcome out;
  if (status == ONNXPORT_OK && context.ok() && context.open_blocks != 0)
    context.misuse("a block was left open");
  if (status == ONNXPORT_OK && context.ok() && !context.finished && context.view == nullptr)
    context.misuse("no results were given");
  out.notes = std::move(context.notes);
  if (status == ONNXPORT_OK && context.ok()) {
    out.status = Outcome::Status::done;
    for (const auto& [domain, version] : context.domains) {
      int& stated = context.builder.graph().opsets[domain];
      stated = std::max(stated, version);
    }
    return out;
  }
  const bool declined = context.declined && !context.failed;
  out.status = declined ? Outcome::Status::declined : Outcome::Status::failed;
  out.cause = std::move(context.cause);
  if (context.lacks_subject && out.cause.hint.empty())
    out.cause.hint =
        "the mapping is made for other overloads of the operator; a plugin can map this one, see "
        "docs/plugins.md";
  if (out.cause.message.empty()) out.cause.message = "status " + std::to_string(status) + " without a reason";
  undo(context, mark);
  return out;
}

// A node that a block was taken from has to go.
std::string wrong_blocks(const onnxport_context& context) {
  for (const onnxport_context::Lender& lender : context.lenders) {
    const bool goes = std::any_of(context.replacements.begin(), context.replacements.end(),
                                  [&](const Replacement& r) { return r.node == lender.node; });
    const bool whole = std::all_of(lender.blocks.begin(), lender.blocks.end(),
                                   [&](const ir::Block* block) { return block->owner() == lender.node; });
    if (!whole && !goes)
      return "a block of " + std::string(lender.node->op_text()) +
             ", which stays, became that of another node";
  }
  return "";
}

bool is_list(const ir::Type& type) {
  return type.kind() == ir::Type::Kind::list || type.kind() == ir::Type::Kind::tuple;
}

}  // namespace

const onnxport_host* plugin_host() { return &kHost; }

const Argument* find_argument(const Call& call, std::string_view name, const ir::SchemaArgument** declared) {
  if (call.schema == nullptr) return nullptr;
  static const ir::CustomClasses none;
  const auto found = (call.classes == nullptr ? none : *call.classes).find_argument(*call.schema, name);
  if (!found || found->index >= call.arguments.size()) return nullptr;
  if (declared != nullptr) *declared = found->declared;
  const Argument& argument = call.arguments[found->index];
  if (!found->part) return &argument;
  return *found->part < argument.items().size() ? &argument.items()[*found->part] : nullptr;
}

namespace {

// Of a part of an object; a tensor may be a constant or a value.
bool is_of_type(const Argument& part, std::string_view type) {
  using Kind = Argument::Kind;
  if (type.ends_with('?')) {
    if (part.is_none()) return true;
    type.remove_suffix(1);
  }
  if (type.ends_with("[]")) {
    if (part.kind() != Kind::list) return false;
    type.remove_suffix(2);
    return std::all_of(part.items().begin(), part.items().end(),
                       [&](const Argument& item) { return is_of_type(item, type); });
  }
  if (type == "Tensor") return part.kind() == Kind::tensor || part.kind() == Kind::value;
  if (type == "int") return part.kind() == Kind::integer;
  if (type == "float") return part.kind() == Kind::real;
  if (type == "bool") return part.kind() == Kind::boolean;
  return type == "str" && part.kind() == Kind::string;
}

}  // namespace

std::optional<Diagnostic> wrong_object(const Call& call) {
  for (size_t i = 0; call.schema != nullptr && i < call.schema->arguments.size() && i < call.arguments.size();
       ++i) {
    const ir::SchemaArgument& argument = call.schema->arguments[i];
    const std::string_view type = ir::class_of_type(argument.type);
    if (type.empty()) continue;
    const ir::CustomClass* described = call.classes == nullptr ? nullptr : call.classes->find(type);
    if (described == nullptr)
      return Diagnostic{Severity::error,
                        "T553",
                        "no manifest says what the object '" + argument.name + "' of the class " +
                            std::string(type) + " is made of",
                        {},
                        "add it to the plugin's manifest: provides: {classes: [\"" + std::string(type) +
                            "(Tensor weight)\"]}, the parts of what its __getstate__ gives"};
    const auto parts = call.arguments[i].items();
    std::string why;
    if (parts.size() != described->parts.size())
      why = "its state has " + std::to_string(parts.size()) + (parts.size() == 1 ? " part" : " parts");
    for (size_t k = 0; why.empty() && k < parts.size(); ++k) {
      if (!is_of_type(parts[k], described->parts[k].type))
        why = "its part '" + described->parts[k].name + "' is no " + described->parts[k].type;
    }
    if (!why.empty())
      return Diagnostic{Severity::error,
                        "T553",
                        "the object '" + argument.name + "' is not what the plugin " + described->plugin +
                            " says of its class, " + described->text() + ": " + why,
                        {},
                        "correct provides.classes at " + described->location.text()};
  }
  return std::nullopt;
}

std::string wrong_results(std::span<const Argument> results, const Call& call) {
  const size_t wanted = call.outputs.size();
  // After the results come the new contents of what the operator writes.
  const auto is_written = [](const ir::SchemaArgument& a) { return a.is_written; };
  const size_t most =
      std::max<size_t>(wanted, 1) +
      (call.schema == nullptr ? 0
                              : static_cast<size_t>(std::count_if(call.schema->arguments.begin(),
                                                                  call.schema->arguments.end(), is_written)));
  const auto is_given_list = [&](size_t i) { return results[i].list() != nullptr; };
  // One list may stand for all of an operator that returns several tensors.
  if (results.size() == 1 && is_given_list(0) && (wanted > 1 || wanted == 0)) return "";
  if (results.size() > most) {
    return "gives " + std::to_string(results.size()) + " results where " + std::to_string(wanted) +
           " are needed";
  }
  for (size_t i = 0; i < wanted; ++i) {
    const std::string which = " result " + std::to_string(i);
    const bool given = i < results.size() && !results[i].is_none();
    if (!given) {
      if (call.outputs[i]->has_uses())
        return "gives " + std::to_string(results.size()) + " results, and nothing for" + which +
               ", which is used";
      continue;
    }
    const ir::Type& type = call.outputs[i]->type();
    if (type.is_tensor() && is_given_list(i)) return "gives a list for" + which + ", which is a tensor";
    if (is_list(type) && results[i].value() != nullptr && results[i].value()->type().is_tensor())
      return "gives a tensor for" + which + ", which is a list";
  }
  return "";
}

Outcome run_mapping(const Candidate& candidate, const Call& call, GraphBuilder& builder, Registry& registry) {
  if (auto wrong = wrong_object(call)) {
    Outcome failed;
    failed.status = Outcome::Status::failed;
    failed.cause = std::move(*wrong);
    return failed;
  }
  if (candidate.manifest != nullptr) return run_manifest_mapping(candidate, call, builder, registry);
  Outcome out;
  const bool complex = std::any_of(call.arguments.begin(), call.arguments.end(), has_complex);
  if (!complex && (candidate.mapping->flags & ONNXPORT_ONLY_COMPLEX) != 0) return out;
  if (complex && (candidate.mapping->flags & (ONNXPORT_TAKES_COMPLEX | ONNXPORT_ONLY_COMPLEX)) == 0) {
    out.cause.message = "does not take complex tensors";
    return out;
  }
  const GraphBuilder::Mark mark = builder.mark();
  onnxport_context context(builder, call.target_opset);
  context.call = &call;
  context.registry = &registry;
  context.plugin_id = candidate.plugin_id;
  const Breadcrumb crumb(candidate.plugin_id, candidate.plugin_version, call.name, "T504");
  const int32_t status = call_plugin(candidate.mapping->translate, candidate.mapping->user, context);
  if (status == ONNXPORT_OK && context.ok() && context.finished) {
    if (const std::string wrong = wrong_results(context.results, call); !wrong.empty()) context.misuse(wrong);
  }
  out = settle(context, status, mark);
  if (out.status == Outcome::Status::done) out.results = std::move(context.results);
  return out;
}

Outcome run_rule(const RuleCall& call, ir::Node& node, GraphBuilder& builder) {
  builder.insert_before(&node);
  builder.set_provenance(node.provenance());
  const GraphBuilder::Mark mark = builder.mark();
  onnxport_context context(builder, call.target_opset);
  context.root = &node;
  context.registry = call.registry;
  context.plugin_id = call.plugin_id;
  context.places.push_back({&node, mark});
  const Breadcrumb crumb(call.plugin_id, call.plugin_version, node.op_text(), "T504");
  const int32_t status = call_plugin(call.rule->rewrite, call.rule->user, context);
  if (status == ONNXPORT_OK && context.ok() && context.finished) {
    if (const std::string wrong = wrong_order(context); !wrong.empty()) {
      context.fail("T506", wrong, "a value can be read only after the node that makes it, and not by it");
    } else if (const std::string taken = wrong_blocks(context); !taken.empty()) {
      context.fail("T506", taken, "replace the node that a block is taken from");
    }
  }
  Outcome out = settle(context, status, mark);
  if (out.status != Outcome::Status::done) return out;
  out.replacements = std::move(context.replacements);
  std::stable_partition(out.replacements.begin(), out.replacements.end(),
                        [&](const Replacement& r) { return r.node == &node; });
  return out;
}

std::optional<OperatorInference::Result> PluginInference::infer(const onnx::NodeView& node,
                                                                GraphBuilder& builder) const {
  const InferencePlugin* plugin = registry_.inference(node.domain, node.op_type);
  if (plugin == nullptr) return std::nullopt;
  const GraphBuilder::Mark mark = builder.mark();
  onnxport_context context(builder, builder.opset());
  context.view = &node;
  context.registry = &registry_;
  context.plugin_id = plugin->plugin_id;
  context.types.assign(node.outputs, ir::Type::tensor());
  context.elements.resize(node.outputs);
  const Breadcrumb crumb(plugin->plugin_id, plugin->plugin_version, node.op_type, "T504");
  const int32_t status = call_plugin(plugin->inference->infer, plugin->inference->user, context);
  Outcome outcome = settle(context, status, mark);
  if (outcome.status == Outcome::Status::declined) return std::nullopt;
  if (outcome.status == Outcome::Status::failed) {
    Diagnostic cause = std::move(outcome.cause);
    if (cause.code.empty()) cause.code = "T510";
    cause.message = "plugin " + plugin->plugin_id + " cannot infer the types of " + onnx::text(node) + ": " +
                    cause.message;
    throw Error(std::move(cause));
  }
  return Result{std::move(context.types), std::move(context.elements)};
}

}  // namespace onnxport
