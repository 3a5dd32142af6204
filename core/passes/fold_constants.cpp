#include <algorithm>
#include <map>
#include <unordered_set>

#include "core/builder/graph_builder.h"
#include "core/evaluate/evaluate.h"
#include "core/ir/dims/comparison.h"
#include "core/ir/pivot.h"
#include "core/passes/passes.h"
#include "core/passes/rewriting.h"

namespace onnxport {

namespace {

constexpr uint64_t kStays = 1024;  // smaller weights are written into the file anyway
constexpr uint64_t kLargestResult = 1u << 20;
// What makes a constant larger is better left to the runtime, except for shapes and masks.
constexpr uint64_t kLargestGrown = 64u << 10;
// What may lie in the file in two orders.
constexpr uint64_t kLargestTwice = 64u << 10;

bool grows(std::string_view op) {
  static const std::unordered_set<std::string_view> ops = {"ConstantOfShape", "Expand", "Pad", "Range",
                                                           "Tile"};
  return ops.contains(op);
}

// The bytes stay where they are: nothing is copied, however large.
bool only_looks(std::string_view op) {
  static const std::unordered_set<std::string_view> ops = {"Constant", "Flatten",   "Identity", "Reshape",
                                                           "Squeeze",  "Unsqueeze", "Shape",    "Size"};
  return ops.contains(op);
}

// Whoever reads the weight reads it transposed as this node does.
bool is_read_only_as(const ir::Node& transpose) {
  const auto* order = transpose.attribute_as<std::vector<int64_t>>("perm");
  for (const ir::Operand* use = transpose.operand(0)->first_use(); use != nullptr; use = use->next()) {
    const ir::Node* user = use->user();
    if (user == &transpose) continue;
    if (user->op_text() != "Transpose") return false;
    const auto* other = user->attribute_as<std::vector<int64_t>>("perm");
    if ((order == nullptr) != (other == nullptr) || (order != nullptr && *order != *other)) return false;
  }
  return true;
}

// Nobody else reads the weight, or will once this node and those like it are folded. A result of the graph is not.
bool is_last_reader(const ir::Node& node) {
  ir::Value* weight = node.operand(0);
  if (weight->has_one_use()) return true;
  if (!is_op(&node, "Transpose") || !is_read_only_as(node)) return false;
  for (const ir::Operand* use = weight->first_use(); use != nullptr; use = use->next()) {
    if (!can_replace(use->user()->output(0), weight)) return false;
  }
  return true;
}

// A Transpose is a view of the weight: nothing is copied here, but the file holds what is read in two orders
// twice. That is worth a node less only while it is small.
bool may_transpose(const ir::Node& node, uint64_t bytes, const PassOptions& options) {
  return bytes <= kLargestTwice || (options.fold_weights && is_read_only_as(node));
}

uint64_t limit_for(const ir::Node& node) {
  const std::string_view op = node.op_text();
  if (op == "Constant" || op == "Transpose") return UINT64_MAX / 64;
  return grows(op) ? kLargestGrown : kLargestResult;
}

bool may_fold(const ir::Node& node, const PassOptions& options) {
  if (!node.blocks().empty() || node.op_text().find("::") != std::string_view::npos) return false;
  if (node.operand_count() == 0) return is_op(&node, "Constant");
  uint64_t largest = 0;
  for (size_t i = 0; i < node.operand_count(); ++i) {
    const ir::Value* operand = node.operand(i);
    if (operand == nullptr) continue;
    if (!operand->is_constant()) return false;
    const uint64_t bytes = operand->constant()->byte_size();
    if (options.weights_stay && bytes >= kStays && operand->constant()->file() && !only_looks(node.op_text()))
      return false;
    largest = std::max<uint64_t>(largest, bytes);
  }
  if (is_op(&node, "Transpose") && !may_transpose(node, largest, options)) return false;
  if (largest <= kLargestResult) return options.constant_folding || largest <= kLargestGrown / 64;
  if (!options.constant_folding) return false;
  if (only_looks(node.op_text())) return node.operand(0)->has_one_use();  // two views would be stored twice
  return is_op(&node, "Transpose");
}

class Folder {
 public:
  Folder(ir::Graph& graph, const PassOptions& options)
      : graph_(graph),
        options_(options),
        opset_(graph.opsets.contains("") ? graph.opsets[""] : kPivotOpset),
        builder_(graph, opset_) {}

  void run(ir::Block& block) {
    for (ir::Node* node = block.first(); node != nullptr;) {
      ir::Node* next = node->next();
      for (ir::Block* inner : node->blocks()) run(*inner);
      if (fold(*node) || fold_sizes(*node)) {
        graph_.erase(node);
      } else {
        shorten_floor_division(*node);
      }
      node = next;
    }
  }

 private:
  bool fold(ir::Node& node) {
    if (!may_fold(node, options_)) return false;
    std::vector<const ir::Tensor*> inputs;
    for (size_t i = 0; i < node.operand_count(); ++i) {
      inputs.push_back(node.operand(i) == nullptr ? nullptr : node.operand(i)->constant());
    }
    const auto results = evaluate_constant(node.op_text(), inputs, node.attributes(), opset_,
                                           node.output_count(), limit_for(node));
    if (!results) return false;
    if (is_op(&node, "Transpose")) return put_view(node, (*results)[0]);
    return put(node, *results) != nullptr;
  }

  // Two nodes that transpose one weight alike share the view.
  bool put_view(ir::Node& node, const ir::Tensor& view) {
    const auto* order = node.attribute_as<std::vector<int64_t>>("perm");
    ir::Value*& made = views_[{node.operand(0), order == nullptr ? std::vector<int64_t>() : *order}];
    if (made != nullptr) return replace(node.output(0), made);
    made = put(node, {view});
    return made != nullptr;
  }

  // The first of the constants that replace the results; null when one may not.
  ir::Value* put(ir::Node& node, const std::vector<ir::Tensor>& results) {
    std::vector<ir::Value*> values;
    for (size_t i = 0; i < results.size(); ++i) {
      // A rewritten weight keeps its name.
      const bool renames = node.operand_count() > 0 && node.operand(0) != nullptr && results.size() == 1 &&
                           is_last_reader(node) && !node.operand(0)->name().empty();
      values.push_back(renames ? graph_.add_initializer(node.operand(0)->name().text(), results[i])
                               : builder_.constant(results[i]));
    }
    for (size_t i = 0; i < values.size(); ++i) {
      if (!can_replace(node.output(i), values[i])) return nullptr;
    }
    for (size_t i = 0; i < values.size(); ++i) node.output(i)->replace_all_uses_with(values[i]);
    return values.front();
  }

  // Sizes that are known although they are computed from a value that is not.
  bool fold_sizes(ir::Node& node) {
    if (node.output_count() != 1 || !node.blocks().empty()) return false;
    ir::Value* output = node.output(0);
    const ir::Type& type = output->type();
    if (!type.is_tensor() || type.dtype() != ir::DType::i64 || type.rank() < 0 || type.rank() > 1)
      return false;
    const std::vector<ir::Dim>* shape_data = builder_.shape_data(output);
    if (shape_data == nullptr) return false;
    std::vector<int64_t> values;
    for (const ir::Dim& dim : *shape_data) {
      if (!dim.is_constant()) return false;
      values.push_back(dim.value());
    }
    const std::vector<int64_t> dims(type.rank() == 1 ? 1 : 0, static_cast<int64_t>(values.size()));
    return replace(output, builder_.constant(ir::Tensor::ints(values).reshaped(dims)));
  }

  // (a - a mod b) / b, which is how floor division is said in ONNX, is one Div where nothing is negative.
  void shorten_floor_division(ir::Node& node) {
    if (!is_op(&node, "Div")) return;
    const ir::Node* whole = producer_of(node.operand(0), "Sub");
    const ir::Node* rest = whole == nullptr ? nullptr : producer_of(whole->operand(1), "Mod");
    if (rest == nullptr || rest->operand(0) != whole->operand(0) || rest->operand(1) != node.operand(1))
      return;
    if (are_at_least(rest->operand(0), 0) && are_at_least(rest->operand(1), 1))
      node.set_operand(0, rest->operand(0));
  }

  bool are_at_least(const ir::Value* sizes, int64_t least) {
    const std::vector<ir::Dim>* shape_data = builder_.shape_data(sizes);
    const ir::DimComparison order(graph_.symbols);
    return shape_data != nullptr &&
           std::all_of(shape_data->begin(), shape_data->end(),
                       [&](const ir::Dim& dim) { return order.at_least(dim, least); });
  }

  ir::Graph& graph_;
  const PassOptions& options_;
  int opset_;
  GraphBuilder builder_;
  // Of transposed constants, by the order of their axes.
  std::map<std::pair<const ir::Value*, std::vector<int64_t>>, ir::Value*> views_;
};

}  // namespace

void fold_constants(ir::Graph& graph, const PassOptions& options) {
  Folder(graph, options).run(graph.body());
  graph.remove_unused_initializers();
}

}  // namespace onnxport
