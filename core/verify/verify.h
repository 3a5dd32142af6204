// verify: the captured graph through libtorch, the file through ONNX Runtime, compared.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "core/ir/graph.h"
#include "core/plugin/registry.h"
#include "core/torch_interface/torch_interface.h"
#include "onnxport/options.h"
#include "onnxport/report.h"

namespace onnxport {

// How the message of a run begins that libtorch did not run: nothing was compared. Of a run that passed it says what was
// seen: "12 elements, 100 % finite; inputs random".
constexpr std::string_view kNotRun = "not run: ";

struct VerifyReport {
  std::vector<VerifyRun> runs;
  std::vector<std::string> not_independently_checked;
  std::vector<std::string> not_verified;  // results of which nothing was seen, and why
  bool nothing_verified = false;          // that is all of them
};

// `captured`: as captured, before prepare. `specs`: the inputs as asked for. Runs at the example sizes, then, where
// options.second_size asks for it, at larger and at the least sizes of the dynamic dims and with numbers of all
// magnitudes; what libtorch refuses to run with inputs that were made up here is tried with others, and skipped in the
// end. A mismatch is a run that did not pass. Throws Error V8xx when it cannot be run (ONNX Runtime absent: V802; no
// kernel and no body: V803; no inputs that suit the model: V807).
// `inputs_are_given`: the examples in `specs` are the user's choice, and serve at every size.
VerifyReport verify(const ir::Graph& captured, const std::vector<InputSpec>& specs,
                    const std::filesystem::path& onnx, Registry& registry, const VerifyOptions& options,
                    bool inputs_are_given = false);

}  // namespace onnxport
