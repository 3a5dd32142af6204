// Composite operators no mapping takes: recorded by libtorch as smaller ones, which are then translated in
// their place.
#include <algorithm>

#include "core/prepare/prepare.h"
#include "core/translate/translator.h"

namespace onnxport {
namespace {

// What the recording depends on: types of values, contents of constants.
void add_to_key(const Argument& argument, std::string& key) {
  key += '|';
  key += static_cast<char>('a' + static_cast<int>(argument.kind()));
  if (argument.value() != nullptr) {
    key += torch_type(argument.value()->type()).text();
  } else if (const auto i = argument.to_int()) {
    key += std::to_string(*i);
  } else if (const auto* d = argument.as<double>()) {
    key.append(reinterpret_cast<const char*>(d), sizeof *d);
  } else if (const auto* s = argument.as<std::string>()) {
    key += std::to_string(s->size()) + ':' + *s;
  } else if (const auto* t = argument.as<ir::DType>()) {
    key += std::to_string(static_cast<int>(*t));
  } else if (const auto* c = argument.as<std::complex<double>>()) {
    key.append(reinterpret_cast<const char*>(c), sizeof *c);
  } else if (argument.list() != nullptr) {
    for (const Argument& item : argument.items()) add_to_key(item, key);
    key += ']';
  }
}

void collect_tensors(const Argument& bound, std::vector<Argument>& out) {
  if (bound.value() != nullptr) out.push_back(bound);
  for (const Argument& item : bound.items()) collect_tensors(item, out);
}

}  // namespace

std::shared_ptr<Decomposition> Translator::recorded(const ir::Schema& schema,
                                                    const std::vector<Argument>& arguments,
                                                    std::string& why) {
  std::string key = schema.qualified_name();
  for (const Argument& a : arguments) add_to_key(a, key);
  const auto found = decompositions_.find(key);
  if (found != decompositions_.end()) return found->second;
  std::optional<Decomposition> made = torch_interface().decompose(schema, arguments, target_->symbols, why);
  if (!made) return nullptr;
  // Kernels write in place as they please; what is translated does not.
  prepare(*made->graph, State::drop, notes_);
  return decompositions_[key] = std::make_shared<Decomposition>(std::move(*made));
}

bool Translator::decompose(ir::Node& node, const std::vector<Argument>& arguments,
                           std::vector<Refusal>& refusals) {
  constexpr int kMaxDepth = 16;  // composites of composites; a cycle would be a defect of libtorch
  const ir::Schema* schema = schema_of(node);
  if (schema == nullptr || !node.op_text().starts_with("aten::") || decompose_depth_ >= kMaxDepth)
    return false;
  // A kernel that calls the operator again, on other arguments at best, does not decompose it.
  const std::string name = schema->qualified_name();
  if (std::find(decomposing_.begin(), decomposing_.end(), name) != decomposing_.end()) return false;
  std::vector<Argument> tensors;
  for (const Argument& b : arguments) collect_tensors(b, tensors);
  std::string why;
  std::shared_ptr<Decomposition> parts;
  try {
    parts = recorded(*schema, arguments, why);
  } catch (const Error& e) {
    if (refusals.empty()) throw;
    std::vector<Diagnostic> all = e.diagnostics();
    for (const Refusal& refusal : refusals) all.front().message += "; the mapping of " + refusal.text();
    throw Error(std::move(all));
  }
  if (parts == nullptr) {
    if (!why.empty() && !refusals.empty()) {
      Diagnostic cause;
      cause.message = std::move(why);
      refusals.push_back({"", std::move(cause), false});
    }
    return false;
  }
  for (const std::string& text : parts->notes)
    notes_.push_back({Severity::note, "", text, location_of(node), ""});
  decomposing_.push_back(name);
  const size_t failures = errors_.size();
  translate_parts(node, *parts, tensors);
  decomposing_.pop_back();
  if (errors_.size() > failures) {
    for (const Refusal& refusal : refusals)
      errors_[failures].message += "; the operator as a whole: " + refusal.text();
    std::vector<std::string> reasons = {"one of its parts is not supported"};
    for (const Refusal& refusal : refusals) reasons.push_back(refusal.text());
    count(node, "", std::move(reasons));
    poison(node);
    return true;
  }
  const ir::Block& body = parts->graph->body();
  for (size_t i = 0; i < node.output_count(); ++i) bind(node.output(i), bound(body.result(i)));
  count(node, "decomposed");
  return true;
}

// Errors inside are about the call that the user wrote.
void Translator::translate_parts(ir::Node& node, const Decomposition& parts,
                                 const std::vector<Argument>& tensors) {
  ir::Block& body = parts.graph->body();
  size_t at = 0;
  for (const Argument& b : tensors) bindings_[body.parameters()[at++]] = b;
  for (const Decomposition::DimInput& d : parts.dims) {
    Argument size =
        Argument::of(builder_->dim(tensors[d.tensor].value(), static_cast<int64_t>(d.axis)), true);
    bind(body.parameters()[at++], settled(std::move(size), ir::Type::integer()));
  }
  const ir::Node* outer = outer_;
  if (outer_ == nullptr) outer_ = &node;
  ++decompose_depth_;
  translate_block(body);
  --decompose_depth_;
  outer_ = outer;
}

}  // namespace onnxport
