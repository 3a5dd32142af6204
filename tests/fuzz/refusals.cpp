#include "fuzz/refusals.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/ir/utf8.h"

namespace onnxport::fuzz {

constexpr size_t kLongestMessage = 16384;

void stop(std::string_view why) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
  std::abort();
}

void check_refusal(const Diagnostic& why, std::string_view families) {
  if (why.code.empty() || why.message.empty()) stop("a refusal without code or message: " + why.message);
  if (!families.empty() && families.find(why.code.front()) == std::string_view::npos)
    stop("a refusal of another family: " + why.code + " " + why.message);
  if (!ir::is_utf8(why.message) || !ir::is_utf8(why.hint)) stop("words that are not UTF-8: " + why.code);
  if (why.message.size() > kLongestMessage) stop("an endless message: " + why.code);
}

void check_refusal(const Error& refusal, std::string_view families) {
  if (refusal.diagnostics().empty()) stop("a refusal that says nothing");
  for (const Diagnostic& d : refusal.diagnostics()) check_refusal(d, families);
}

void check_graph(const ir::Graph& graph) {
  for (const std::string& broken : ir::check_invariants(graph)) stop("unsound graph: " + broken);
}

}  // namespace onnxport::fuzz
