// The texts of a rule, "pattern NUL replacement NUL where NUL types" (the last two as YAML): read as a manifest has them, then
// run on a graph with something to find.
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/ir/pivot.h"
#include "core/passes/pass_rule.h"
#include "core/passes/passes.h"
#include "core/plugin/manifest.h"
#include "fuzz/refusals.h"
#include "fuzz/sample_graph.h"

namespace onnxport::fuzz {
namespace {

// YAML's own quoting; what is not UTF-8 stays as it is, for the reader to refuse.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string manifest_of(const std::array<std::string_view, 4>& parts) {
  std::string rule = "pattern: " + quoted(parts[0]) + ", replace: " + quoted(parts[1]);
  if (!parts[2].empty()) rule += ", where: " + std::string(parts[2]);
  if (!parts[3].empty()) rule += ", types: " + std::string(parts[3]);
  return "onnxport_manifest: 1\nplugin: {id: com.acme.fuzz, version: \"1.0.0\"}\nprovides:\n"
         "  domains: [{name: com.acme, version: 1}]\n"
         "  passes: [{name: fuzz, stage: optimize, rules: [{" +
         rule + "}]}]\n";
}

void apply(const Manifest& manifest, const ManifestPass& pass, const PassRule& rule) {
  const auto graph = sample_graph();
  const PassEntry entry{"com.acme.fuzz", "1.0.0", &pass, &manifest.domains, false};
  std::vector<Diagnostic> notes;
  BlockOrder order;
  GraphBuilder builder(*graph, kPivotOpset);
  RewriteContext context{builder, order, one_plugin(), entry, notes, 20};
  for (ir::Node* node : nodes_of(*graph)) {
    if (!is_in_graph(node) || node->op_text() != rule.root_op()) continue;
    const std::string before = ir::print(*graph);
    try {
      if (!rule.apply(*node, context) && ir::print(*graph) != before)
        stop("a rule that found nothing changed the graph");
    } catch (const Error& e) {
      check_refusal(e, "");
      if (ir::print(*graph) != before) stop("a rule that failed changed the graph");
    }
    check_graph(*graph);
  }
  remove_dead_code(*graph);
  check_graph(*graph);
}

}  // namespace
}  // namespace onnxport::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace onnxport;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 4> parts;
  for (std::string_view& part : parts) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  try {
    const Manifest manifest = parse_manifest(fuzz::manifest_of(parts), "/plugins/fuzz.onnxport.yaml");
    for (const ManifestPass& pass : manifest.passes) {
      for (const ManifestRule& rule : pass.rules)
        fuzz::apply(manifest, pass, *make_pattern_rule(rule, kPivotOpset));
    }
  } catch (const Error& e) {
    fuzz::check_refusal(e, "M");
  }
  return 0;
}
