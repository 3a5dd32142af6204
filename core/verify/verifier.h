// Comparing one file with the captured graph it was made of: what verify() holds while it runs.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/verify/compare.h"
#include "core/verify/inputs.h"
#include "core/verify/ort.h"
#include "core/verify/verify.h"

namespace onnxport {

// How the inputs are named that stand for the results of trusted nodes.
constexpr std::string_view kStandIn = "onnxport_stand_in_";

using Named = std::vector<std::pair<std::string, ir::Tensor>>;

// What the inputs of a run are.
struct RunPlan {
  std::vector<Sizes> sizes;  // the first at which libtorch runs the model is taken
  Draw::Reals reals = Draw::Reals::normal;
  bool first = false;      // with the examples that are given, and compared with the expected results
  bool optional = false;   // libtorch may refuse
  bool use_given = false;  // values that are given, at the sizes of the run
  std::string values = "random";
};

// The inputs of a run, and what libtorch makes of them.
struct Reference {
  Sizes sizes;
  std::vector<ir::Tensor> inputs;
  std::vector<ir::Tensor> results;
  bool is_given = false;  // the results are the user's, not libtorch's
};

// A result of a trusted node that the rest of the file reads: an input of the file that is run.
struct StandInInput {
  std::string name;
  std::string origin;  // the model's node
  size_t at = 0;       // among the results of all nodes of that origin
  std::string node;    // of the file, for messages
  ir::Type type;
  bool in_branch = false;  // need not be computed
};

// A tensor as ONNX takes it: complex numbers are pairs.
ir::Tensor as_onnx_input(const ir::Tensor& tensor);
// A tensor as an argument of `type`: of a number its one element.
Argument as_argument(ir::Tensor tensor, const ir::Type& type);
// The model's node that one of the file was made of; empty when the file does not say.
std::string origin_of(const ir::Node& node);

class Verifier {
 public:
  Verifier(const ir::Graph& captured, const std::vector<InputSpec>& specs, std::filesystem::path onnx,
           Registry& registry, const VerifyOptions& options);

  VerifyRun run(const RunPlan& plan);
  // Results that no run showed enough of.
  std::vector<std::string> not_verified() const;
  bool anything_verified() const;
  bool has_given_inputs() const;
  bool has_real_inputs() const;
  const std::vector<std::string>& unchecked() const { return unchecked_; }

 private:
  // ---- inputs and reference (verify.cpp) ----
  const InputSpec* given(size_t input) const;
  std::vector<Draw> draws(const RunPlan& plan, size_t attempt) const;
  std::vector<ir::Tensor> make_inputs(const Sizes& sizes, bool use_given, bool as_is,
                                      const std::vector<Draw>& draws) const;
  Reference reference(const RunPlan& plan);
  std::vector<ir::Tensor> evaluate(const std::vector<ir::Tensor>& inputs,
                                   const TorchInterface::Observer& observer);
  std::vector<Nudged> nudged_results(const Reference& reference);

  // ---- the file (verify.cpp) ----
  void open_session();
  std::vector<ir::Tensor> run_file(const Reference& reference);
  Named feeds(OrtSession& session, const std::vector<ir::Tensor>& inputs) const;
  // The narrowest float type that each result of the file is computed of; undefined when there is none below f32.
  const std::vector<ir::DType>& narrowest_floats();
  std::string seen_in_run(const RunPlan& plan) const;
  void compare_results(const Reference& reference, const std::vector<ir::Tensor>& actual, VerifyRun& run);

  // ---- operators that cannot be run (stand_ins.cpp) ----
  bool stand_in(const ir::Node& node, const std::vector<Argument>& arguments, std::vector<Argument>& outputs);
  std::vector<ir::Tensor> run_at_file_opset(ir::Graph& graph, const Named& inputs);
  int file_opset();
  bool trusted(const ir::Node& node);
  bool trusted_domain(std::string_view domain) const;
  std::unique_ptr<ir::Graph> without_trusted_nodes();
  void keep_made_up(const ir::Node& node, ir::Tensor tensor);
  void keep_stand_in(const ir::Value& value, const Argument& computed);
  Named stand_in_feeds(const Sizes& sizes) const;

  double quantization_step(const Reference& reference);

  // ---- what is told of a difference (divergence.cpp) ----
  void find_divergence(const std::vector<ir::Tensor>& inputs, VerifyRun& run);
  void write_node_case(const std::string& origin, const ir::Tensor& expected,
                       const std::vector<ir::Tensor>& inputs);
  void write_case(const std::vector<ir::Tensor>& inputs, const std::vector<ir::Tensor>& outputs) const;

  const ir::Graph& captured_;
  const std::vector<InputSpec>& specs_;
  std::filesystem::path onnx_;
  Registry& registry_;
  const VerifyOptions& options_;
  std::vector<Draw> roles_;
  size_t runs_ = 0;
  size_t attempt_ = 0;  // that suited the model at the example sizes
  std::unique_ptr<OrtSession> session_;
  std::vector<std::pair<ir::DType, ir::DType>> widened_;  // types of the file that are run in another
  std::vector<Coverage> seen_;                            // of each result
  size_t elements_ = 0, finite_ = 0;                      // compared in this run
  std::vector<std::string> unchecked_;
  std::optional<std::vector<ir::DType>> narrowest_;
  std::optional<int> file_opset_;
  // Of the file without its trusted nodes.
  std::unique_ptr<ir::Graph> rest_;
  std::vector<StandInInput> stand_in_inputs_;
  std::map<std::string, size_t, std::less<>> trusted_results_;  // how many, by origin
  // What the model's nodes gave, by their names, each as often as it was run.
  std::map<std::string, std::vector<ir::Tensor>, std::less<>> stand_ins_;
  std::vector<ir::Tensor> made_up_;  // of those without a kernel, in the order of the program
  std::set<const ir::Node*> without_kernel_;
};

}  // namespace onnxport
