// The arguments of a call that is to be recorded, at several sizes of its dynamic dims.
#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/stack.h>

#include <map>
#include <string>
#include <vector>

#include "core/libtorch/recorder.h"
#include "core/torch_interface/torch_interface.h"

namespace onnxport {

class DecompositionInputs {
 public:
  // A size or a number that varies between runs.
  struct Variable {
    bool is_dim = false;
    size_t tensor = 0;  // which tensor argument; for a number, which parameter
    size_t axis = 0;
    std::vector<int64_t> samples{};  // per run
  };
  static constexpr size_t kRuns = 4;

  DecompositionInputs(const c10::FunctionSchema& schema, const std::vector<Argument>& arguments,
                      const std::map<std::string, ir::SymbolInfo, std::less<>>& symbols)
      : schema_(schema), arguments_(arguments), symbols_(symbols) {}

  // The stack of run `run`; sizes are multiples of `multiple` where that is allowed. Throws
  // std::invalid_argument saying what is not known of the arguments.
  c10::Stack stack(size_t run, int64_t multiple, Recording& recording);
  bool is_dynamic() const { return !hints_.empty(); }
  const std::vector<Variable>& variables() const { return variables_; }
  // One per tensor or number that is an input of the graph, in the order of the arguments.
  const std::vector<ir::Type>& parameters() const { return parameters_; }
  // The number each parameter got in the recording of a run; parallel to parameters(); numbers have none.
  const std::vector<std::optional<size_t>>& numbers(size_t run) const { return numbers_[run]; }

 private:
  c10::IValue argument(const Argument& given, const c10::TypePtr& type, Recording& recording);
  c10::IValue tensor(const ir::Type& type, Recording& recording);
  c10::IValue number(const ir::Type& type);
  int64_t size(const ir::Dim& dim, size_t tensor, size_t axis);
  int64_t hint(const std::string& symbol);

  const c10::FunctionSchema& schema_;
  const std::vector<Argument>& arguments_;
  const std::map<std::string, ir::SymbolInfo, std::less<>>& symbols_;
  std::map<std::string, int64_t, std::less<>> hints_;  // of this run
  std::map<std::string, size_t> order_;                // of symbols, as first seen
  std::vector<Variable> variables_;
  std::vector<ir::Type> parameters_;
  std::vector<std::vector<std::optional<size_t>>> numbers_;
  size_t run_ = 0;
  int64_t multiple_ = 1;
  size_t variable_ = 0;
};

}  // namespace onnxport
