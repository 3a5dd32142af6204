#include "onnxport/c.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/c_api/options.h"
#include "core/torch_interface/recording_handle.h"
#include "onnxport/export.h"
#include "onnxport/json.h"
#include "onnxport/output.h"
#include "onnxport/session.h"
#include "onnxport/version.h"

struct onnxport_result {
  std::vector<std::byte> model;
  std::string report = {};
  std::string text = {};
  std::string diagnostics = "[]";
  std::string message = {};
};

struct onnxport_session {
  onnxport::Session session;
};

struct onnxport_program {
  onnxport::Program program;
};

namespace onnxport {
namespace {

std::string_view view(onnxport_string text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

std::string_view view(const char* text, size_t size) {
  return text == nullptr ? std::string_view() : std::string_view(text, size);
}

onnxport_string c_string(std::string_view text) { return {text.data(), text.size()}; }

// A struct of a caller as we know it: what it is too old to have is zero, what it is too new for is left out.
template <typename Struct>
Struct known_part(const Struct* from) {
  Struct out{};
  if (from != nullptr) std::memcpy(&out, from, std::min(from->struct_size, sizeof out));
  return out;
}

// Rows of an array as long as the caller knows them.
std::vector<GivenTensor> weights_of(const onnxport_source& source) {
  std::vector<GivenTensor> out;
  for (size_t i = 0; source.weights != nullptr && i < source.weight_count; ++i) {
    onnxport_weight row{};
    std::memcpy(&row, reinterpret_cast<const char*>(source.weights) + i * source.weight_size,
                std::min(source.weight_size, sizeof row));
    GivenTensor& weight = out.emplace_back();
    weight.name = view(row.name);
    weight.dtype = row.dtype;
    if (row.rank != 0) weight.dims.assign(row.dims, row.dims + row.rank);
    if (row.rank != 0 && row.strides != nullptr) weight.strides.assign(row.strides, row.strides + row.rank);
    weight.elements = {static_cast<const std::byte*>(row.data), row.byte_count};
  }
  return out;
}

Source source_of(const onnxport_source* given) {
  const onnxport_source source = known_part(given);
  const std::string path(view(source.path));
  if (source.recording != nullptr)
    return Source::live(source.recording->model, path.empty() ? "recording" : path);
  if (source.bytes == nullptr) return path;
  const std::span bytes(static_cast<const std::byte*>(source.bytes), source.byte_count);
  return Source::memory(bytes, weights_of(source), path.empty() ? "model" : path);
}

Progress progress_of(const onnxport_callbacks& callbacks) {
  if (callbacks.progress == nullptr) return {};
  return [callbacks](std::string_view stage, double fraction) {
    callbacks.progress(callbacks.context, c_string(stage), fraction);
  };
}

Sink sink_of(const onnxport_callbacks& callbacks) {
  return [callbacks](std::span<const std::byte> piece) {
    if (callbacks.sink(callbacks.context, piece.data(), piece.size()) == 0) return;
    throw Error("S715", "the caller's sink took no more bytes", {}, "its own error says why");
  };
}

int32_t status_of(const Error& error) {
  for (const Diagnostic& d : error.diagnostics()) {
    if (d.severity == Severity::error) return exit_status(d.code);
  }
  return 1;
}

// Runs `work(result)`; whatever it throws becomes a status and diagnostics.
template <typename Work>
int32_t call(onnxport_result** out, Work work) noexcept {
  onnxport_result* result = nullptr;
  int32_t status = 0;
  try {
    result = new onnxport_result;
    try {
      work(*result);
    } catch (const Error& error) {
      status = status_of(error);
      result->diagnostics = to_json(error.diagnostics());
      result->message = error.what();
    } catch (const std::exception& error) {
      status = 1;
      const Diagnostic other{Severity::error, "", error.what(), {}, ""};
      result->diagnostics = to_json(std::vector<Diagnostic>{other});
      result->message = other.text();
    }
  } catch (...) {  // no memory for a result, or for what it should say
    delete result;
    result = nullptr;
    status = 1;
  }
  if (out != nullptr) {
    *out = result;
  } else {
    delete result;
  }
  return status;
}

void take(const ExportReport& report, onnxport_result& result) {
  result.report = to_json(report);
  result.diagnostics = to_json(report.diagnostics);
}

Sink keep_in(onnxport_result& result) {
  return [&result](std::span<const std::byte> piece) {
    result.model.insert(result.model.end(), piece.begin(), piece.end());
  };
}

// To the option "output", to the sink, or into the result. `session`: none, or the one to take.
template <typename... Given>
void export_to(const Source& model, CallOptions options, const onnxport_callbacks& callbacks,
               onnxport_result& result, const Given&... session) {
  options.progress = progress_of(callbacks);
  if (options.output) return take(export_file(session..., model, *options.output, options).report, result);
  const Sink sink = callbacks.sink != nullptr ? sink_of(callbacks) : keep_in(result);
  take(export_to_callback(session..., model, sink, options).report, result);
}

void write_to(const Program& program, const CallOptions& options, const onnxport_callbacks& callbacks,
              onnxport_result& result) {
  Target target = options;
  target.progress = progress_of(callbacks);
  if (options.dry_run) return take(program.dry_run(target), result);
  if (options.output) return take(program.write(target, *options.output), result);
  if (callbacks.sink != nullptr) return take(program.write(target, sink_of(callbacks)), result);
  take(program.write(target, keep_in(result)), result);
}

void capture_to(const Session& session, const onnxport_source* source, CallOptions options,
                const onnxport_callbacks* given, onnxport_program** program, onnxport_result& result) {
  options.ProgramOptions::progress = progress_of(known_part(given));
  auto made =
      std::make_unique<onnxport_program>(onnxport_program{session.capture(source_of(source), options)});
  const CaptureReport& report = made->program.report();
  result.report = to_json(report);
  result.diagnostics = to_json(report.diagnostics);
  if (program != nullptr) *program = made.release();
}

}  // namespace
}  // namespace onnxport

using namespace onnxport;  // NOLINT(google-build-using-namespace): the functions below have C names

int32_t onnxport_export(const onnxport_source* source, const char* options_json, size_t options_size,
                        const onnxport_callbacks* given, onnxport_result** out) {
  return call(out, [&](onnxport_result& result) {
    export_to(source_of(source), read_options(view(options_json, options_size)), known_part(given), result);
  });
}

int32_t onnxport_session_open(const char* options_json, size_t options_size, onnxport_session** session,
                              onnxport_result** out) {
  if (session != nullptr) *session = nullptr;
  return call(out, [&](onnxport_result&) {
    auto made = std::make_unique<onnxport_session>(
        onnxport_session{Session(read_options(view(options_json, options_size)).plugins)});
    if (session != nullptr) *session = made.release();
  });
}

int32_t onnxport_session_is_current(const onnxport_session* session) {
  try {
    return session != nullptr && session->session.is_current() ? 1 : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

int32_t onnxport_session_export(const onnxport_session* session, const onnxport_source* source,
                                const char* options_json, size_t options_size,
                                const onnxport_callbacks* given, onnxport_result** out) {
  return call(out, [&](onnxport_result& result) {
    export_to(source_of(source), read_options(view(options_json, options_size)), known_part(given), result,
              session->session);
  });
}

int32_t onnxport_session_capture(const onnxport_session* session, const onnxport_source* source,
                                 const char* options_json, size_t options_size,
                                 const onnxport_callbacks* given, onnxport_program** program,
                                 onnxport_result** out) {
  if (program != nullptr) *program = nullptr;
  return call(out, [&](onnxport_result& result) {
    capture_to(session->session, source, read_options(view(options_json, options_size)), given, program,
               result);
  });
}

void onnxport_session_free(onnxport_session* session) { delete session; }

int32_t onnxport_convert(const onnxport_source* source, const char* options_json, size_t options_size,
                         const onnxport_callbacks* given, onnxport_result** out) {
  return call(out, [&](onnxport_result& result) {
    const CallOptions options = read_options(view(options_json, options_size));
    const onnxport_callbacks callbacks = known_part(given);
    const Source file = source_of(source).as_onnx();
    if (options.output) check_output(*options.output, options, file);
    ProgramOptions reading;
    reading.inputs = options.inputs;
    reading.inputs_dir = options.inputs_dir;
    reading.progress = progress_of(callbacks);
    write_to(Session(options.plugins).capture(file, reading), options, callbacks, result);
  });
}

int32_t onnxport_capture(const onnxport_source* source, const char* options_json, size_t options_size,
                         const onnxport_callbacks* given, onnxport_program** program, onnxport_result** out) {
  if (program != nullptr) *program = nullptr;
  return call(out, [&](onnxport_result& result) {
    const CallOptions options = read_options(view(options_json, options_size));
    capture_to(Session(options.plugins), source, options, given, program, result);
  });
}

int32_t onnxport_program_write(const onnxport_program* program, const char* options_json, size_t options_size,
                               const onnxport_callbacks* given, onnxport_result** out) {
  return call(out, [&](onnxport_result& result) {
    write_to(program->program, read_options(view(options_json, options_size)), known_part(given), result);
  });
}

void onnxport_program_free(onnxport_program* program) { delete program; }

int32_t onnxport_verify(const onnxport_source* source, onnxport_string onnx_file, const char* options_json,
                        size_t options_size, const onnxport_callbacks* given, onnxport_result** out) {
  return call(out, [&](onnxport_result& result) {
    CallOptions options = read_options(view(options_json, options_size));
    options.progress = progress_of(known_part(given));
    options.verify.enabled = true;
    take(verify_files(source_of(source), view(onnx_file), options), result);
  });
}

int32_t onnxport_show(const onnxport_source* source, onnxport_string after, const char* options_json,
                      size_t options_size, onnxport_result** out) {
  return call(out, [&](onnxport_result& result) {
    result.text = show(source_of(source), view(after), read_options(view(options_json, options_size)));
  });
}

int32_t onnxport_plugins(const char* options_json, size_t options_size, onnxport_result** out) {
  return call(out, [&](onnxport_result& result) {
    const PluginListing listing = list_plugins(read_options(view(options_json, options_size)).plugins);
    result.report = to_json(listing);
    result.diagnostics = to_json(listing.notes);
  });
}

int32_t onnxport_which(onnxport_string torch_operator, const char* options_json, size_t options_size,
                       onnxport_result** out) {
  return call(out, [&](onnxport_result& result) {
    const CallOptions options = read_options(view(options_json, options_size));
    result.report = to_json(which(view(torch_operator), options.opset, options.plugins));
  });
}

onnxport_string onnxport_result_model(const onnxport_result* result) {
  return {reinterpret_cast<const char*>(result->model.data()), result->model.size()};
}

onnxport_string onnxport_result_report(const onnxport_result* result) { return c_string(result->report); }

onnxport_string onnxport_result_text(const onnxport_result* result) { return c_string(result->text); }

onnxport_string onnxport_result_diagnostics(const onnxport_result* result) {
  return c_string(result->diagnostics);
}

onnxport_string onnxport_result_message(const onnxport_result* result) { return c_string(result->message); }

void onnxport_result_free(onnxport_result* result) { delete result; }

const char* onnxport_version(void) { return version(); }
