// What needs libtorch, behind one interface: libonnxport_torch implements it and is opened only when asked for.
#pragma once

#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/argument/argument.h"
#include "core/ir/custom_schemas.h"
#include "core/ir/graph.h"
#include "onnxport/errors.h"

namespace onnxport {

// What the integers of a quantized tensor stand for: (integer - zero_point) * scale.
struct QuantizedGrid {
  double scale = 1;
  int64_t zero_point = 0;
};

// An input of the model as asked for: its type (symbolic dims), or a fixed value.
struct InputSpec {
  std::string name;
  ir::Type type;                            // tensor, or int / float / bool scalar
  std::optional<QuantizedGrid> grid;        // forward is given a quantized tensor, the file its integers
  std::optional<ir::AttributeValue> fixed;  // "name=3"
  std::optional<ir::Tensor> example;        // from --inputs DIR
};

// Weights in memory, by their names in the model's state.
using WeightsByName = std::map<std::string, ir::Tensor, std::less<>>;

struct CaptureOptions {
  std::vector<InputSpec> inputs;  // in any order when named; positional when the names are empty
  std::map<std::string, ir::SymbolInfo, std::less<>> symbols;
  std::map<std::string, std::string> dims;  // of a program: symbol -> its new name, or a number
  std::string method = "forward";           // of a TorchScript module: what is captured
  bool number_states = false;               // numbers that a module sets are tensors that it holds: State::io
  bool freeze = false;
  bool training = false;  // training mode on; else eval(), unless `preserve_mode`
  bool preserve_mode = false;
  std::vector<std::filesystem::path> libraries;  // kernels loaded first
  // Of custom operators whose kernels may be absent (from manifests); null: there are none.
  std::shared_ptr<const ir::CustomSchemas> schemas;
  // Of a program: a weight's record is read as a whole, for its checksum.
  bool check_weights = true;
  std::shared_ptr<const WeightsByName> weights;  // that the file does not hold; null: it holds all
};

// A captured model: torch dialect. Graph inputs and results are flat (tuples, lists, dicts of forward's
// signature are taken apart, with stable names in graph->input_names / output_names); parameters are
// initializers under their state_dict names; every node has provenance.
struct Captured {
  std::unique_ptr<ir::Graph> graph;
  std::vector<Diagnostic> notes;
  // Ready when the checksums of all weights were found right, else it throws; not valid when none are
  // checked.
  std::shared_future<void> weights_checked;
};

// A composite operator as smaller ones: a torch graph whose inputs are the operator's tensor
// arguments (in schema order, list elements flattened, None skipped) followed by one int per entry of `dims`.
struct Decomposition {
  std::unique_ptr<ir::Graph> graph;
  struct DimInput {
    size_t tensor = 0;  // which tensor argument
    size_t axis = 0;
  };
  std::vector<DimInput> dims;
  std::vector<std::string> notes;  // stand-ins that were used, for --verbose
};

class TorchInterface {
 public:
  virtual ~TorchInterface() = default;

  // Loads and imports a TorchScript file. Throws Error I1xx, T5xx.
  virtual Captured capture_torchscript(const std::filesystem::path& file, const CaptureOptions& options) = 0;

  // Loads a vendor's kernels, for the life of the process. Throws Error L212.
  virtual void load_kernels(const std::vector<std::filesystem::path>& libraries) = 0;

  // Decomposes one call of a composite operator by recording its kernel on meta tensors at several hint sets.
  // `arguments` are parallel to the schema's; of a value its type, with concrete or symbolic dims, is what counts.
  // nullopt when the operator has no composite kernel; `why` then says so. Throws Error T5xx when the recordings
  // differ or a number fits no expression of input dims.
  virtual std::optional<Decomposition> decompose(
      const ir::Schema& schema, const std::vector<Argument>& arguments,
      const std::map<std::string, ir::SymbolInfo, std::less<>>& symbols, std::string& why) = 0;

  // Called with each value of the captured graph as it is computed; may be empty.
  using Observer = std::function<void(const ir::Value&, const Argument&)>;
  // Called for an operator without a kernel: must fill the outputs, or return false (then Error V803).
  using Fallback = std::function<bool(const ir::Node&, const std::vector<Argument>& arguments,
                                      std::vector<Argument>& outputs)>;
  // Interprets a captured graph (torch dialect) with libtorch's kernels. `inputs` parallel to the graph's
  // inputs.
  virtual std::vector<Argument> evaluate(const ir::Graph& graph, const std::vector<Argument>& inputs,
                                         const Observer& observer, const Fallback& fallback) = 0;
};

// Opens libonnxport_torch (beside libonnxport, ONNXPORT_TORCH_LIBRARY first) once per process. Throws Error
// L211.
TorchInterface& torch_interface();
// Whether it has been opened in this process.
bool torch_interface_loaded();

// What libonnxport_torch exports, by constant name "onnxport_torch_interface".
using TorchInterfaceFactory = TorchInterface* (*)();

}  // namespace onnxport
