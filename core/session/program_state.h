// What a Program holds, and how it is made.
#pragma once

#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/errors/file_mapping.h"
#include "core/ir/graph.h"
#include "core/onnx/model_file.h"
#include "core/plugin/registry.h"
#include "core/session/output_dims.h"
#include "core/torch_interface/torch_interface.h"
#include "onnxport/session.h"

namespace onnxport {

// Nothing of it changes once it is captured, but for what is made when it is first asked for.
struct ProgramState {
  Source source;
  std::shared_ptr<const Registry> registry;
  State state = State::error;
  Mode mode = Mode::eval;
  std::shared_future<void> weights_checked;  // while the rest goes on; not valid when nobody asked
  CaptureReport report;
  std::vector<std::string> inputs, outputs;  // "x: f32[batch,3]"

  // Of an ONNX file: all that follows, but what was asked for, is empty then.
  std::shared_ptr<const onnx::ModelFile> model;

  // Functional, as translate reads it. Empty once the only write of a program that is not needed any more has read it.
  std::unique_ptr<const ir::Graph> prepared;
  // As captured, with what it writes as further results: what verify runs. Empty when nobody asked for it.
  std::unique_ptr<const ir::Graph> captured;
  std::vector<InputSpec> asked;                // as the options give them
  AxisNames output_dims;                       // what sizes of outputs are to be called
  uint64_t lost_before = 0;                    // FileMapping::lost_count()
  std::vector<std::filesystem::path> kernels;  // libraries that verify needs: reading a program opens none

  // The inputs to verify with. The arguments that an exported program was made with, read when they are first asked for,
  // make better examples than random ones.
  const std::vector<InputSpec>& verify_inputs();

  explicit ProgramState(Source from) : source(std::move(from)), lost_before(FileMapping::lost_count()) {}
  // Throws Error I127 when a file that is mapped has become shorter since this was made: what was read is not what it was.
  void check_files() const;
  // What is to be done before anything of it appears under its final name.
  std::function<void()> last_check(bool of_weights) const;

 private:
  std::mutex mutex_;
  std::optional<std::vector<InputSpec>> verify_inputs_;
};

// What the program keeps to verify with and to show. Throws Error V806 when it was told to keep nothing.
const ir::Graph& captured_form(const ProgramState& program);

// Captures and prepares.
std::shared_ptr<ProgramState> capture_program(const Source& source, const ProgramOptions& options,
                                              std::shared_ptr<const Registry> registry);
// Captures and stops there: the graph as "onnxport show --after capture" prints it.
std::unique_ptr<ir::Graph> capture_only(const Source& source, const ProgramOptions& options,
                                        const Registry& registry);

// `error`, with what the plugins that were found broken say beside it: an operator that nobody maps may be one of theirs.
Error with_warnings(const Error& error, const Registry& registry);

}  // namespace onnxport
