#include "core/capture/torchscript/traced_function.h"

#include <algorithm>

namespace onnxport {
namespace {

constexpr const char* kRecord = "extra/onnxport.trace";

// The text up to the first space, which is cut off with it.
std::string_view word(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view out = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return out;
}

}  // namespace

TracedFunction read_traced_function(const Archive& archive) {
  TracedFunction out;
  if (!archive.has(kRecord)) return out;
  const std::string text = archive.text(kRecord);
  for (std::string_view left = text; !left.empty();) {
    const size_t end = std::min(left.find('\n'), left.size());
    std::string_view line = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    const std::string_view kind = word(line);
    const std::string first(word(line));
    if (kind == "weight") out.weights.emplace(first, line);
    if (kind == "node") out.operators.emplace_back(first, line);
  }
  return out;
}

// What is no operator of aten may be spelt in another way once it was written and read.
ModulePaths TracedFunction::modules_of(const torch::jit::Graph& graph) const {
  ModulePaths out;
  size_t next = 0;
  for (const torch::jit::Node* node : graph.nodes()) {
    if (!node->kind().is_aten()) continue;
    if (next == operators.size() || operators[next].first != node->kind().toQualString()) return {};
    if (!operators[next].second.empty()) out.emplace(node, operators[next].second);
    ++next;
  }
  return next == operators.size() ? out : ModulePaths();
}

}  // namespace onnxport
