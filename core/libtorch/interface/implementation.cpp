// What libonnxport_torch offers through TorchInterface.
#include "core/capture/torchscript/capture.h"
#include "core/capture/torchscript/code_limits.h"
#include "core/libtorch/decompose.h"
#include "core/libtorch/interpret.h"
#include "core/libtorch/operators.h"
#include "core/libtorch/safe_numbers.h"
#include "core/libtorch/warnings.h"
#include "core/torch_interface/build.h"
#include "core/torch_interface/torch_interface.h"

namespace onnxport {
namespace {

class LibtorchInterface final : public TorchInterface {
 public:
  Captured capture_torchscript(const std::filesystem::path& file, const CaptureOptions& options) override {
    Captured out;
    with_deep_stack([&] {
      const CollectedWarnings warnings;  // of the thread
      out = capture_torchscript_file(file, options);
      for (const std::string& text : warnings.texts())
        out.notes.push_back({Severity::note, "", "libtorch: " + text, {}, ""});
    });
    return out;
  }
  void load_kernels(const std::vector<std::filesystem::path>& libraries) override {
    for (const std::filesystem::path& library : libraries) onnxport::load_kernels(library.string());
  }
  std::optional<Decomposition> decompose(const ir::Schema& schema, const std::vector<Argument>& arguments,
                                         const std::map<std::string, ir::SymbolInfo, std::less<>>& symbols,
                                         std::string& why) override {
    const CollectedWarnings ignored;
    return decompose_operator(schema, arguments, symbols, why);
  }
  std::vector<Argument> evaluate(const ir::Graph& graph, const std::vector<Argument>& inputs,
                                 const Observer& observer, const Fallback& fallback) override {
    const CollectedWarnings ignored;
    return evaluate_graph(graph, inputs, observer, fallback);
  }
};

}  // namespace
}  // namespace onnxport

extern "C" __attribute__((visibility("default"))) const onnxport::TorchBuild* onnxport_torch_build() {
  static const onnxport::TorchBuild build = onnxport::torch_build();
  return &build;
}

extern "C" __attribute__((visibility("default"))) onnxport::TorchInterface* onnxport_torch_interface() {
  onnxport::make_number_operators_safe();
  static onnxport::LibtorchInterface interface;
  return &interface;
}
