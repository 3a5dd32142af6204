// What every fuzz target holds an input to that it refuses.
#pragma once

#include <string_view>

#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport::fuzz {

// A find: says why, and ends the process as a crash does.
[[noreturn]] void stop(std::string_view why);

// A refusal that a user can read: a code of one of these families ("M", "MT"; empty: any), words in UTF-8, not endless.
void check_refusal(const Diagnostic& why, std::string_view families);
void check_refusal(const Error& refusal, std::string_view families);

// Whatever was done to it, a graph is sound.
void check_graph(const ir::Graph& graph);

}  // namespace onnxport::fuzz
