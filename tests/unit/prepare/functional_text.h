// A graph of torch operators as text, made functional, as text again.
#pragma once

#include <string>
#include <vector>

#include "core/prepare/dead_code.h"
#include "core/prepare/functionalize.h"
#include "onnxport/errors.h"
#include "unit/prepare/torch_text.h"

namespace onnxport::test {

inline std::string functional(const std::string& inputs, const std::string& body,
                              const std::string& facts = {}) {
  const auto graph = torch_graph(inputs, body, facts);
  std::vector<Diagnostic> notes;
  functionalize(*graph, State::drop, notes);
  EXPECT_THAT(ir::check_invariants(*graph), ::testing::IsEmpty());
  remove_dead_torch_code(*graph);
  return render(*graph);
}

inline void expect_refused(const std::string& inputs, const std::string& body, const char* why) {
  const auto graph = torch_graph(inputs, body);
  std::vector<Diagnostic> notes;
  try {
    functionalize(*graph, State::drop, notes);
    ADD_FAILURE() << "accepted as" << render(*graph);
  } catch (const Error& error) {
    EXPECT_EQ(error.diagnostics()[0].code, "T520");
    EXPECT_THAT(error.what(), ::testing::HasSubstr(why));
    EXPECT_FALSE(error.diagnostics()[0].place.node.empty());
  }
}

}  // namespace onnxport::test
