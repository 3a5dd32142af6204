#include "onnxport/c_capture.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "core/capture/module/open_recording.h"
#include "core/torch_interface/recording_handle.h"

namespace onnxport {
namespace {

// A recording that could not begin says so when it is captured.
class Refused final : public LiveModel {
 public:
  explicit Refused(Error why) : why_(std::move(why)) {}
  Captured capture(const CaptureOptions& /*options*/) const override { throw why_; }
  std::vector<std::optional<ir::Tensor>> samples() const override { return {}; }

 private:
  Error why_;
};

// Rows as long as the caller knows them.
std::vector<NamedTensor> tensors_of(const onnxport_named_tensor* rows, size_t count, size_t size,
                                    const std::string& what) {
  std::vector<NamedTensor> out;
  for (size_t i = 0; rows != nullptr && i < count; ++i) {
    onnxport_named_tensor row{};
    std::memcpy(&row, reinterpret_cast<const char*>(rows) + i * size, std::min(size, sizeof row));
    NamedTensor& made = out.emplace_back();
    if (row.name.data != nullptr) made.name.assign(row.name.data, row.name.size);
    if (made.name.empty()) made.name = what + "_" + std::to_string(i);
    if (row.tensor != nullptr) made.tensor = *static_cast<const at::Tensor*>(row.tensor);
    made.is_parameter = false;  // what may be written is for the state policy to say
  }
  return out;
}

}  // namespace
}  // namespace onnxport

extern "C" {

onnxport_recording* onnxport_capture_begin(const onnxport_named_tensor* inputs, size_t input_count,
                                           const onnxport_named_tensor* state, size_t state_count,
                                           size_t tensor_size) {
  using namespace onnxport;
  try {
    auto out = std::make_unique<onnxport_recording>();
    try {
      out->model = std::make_shared<OpenRecording>(tensors_of(inputs, input_count, tensor_size, "input"),
                                                   tensors_of(state, state_count, tensor_size, "weight"));
    } catch (const Error& error) {
      out->model = std::make_shared<Refused>(error);
    } catch (const std::exception& error) {
      out->model = std::make_shared<Refused>(Error("P602", std::string("libtorch: ") + error.what(), {}, ""));
    }
    return out.release();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

int32_t onnxport_capture_end(onnxport_recording* recording, const onnxport_named_tensor* outputs,
                             size_t output_count, size_t tensor_size) {
  using namespace onnxport;
  if (recording == nullptr) return exit_status("P609");
  auto* open = dynamic_cast<OpenRecording*>(recording->model.get());
  if (open == nullptr) return exit_status("P601");
  try {
    open->end(tensors_of(outputs, output_count, tensor_size, "output"));
    return 0;
  } catch (const Error& error) {
    return exit_status(error.diagnostics().front().code);
  } catch (const std::exception& error) {
    recording->model =
        std::make_shared<Refused>(Error("P602", std::string("libtorch: ") + error.what(), {}, ""));
    return exit_status("P602");
  }
}

void onnxport_recording_free(onnxport_recording* recording) {
  if (recording == nullptr) return;
  const auto* open = dynamic_cast<const onnxport::OpenRecording*>(recording->model.get());
  // The thread that is recorded still refers to it, and only that one can let go: it stays for the life of the process.
  if (open != nullptr && !open->may_go()) {
    (void)new std::shared_ptr<onnxport::LiveModel>(recording->model);  // NOLINT: kept on purpose
  }
  delete recording;
}

}  // extern "C"
