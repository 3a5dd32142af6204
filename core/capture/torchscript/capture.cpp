#include "core/capture/torchscript/capture.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/jit/api/function_impl.h>

#include "core/capture/torchscript/importer.h"
#include "core/capture/torchscript/load.h"
#include "core/capture/torchscript/signature.h"
#include "core/libtorch/convert.h"
#include "core/libtorch/location.h"

namespace onnxport {

Captured capture_torchscript_file(const std::filesystem::path& file, const CaptureOptions& options) {
  const c10::AutoGradMode no_gradients(false);
  const Archive archive(file);
  SourceLines lines(archive);
  const LoadedModule loaded = load_module(archive, lines, options);

  Captured out;
  out.graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::torch);
  ir::Graph& graph = *out.graph;
  graph.symbols = options.symbols;
  Importer importer(graph, archive, lines, loaded.ran_code, options.number_states ? &loaded.module : nullptr);
  const torch::jit::Method method = loaded.module.get_method(options.method);
  const TracedFunction function = read_traced_function(archive);
  ModulePaths modules;
  if (auto* code = torch::jit::tryToGraphFunction(method.function());
      code != nullptr && !function.operators.empty())
    modules = function.modules_of(*code->graph());
  importer.set_modules(modules);
  InputBinder inputs(graph, importer, method.function().getSchema(), options, loaded.traced_inputs,
                     file.string(), function);
  std::vector<Binding> arguments = inputs.bind();
  arguments.insert(arguments.begin(), Binding{.object = loaded.module._ivalue()});
  try {
    const Binding result = importer.call(method.function(), std::move(arguments), "");
    if (result.value == nullptr)
      throw Error("T541", options.method + " returns an object", place_of_file(file.string()),
                  "return tensors, or tuples, lists or dicts of them");
    const std::vector<c10::Argument>& returns = method.function().getSchema().returns();
    flatten_outputs(graph, result.value, returns.empty() ? ir::Type() : from_torch(*returns[0].type()),
                    out.notes);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error("T541", std::string("libtorch cannot compile the model's code: ") + e.what(),
                place_of_file(file.string()), "save the model again with torch.jit.save");
  }
  if (graph.body().result_count() == 0)
    throw Error("T544", options.method + " returns nothing that an ONNX model could",
                place_of_file(file.string()), "return tensors");
  graph.remove_unused_initializers();
  if (options.check_weights) out.weights_checked = archive.check_weights();
  return out;
}

}  // namespace onnxport
