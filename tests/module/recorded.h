// Code that is recorded between two calls of the C API, as a binding of another language does it.
#pragma once

#include <torch/torch.h>

#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "onnxport/c_capture.h"

namespace onnxport::testing {

inline onnxport_named_tensor named(const char* name, const torch::Tensor& tensor) {
  return {onnxport_text(name), &tensor};
}

class Recording {
 public:
  Recording(const std::vector<onnxport_named_tensor>& inputs, const std::vector<onnxport_named_tensor>& state)
      : handle_(onnxport_capture_begin(inputs.data(), inputs.size(), state.data(), state.size(),
                                       sizeof(onnxport_named_tensor))) {}
  ~Recording() { onnxport_recording_free(handle_); }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  int32_t end(const std::vector<onnxport_named_tensor>& outputs) {
    return onnxport_capture_end(handle_, outputs.data(), outputs.size(), sizeof(onnxport_named_tensor));
  }
  // What is said of an export, "" where it works.
  std::string exported(const std::string& options = "{}") const {
    const onnxport_source source = this->source();
    onnxport_result* result = nullptr;
    const int32_t status = onnxport_export(&source, options.data(), options.size(), nullptr, &result);
    return said(status, result, onnxport_result_message(result));
  }
  // What is said of a file and of its comparison with the model.
  std::string verified(const std::string& more) const {
    const std::string file =
        (std::filesystem::temp_directory_path() / ("recording-" + std::to_string(getpid()) + ".onnx"))
            .string();
    if (std::string why = exported("{\"output\": \"" + file + "\"" + more + "}"); !why.empty()) return why;
    const onnxport_source source = this->source();
    onnxport_result* result = nullptr;
    const std::string options = "{\"verify\": {}" + more + "}";
    const int32_t status = onnxport_verify(&source, {file.data(), file.size()}, options.data(),
                                           options.size(), nullptr, &result);
    std::filesystem::remove(file);
    return said(status, result, onnxport_result_message(result));
  }
  std::string graph() const {
    const onnxport_source source = this->source();
    onnxport_result* result = nullptr;
    const int32_t status = onnxport_show(&source, onnxport_text("legalize"), "{}", 2, &result);
    return said(status, result, onnxport_result_text(result));
  }

 private:
  onnxport_source source() const {
    onnxport_source out{};
    out.struct_size = sizeof out;
    out.recording = handle_;
    return out;
  }
  static std::string said(int32_t status, onnxport_result* result, onnxport_string text) {
    std::string out(text.data, text.size);
    onnxport_result_free(result);
    return (status == 0 ? "" : "status " + std::to_string(status) + ": ") + out;
  }

  onnxport_recording* handle_;
};

}  // namespace onnxport::testing
