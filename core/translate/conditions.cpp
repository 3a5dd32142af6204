// Conditions on sizes under which the file is right.
#include <algorithm>
#include <map>

#include "core/ir/dims/guard.h"
#include "core/translate/translator.h"

namespace onnxport {
namespace {

// The sizes of the example that a condition over them can be tried at.
std::map<std::string, int64_t, std::less<>> example_sizes(const ir::Graph& graph) {
  std::map<std::string, int64_t, std::less<>> out;
  for (const auto& [name, info] : graph.symbols)
    out[name] = info.hint.value_or(std::max<int64_t>(info.min, 2));
  return out;
}

bool states(const std::string& guards, const std::string& guard) {
  return ("; " + guards + "; ").find("; " + guard + "; ") != std::string::npos;
}

}  // namespace

void Translator::assume(ir::Node& node, const std::string& condition, const std::string& why) {
  const std::optional<bool> holds = ir::guard_holds(condition, example_sizes(source_));
  if (holds == false) {
    return fail(node, "T515",
                "the file would be right only where " + condition + ", and the example is not: " + why,
                "export with an example of the sizes that the file is for, or make the size static");
  }
  // Sizes that have no name before the model runs are told of, and nobody can try them.
  if (holds) {
    std::string& guards = target_->metadata["onnxport.dim_guards"];
    if (states(guards, condition)) return;
    guards += (guards.empty() ? "" : "; ") + condition;
  }
  notes_.push_back({Severity::warning, "T515", "the file is right only where " + condition + ": " + why,
                    location_of(node),
                    "give the size a range that leaves the others out, if they never come"});
}

void Translator::assume_rank(ir::Node& node, const std::vector<Argument>& arguments) {
  const ir::Value* input = arguments.empty() ? nullptr : arguments[0].value();
  if (input == nullptr || !input->type().shape()) return;
  const ir::Shape& shape = *input->type().shape();
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const ir::Dim& size = shape[axis];
    if (size.is_constant() || size.is_unknown() || min(size, ir::Dim(2)) == ir::Dim(2)) continue;
    const std::string text = size.text();
    assume(node, text + " != 1",
           "squeeze() keeps axis " + std::to_string(axis) + ", whose size is " + text +
               ", and would remove it if that were 1");
  }
}

}  // namespace onnxport
