// What a program's guards ("guards_code") demand of the sizes that it calls dynamic.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/capture/exported_program/program_inputs.h"
#include "onnxport/errors.h"

namespace onnxport {

struct ReadGuards {
  std::vector<std::string> kept;  // over the symbols as they are named now: what still restricts them
  std::vector<Diagnostic> notes;  // sizes that became numbers
};

// Equal sizes become one symbol, and sizes that only one number (or a few around the example) satisfies that number:
// in `dims`. What is not about sizes of inputs is passed over.
ReadGuards apply_guards(const Json& program, const ProgramInputs& inputs, ProgramDims& dims);

}  // namespace onnxport
