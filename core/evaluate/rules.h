// The inside of the evaluator: what a rule is given and gives.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/evaluate/array.h"
#include "core/evaluate/evaluate.h"
#include "core/ir/attribute_reader.h"

namespace onnxport {

// An operator on known operands, its attributes and what the caller allows.
struct Evaluation : ir::AttributeReader {
  std::string_view op_type;
  std::span<const SizeOperand> operands;
  int opset = 0;
  size_t outputs = 1;
  uint64_t max_bytes = 0;
  std::span<const ir::Type> types;           // of the outputs, where they are known
  const ir::DimComparison* order = nullptr;  // null: there are numbers only

  size_t input_count() const { return operands.size(); }
  // Whether the operand is there, known or not.
  bool is_given(size_t i) const { return i < operands.size() && operands[i].is_given; }
  // Null when it is omitted or not known.
  const Array* input(size_t i) const;
  // Elements that are all numbers.
  const ir::Tensor* numbers(size_t i) const;
  // An operand of small integers, nullopt when not known or of another type; or the attribute that older opsets have.
  std::optional<std::vector<int64_t>> ints(size_t i, std::string_view attribute_name = {}) const;
  // The dims of an output whose operands do not say them, where the type does.
  std::optional<std::vector<int64_t>> inferred_dims(size_t output) const;
  // Whether an array of these dims and type may be made.
  bool fits(const std::vector<int64_t>& dims, ir::DType dtype) const;
};

// nullopt: not known here, malformed or too large.
using Evaluated = std::optional<std::vector<Array>>;
using EvaluationRule = Evaluated (*)(const Evaluation&);

// As the one result there is.
Evaluated one(Array array);
Evaluated one(std::optional<ir::Tensor> tensor);

// By operator; one table per family.
using RuleTable = std::unordered_map<std::string_view, EvaluationRule>;
const RuleTable& elementwise_rules();
const RuleTable& movement_rules();
const RuleTable& indexing_rules();
const RuleTable& reduction_rules();
const RuleTable& source_rules();

// The result is its first input looked at in another way: no byte is read, however large it is, and elements
// that have strides may keep them.
bool makes_views(std::string_view op_type);

// What two integers make where both are numbers, and what two sizes make: unknown where that cannot be said.
using IntRule = std::optional<int64_t> (*)(int64_t, int64_t);
using RealRule = std::optional<double> (*)(double, double);
using SizeRule = ir::Dim (*)(const ir::DimComparison&, const ir::Dim&, const ir::Dim&);
struct BinaryRule {
  IntRule ints = nullptr;
  RealRule reals = nullptr;
  SizeRule sizes = nullptr;
};

// The sizes' reading of a rule: numbers are computed with as numbers.
ir::Dim combine_sizes(const BinaryRule& rule, const ir::DimComparison& order, const ir::Dim& a,
                      const ir::Dim& b);

// Of Add, Mul, Min and Max; what reductions and running sums are made of.
const BinaryRule& arithmetic_rule(std::string_view op_type);

}  // namespace onnxport
