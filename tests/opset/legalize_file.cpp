// legalize_file IN.onnx OPSET OUT.onnx: what `check_rules.py` drives. Exit status 3 and the errors on stderr
// when a node cannot be taken along.
#include <iostream>
#include <string>

#include "core/host/host.h"
#include "core/legalize/legalize.h"
#include "core/onnx/read_model.h"
#include "core/serialize/serialize.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: legalize_file IN.onnx OPSET OUT.onnx\n";
    return 2;
  }
  try {
    onnxport::PluginOptions options;
    options.default_paths = false;
    options.paths = {std::filesystem::path(ONNXPORT_BUILD_DIR) / "lib/onnxport/plugins.d"};
    onnxport::Registry registry(options, onnxport::plugin_host());
    const auto graph = onnxport::read_model(argv[1]);
    std::vector<onnxport::Diagnostic> notes;
    onnxport::legalize(*graph, std::stoi(argv[2]), registry, notes);
    const auto problems = onnxport::ir::check_invariants(*graph);
    for (const std::string& problem : problems) std::cerr << "invariant: " << problem << '\n';
    if (!problems.empty()) return 4;
    onnxport::write_model(*graph, argv[3], {});
  } catch (const onnxport::Error& e) {
    std::cerr << e.what() << '\n';
    return 3;
  } catch (const std::exception& e) {
    std::cerr << "legalize_file: " << e.what() << '\n';
    return 2;
  }
  return 0;
}
