// The walk behind translate(): one instance per export.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/argument/argument.h"
#include "core/builder/graph_builder.h"
#include "core/builder/materialize.h"
#include "core/host/host.h"
#include "core/host/plugin_inference.h"
#include "core/torch_interface/torch_interface.h"
#include "core/translate/region_values.h"
#include "core/translate/states.h"
#include "core/translate/translate.h"

namespace onnxport {

class Translator {
 public:
  // `states`: what later calls begin with, where that is not what the graph says.
  Translator(const ir::Graph& source, Registry& registry, const TranslateOptions& options,
             const StateForms& states);
  Translated run();

 private:
  // ---- the walk (translator.cpp) ----
  void translate_inputs();
  Argument input_argument(const ir::Value& parameter, const std::string& name);
  void translate_results();
  void add_state_result(const Argument& result, const std::string& name, const StateForm& form,
                        std::vector<std::pair<std::string, ir::Value*>>& out);
  void refuse_rank(const std::string& result, const ir::Value* value);
  void translate_block(const ir::Block& block);
  void translate_node(ir::Node& node);
  // Why one who was asked did not take a call.
  struct Refusal {
    std::string plugin;  // empty: the decomposition
    Diagnostic cause;
    bool failed = false;  // nobody else is to be asked
    std::string text() const { return plugin.empty() ? cause.message : plugin + ": " + cause.message; }
  };
  bool try_candidates(ir::Node& node, const std::vector<Argument>& arguments, std::vector<Refusal>& refusals);
  void take_results(ir::Node& node, const Candidate& candidate, std::vector<Argument> results);
  const ir::Schema* schema_of(ir::Node& node);
  void flat_values(const Argument& bound, const std::string& base,
                   std::vector<std::pair<std::string, ir::Value*>>& out);
  Argument as_result(const Argument& result, const ir::Type& type);
  ir::Value* result_value(const Argument& bound);

  // ---- bindings ----
  const Argument& bound(const ir::Value* value);
  void bind(const ir::Value* value, Argument bound);
  void refine(ir::Value& value, const ir::Type& recorded);
  // What a scalar-typed result became: a constant value is a known number from here on.
  static Argument settled(Argument bound, const ir::Type& type);
  ir::Value* initializer(const ir::Value& source);

  // ---- what needs no mapping ----
  // An operand as what it was bound to; none for an absent one.
  Argument argument_of(const ir::Node& node, size_t operand);
  std::vector<Argument> arguments_of(const ir::Node& node);
  // Containers and constants of the torch dialect (structure.cpp). False: not such a node.
  bool translate_structure(ir::Node& node);
  bool translate_constant(ir::Node& node);
  bool translate_construct(ir::Node& node, ArgumentList::Form form);
  bool hand_on(ir::Node& node);
  bool drop_effect(ir::Node& node);
  bool number_to_tensor(ir::Node& node);
  bool evaluate(ir::Node& node, const std::vector<Argument>& arguments);
  // Lists of a length, or read at a position, that is known at run time only (lists.cpp).
  bool translate_list(ir::Node& node, const std::vector<Argument>& arguments);
  std::optional<Argument> of_columns(ir::Node& node, const std::vector<Argument>& arguments);
  bool translate_tolist(ir::Node& node, const std::vector<Argument>& arguments);
  // What reads a variable that nothing was assigned to is as unset.
  bool leave_unset(ir::Node& node, const std::vector<Argument>& arguments, bool inside);
  // What is None or a value at run time, where the program knows that it is a value.
  static Argument refined(Argument argument, const ir::Type& type);
  void refine_arguments(const ir::Node& node, std::vector<Argument>& arguments) const;
  bool is_none_at_run_time(ir::Node& node, const std::vector<Argument>& arguments);
  // Questions about the type of a tensor (queries.cpp): its ONNX value, and its type as torch sees it.
  struct Tensor {
    ir::Value* value = nullptr;
    ir::Type type;
  };
  bool translate_query(ir::Node& node);
  std::optional<Argument> query_dtype(ir::Node& node, const Tensor& x);
  std::optional<Argument> query_rank(ir::Node& node, const Tensor& x);
  std::optional<Argument> query_sizes(ir::Node& node, const Tensor& x);
  std::optional<Argument> query_length(ir::Node& node, const Tensor& x);
  std::optional<Argument> query_size(ir::Node& node, const Tensor& x);
  Argument size_of_axis(ir::Value* x, int64_t axis);

  // ---- tensors that begin as the empty vector (empties.cpp) ----
  // What is asked about one before its contents are used; nullopt for another question.
  std::optional<Argument> query_empty(ir::Node& node, const GraphValue& tensor);
  // Of its later type, where the program has made sure that there is something.
  Argument as_present(const Argument& argument) const;
  ir::Value* of_later_type(ir::Value* value, const ir::Type& later);
  void join_empties(std::vector<Argument>& arguments);
  // Before a mapping sees them: empties join other tensors, or are taken to be there.
  void settle_empties(ir::Node& node, std::vector<Argument>& arguments);
  void assume_present(const std::string& why, Location place, const ir::Value* value);
  // What the numbers and conditions that a node gave would be if a tensor were the empty vector.
  void learn_at_absence(const ir::Node& node);
  void learn_from_branches(const Argument& condition, const std::array<Argument, 2>& results,
                           const ir::Value* output);
  void note_at_absence(const Argument& result, ir::Value* tensor, Argument number);
  const Argument* at_absence(const Argument& argument, ir::Value* tensor) const;
  // The tensors that are no empty vector where the condition is `truth`.
  std::vector<ir::Value*> present_where(const Argument& condition, bool truth) const;

  // ---- regions (branches.cpp, loops.cpp) ----
  void translate_if(ir::Node& node);
  void emit_if(ir::Node& node, ir::Value* condition);
  ir::Block* emit_branch(ir::Block& source, std::span<ir::Value* const> present,
                         std::vector<Argument>& results);
  bool bind_without_output(ir::Node& node, size_t i, const std::array<Argument, 2>& results,
                           std::span<ir::Block* const> blocks);
  void end_branch(ir::Block& block, std::span<const Argument> results, std::span<const RegionForm> forms);
  void translate_loop(ir::Node& node);
  bool unroll_loop(ir::Node& node);
  void emit_loop(ir::Node& node);
  void translate_scan(ir::Node& node);
  // What goes from one iteration to the next.
  struct Carried {
    const ir::Node* node = nullptr;
    std::vector<Argument> bounds;
    std::vector<RegionForm> forms;  // of `bounds`, as they hold for every iteration
    std::vector<bool> grows;      // a list that every iteration appends to: not handed on, but a scan output
    std::vector<Argument> grown;  // of such a list: what one iteration appends
    std::vector<ir::Value*> initial;  // the values in `bounds`, flat
    std::vector<ir::Type> types;      // of `initial`, as they hold for every iteration
    uint64_t first_fresh = 0;         // anonymous dims from this number on were made inside
  };
  Carried carried_by(std::span<ir::Value* const> operands);
  void hand_in(Carried& carried);
  bool settle_types(Carried& carried, std::span<ir::Value*> results);
  bool settle_forms(ir::Block& body, Carried& carried, size_t first);
  bool settle_growth(ir::Block& body, Carried& carried, size_t first);
  std::vector<ir::Value*> body_results(ir::Block& body, Carried& carried, size_t first);
  ir::Block* emit_body(ir::Block& body, Carried& carried, size_t leading_results,
                       const std::vector<std::pair<std::string, ir::Type>>& leading,
                       std::span<const ir::Type> slices);
  void bind_carried(ir::Node& node, const Carried& carried, std::span<ir::Value* const> outputs);
  // Lists that every iteration appends to (growing_lists.cpp).
  static bool only_grows(const ir::Block& body, size_t carried);
  void bind_grown(ir::Node& node, const Carried& carried, std::span<ir::Value* const> outputs,
                  ir::Value* trips);

  // ---- composites (decompose.cpp) ----
  bool decompose(ir::Node& node, const std::vector<Argument>& arguments, std::vector<Refusal>& refusals);
  void translate_parts(ir::Node& node, const Decomposition& parts, const std::vector<Argument>& tensors);
  std::shared_ptr<Decomposition> recorded(const ir::Schema& schema, const std::vector<Argument>& arguments,
                                          std::string& why);

  // ---- failures ----
  Location location_of(const ir::Node& node) const;
  void fail(ir::Node& node, std::string_view code, std::string message, std::string hint = {});
  // "operator aten::x", or which part of the call that is decomposed.
  std::string subject(const ir::Node& node) const;
  // The file is right only where `condition` ("t != 1") holds (conditions.cpp).
  void assume(ir::Node& node, const std::string& condition, const std::string& why);
  // Of squeeze(): what axes are left depends on sizes, which a type cannot.
  void assume_rank(ir::Node& node, const std::vector<Argument>& arguments);
  void refuse(ir::Node& node, const std::vector<Refusal>& refusals);
  void report_unmapped(ir::Node& node);
  void poison(ir::Node& node);
  bool reads_poison(const ir::Node& node) const;
  void count(const ir::Node& node, const std::string& plugin, std::vector<std::string> reasons = {});
  void check_result_types(const ir::Node& node, const Candidate& candidate);
  // What to write where, when a value among the arguments has no type because a manifest states none; else empty.
  std::string untyped_hint(std::span<const Argument> arguments) const;
  // Which branches give tensors of unlike ranks, when that is why an argument's is not known; else empty.
  static std::string rank_hint(const ir::Value* value);
  static std::string rank_hint(std::span<const Argument> arguments);

  const ir::Graph& source_;
  Registry& registry_;
  const TranslateOptions& options_;
  std::unique_ptr<ir::Graph> target_;
  std::unique_ptr<GraphBuilder> builder_;
  PluginInference inference_;
  std::unordered_map<const ir::Value*, Argument> bindings_;
  std::unordered_map<const ir::Value*, ir::Value*> initializers_;
  std::unordered_set<const ir::Value*> poisoned_;
  std::unordered_map<const ir::Provenance*, const ir::Provenance*> provenances_;
  const ir::Node* outer_ = nullptr;  // the call in the user's model that is being decomposed
  std::unordered_map<const ir::Value*, std::string> untyped_;  // results without a type: what to write where
  std::unordered_map<std::string, std::shared_ptr<Decomposition>> decompositions_;
  std::map<std::string, OperatorReport> report_;
  std::vector<std::string> report_order_;
  std::vector<Diagnostic> errors_;
  std::vector<Diagnostic> notes_;
  const StateForms& state_forms_;
  std::unordered_map<const ir::Value*, std::map<ir::Value*, Argument>> at_absence_;
  std::unordered_map<const ir::Value*, std::shared_ptr<const ir::Type>>
      asked_;                                                 // may be empty: their later types
  std::unordered_map<const ir::Value*, ir::Value*> present_;  // may be empty elsewhere, and are not here
  int run_time_depth_ = 0;  // of branches and loops that run time decides on
  int decompose_depth_ = 0;
  std::vector<std::string> decomposing_;  // the composites around the node at hand
};

}  // namespace onnxport
