#include "core/libtorch/decompose.h"

#include <ATen/core/ivalue_inl.h>

#include <algorithm>
#include <stdexcept>

#include "core/libtorch/convert.h"
#include "core/libtorch/decomposition_inputs.h"
#include "core/libtorch/fit.h"
#include "core/libtorch/location.h"
#include "core/libtorch/recorded_graph.h"
#include "core/libtorch/recorder.h"

namespace onnxport {
namespace {

struct Run {
  Recording recording;
  std::vector<RecordedItem> results;
};

// Several recordings of one call become one graph; what differs between them is expressed by sizes.
class DecompositionBuilder : public RecordedGraph {
 public:
  DecompositionBuilder(std::string name, const DecompositionInputs& inputs, const std::vector<Run>& runs,
                       Decomposition& out)
      : RecordedGraph(*(out.graph = std::make_unique<ir::Graph>(ir::Graph::Dialect::torch)),
                      recordings(runs)),
        name_(std::move(name)),
        inputs_(inputs),
        results_(runs),
        out_(out) {
    dims_.resize(inputs.variables().size());
    for (const DecompositionInputs::Variable& v : inputs.variables()) samples_.push_back(v.samples);
  }

  void build() {
    for (size_t i = 0; i < inputs_.parameters().size(); ++i) {
      ir::Value* parameter = graph_.add_input("", inputs_.parameters()[i]);
      if (const auto number = inputs_.numbers(0)[i]) set_value(*number, parameter);
      graph_.input_names.push_back("input_" + std::to_string(i));
    }
    add_calls();
    std::vector<ir::Value*> results;
    for (size_t i = 0; i < results_[0].results.size(); ++i) {
      Items items;
      for (const Run& run : results_) items.push_back(&run.results.at(i));
      results.push_back(value(items, nullptr));
      graph_.output_names.push_back("output_" + std::to_string(i));
    }
    graph_.body().set_results(results);
    for (const std::string& op : runs_[0]->stand_ins())
      out_.notes.push_back(name_ + ": the shape of " + op + " was learnt on zeros");
  }

 private:
  static std::vector<const Recording*> recordings(const std::vector<Run>& runs) {
    std::vector<const Recording*> out;
    for (const Run& run : runs) out.push_back(&run.recording);
    return out;
  }

  Error different(const std::string& what, size_t /*run*/) const override {
    return Error("T530", name_ + " does different things at different sizes: " + what, place_of_node(name_),
                 "make the dim static, or add a mapping for " + name_);
  }

  // A constant that the kernel made by itself.
  ir::Value* leaf(const Items& items) override {
    const at::Tensor made = runs_[0]->tensor(items[0]->tensor);
    if (made.defined() && made.device().is_cpu()) return constant_leaf(items, "");
    throw Error("T530", name_ + " makes a tensor in a way that cannot be recorded", place_of_node(name_),
                "add a mapping for " + name_);
  }

  ir::Value* number(const std::vector<int64_t>& seen) override {
    const auto fitted = fit_number(samples_, seen);
    if (!fitted)
      throw different("the number " + std::to_string(seen[0]) + " becomes " + std::to_string(seen[1]) +
                          ", which is no expression of the input dims",
                      1);
    return expression(*fitted, [this](size_t v) { return variable(v); });
  }

  // A size that is used becomes an input of the graph.
  ir::Value* variable(size_t index) {
    const DecompositionInputs::Variable& v = inputs_.variables()[index];
    if (!v.is_dim) return graph_.body().parameters()[v.tensor];
    if (dims_[index] == nullptr) {
      out_.dims.push_back({v.tensor, v.axis});
      dims_[index] = graph_.add_input("", ir::Type::integer());
      graph_.input_names.push_back("dim_" + std::to_string(out_.dims.size()));
    }
    return dims_[index];
  }

  std::string name_;
  const DecompositionInputs& inputs_;
  const std::vector<Run>& results_;
  Decomposition& out_;
  std::vector<std::vector<int64_t>> samples_;
  std::vector<ir::Value*> dims_;
};

std::optional<c10::DispatchKey> composite_key(const c10::OperatorHandle& op) {
  for (const c10::DispatchKey key :
       {c10::DispatchKey::CompositeImplicitAutograd, c10::DispatchKey::CompositeExplicitAutograd}) {
    if (op.hasKernelForDispatchKey(key)) return key;
  }
  return std::nullopt;
}

std::vector<Run> record(const c10::OperatorHandle& op, c10::DispatchKey key, DecompositionInputs& inputs,
                        int64_t multiple) {
  std::vector<Run> runs;
  for (size_t r = 0; r < (r > 0 && !inputs.is_dynamic() ? 1 : DecompositionInputs::kRuns); ++r) {
    Run run;
    c10::Stack stack = inputs.stack(r, multiple, run.recording);
    run.recording.run(op, key, stack);
    for (const c10::IValue& result : stack) {
      // A conjugate that libtorch only marks leaves no call to record: refused rather than exported without
      // it.
      if (result.isTensor() && result.toTensor().defined() &&
          (result.toTensor().is_conj() || result.toTensor().is_neg())) {
        const std::string name = qualified_name(op.schema());
        throw Error("T530", name + " returns a lazy conjugate, which its recording does not show",
                    place_of_node(name),
                    "write the conjugate out in the model, with real and imaginary parts");
      }
      run.results.push_back(run.recording.item(result));
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

// Kernels go over an axis or a list of sizes for each number of a list: with very many of them for minutes.
constexpr size_t kMostNumbers = 1024;

size_t longest_list_of_numbers(const std::vector<Argument>& arguments) {
  size_t out = 0;
  for (const Argument& a : arguments) {
    const auto* list = a.list();
    if (list != nullptr && !list->items().empty() && list->items().front().is_number())
      out = std::max(out, list->items().size());
  }
  return out;
}

}  // namespace

std::optional<Decomposition> decompose_operator(
    const ir::Schema& schema, const std::vector<Argument>& arguments,
    const std::map<std::string, ir::SymbolInfo, std::less<>>& symbols, std::string& why) {
  const auto op = c10::Dispatcher::singleton().findSchema(c10::OperatorName(schema.name, schema.overload));
  const std::string name = schema.qualified_name();
  if (!op) {
    why = "libtorch has no operator " + name;
    return std::nullopt;
  }
  const auto key = composite_key(*op);
  if (!key || schema.is_mutating()) {
    why = name + " is not made of smaller operators";
    return std::nullopt;
  }
  if (const size_t numbers = longest_list_of_numbers(arguments); numbers > kMostNumbers) {
    why = name + ": a list of " + std::to_string(numbers) +
          " numbers, more than libtorch's kernel is tried with";
    return std::nullopt;
  }
  DecompositionInputs inputs(op->schema(), arguments, symbols);
  // Some operators only take sizes that divide evenly; when the plain ones fail, rounder ones may not.
  for (const int64_t multiple : {1, 4, 24}) {
    try {
      const std::vector<Run> runs = record(*op, *key, inputs, multiple);
      Decomposition out;
      DecompositionBuilder(name, inputs, runs, out).build();
      return out;
    } catch (const std::invalid_argument& e) {
      why = name + ": " + e.what();
      return std::nullopt;
    } catch (const c10::Error& e) {
      why = name + ": libtorch refuses the call: " + e.what_without_backtrace();
    } catch (const Error&) {
      throw;
    } catch (const std::exception& e) {  // of the C++ library, inside a kernel: sizes that no memory holds
      why = name + ": libtorch fails: " + e.what();
    }
    if (!inputs.is_dynamic()) break;
  }
  return std::nullopt;
}

}  // namespace onnxport
