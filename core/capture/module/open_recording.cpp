#include "core/capture/module/open_recording.h"

#include "core/capture/module/replay.h"
#include "core/libtorch/convert.h"

namespace onnxport {
namespace {

const char* const kName = "the recorded code";

void check_tensors(const std::vector<NamedTensor>& tensors, const std::string& what) {
  for (const NamedTensor& each : tensors) {
    if (const std::string why = unsupported_kind(each.tensor); !why.empty())
      throw Error("P601", "the " + what + " '" + each.name + "' is " + why, {}, "give a dense tensor");
  }
}

Error not_open(const std::string& why) {
  return Error("P609", "the recording cannot be ended: " + why, {},
               "end a recording once, on the thread that began it");
}

}  // namespace

OpenRecording::OpenRecording(std::vector<NamedTensor> inputs, std::vector<NamedTensor> state)
    : inputs_(std::move(inputs)), tensors_(std::move(state)), state_(tensors_) {
  check_tensors(inputs_, "input");
  check_tensors(tensors_, "weight");
  ModuleRun& run = runs_.emplace_back();
  run.recording = std::make_unique<ModuleRecording>(state_, sites_);
  for (const NamedTensor& input : inputs_) {
    run.inputs.push_back(input.tensor);
    run.originals.push_back(input.tensor.detach().clone());
    run.input_numbers.push_back(run.recording->number(input.tensor));
  }
  for (const NamedTensor& own : tensors_) run.recording->number(own.tensor);
  open_ = run.recording->open();
}

OpenRecording::~OpenRecording() {
  if (open_ == nullptr) return;
  open_.reset();
  (void)state_.restore(sites_);  // nobody asks any more what was wrong
}

void OpenRecording::end(const std::vector<NamedTensor>& outputs) {
  try {
    finish(outputs);
  } catch (const Error& error) {
    if (!error_) error_ = error;
    throw;
  }
}

void OpenRecording::finish(const std::vector<NamedTensor>& outputs) {
  if (open_ == nullptr) throw not_open("it has ended");
  if (thread_ != std::this_thread::get_id()) throw not_open("another thread began it");
  open_.reset();
  try {
    keep(outputs);
  } catch (...) {
    (void)state_.restore(sites_);
    throw;
  }
  if (const std::optional<Error> written = state_.restore(sites_)) throw *written;
  const ModuleRecording& recording = *runs_.front().recording;
  if (recording.read()) throw *recording.read();
}

void OpenRecording::keep(const std::vector<NamedTensor>& outputs) {
  if (outputs.empty())
    throw Error("T544", "the recorded code has no results", {},
                "name the tensors that it computed as outputs");
  check_tensors(outputs, "output");
  ModuleRun& run = runs_.front();
  for (const NamedTensor& output : outputs) {
    run.recording->returned(output.tensor);
    run.results.push_back(run.recording->item(output.tensor));
    run.outputs.push_back(output.tensor.detach().clone());
    run.output_names.push_back(output.name);
  }
}

Captured OpenRecording::capture(const CaptureOptions& options) const {
  const std::lock_guard lock(mutex_);
  if (error_) throw *error_;
  if (open_ != nullptr)
    throw Error("P609", "the recording has not ended", {}, "end it with onnxport_capture_end");
  if (!options.inputs.empty())
    throw Error("P601", "inputs are described, and a recording has its own, of one size", {},
                "leave the description out");
  Captured out;
  out.graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::torch);
  ir::Graph& graph = *out.graph;
  for (const NamedTensor& input : inputs_) {
    const at::IntArrayRef sizes = input.tensor.sizes();
    graph.add_input(input.name, ir::Type::tensor(to_dtype(input.tensor.scalar_type()),
                                                 ir::Shape(sizes.begin(), sizes.end())));
    graph.input_names.push_back(input.name);
  }
  ModuleGraph(graph, runs_, state_, sites_, kName, out.notes).build();
  graph.remove_unused_initializers();
  if (const std::string& assumed = runs_.front().recording->assumed(); !assumed.empty())
    out.notes.push_back({Severity::note, "", assumed, {}, ""});
  check_replay(graph, runs_, sites_, kName, out.notes);
  return out;
}

std::vector<std::optional<ir::Tensor>> OpenRecording::samples() const {
  std::vector<std::optional<ir::Tensor>> out;
  for (const at::Tensor& original : runs_.front().originals) out.emplace_back(from_torch(original.clone()));
  return out;
}

}  // namespace onnxport
