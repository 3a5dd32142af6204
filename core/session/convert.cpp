#include "onnxport/convert.h"

#include "onnxport/output.h"

namespace onnxport {

namespace {

Program read(const Source& model, const PluginOptions& plugins, const ProgramOptions& options) {
  return Session(plugins).capture(model.as_onnx(), options);
}

}  // namespace

ExportReport convert_file(const Source& model, const std::filesystem::path& output,
                          const ConvertOptions& options) {
  check_output(output, options, model);
  ProgramOptions reading;
  reading.inputs = options.inputs;
  reading.inputs_dir = options.inputs_dir;
  reading.progress = options.progress;
  return read(model, options.plugins, reading).write(options, output);
}

ReachReport reach_of(const Source& model, const PluginOptions& plugins) {
  return read(model, plugins, {}).reach();
}

}  // namespace onnxport
