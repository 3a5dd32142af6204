// Several recordings of one piece of code as one graph in the torch dialect: what differs between them is said by the runs' sizes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/ir/graph.h"
#include "core/libtorch/fit.h"
#include "core/libtorch/recorder.h"
#include "onnxport/errors.h"

namespace onnxport {

class RecordedGraph {
 public:
  virtual ~RecordedGraph() = default;

 protected:
  using Items = std::vector<const RecordedItem*>;  // one thing in all runs

  RecordedGraph(ir::Graph& graph, std::vector<const Recording*> runs)
      : graph_(graph), runs_(std::move(runs)) {}

  // The calls of all runs, in order.
  void add_calls();
  // One argument or result as a value of the graph; `wanted`: null for results.
  ir::Value* value(const Items& items, const c10::Argument* wanted);
  void set_value(size_t tensor, ir::Value* value) { values_[tensor] = value; }
  // The graph's value of a tensor; null: nobody gave or computed it.
  ir::Value* value_of(size_t tensor) const;

  ir::Value* emit(std::string_view op, std::vector<ir::Value*> operands, ir::Type type);
  ir::Value* constant(ir::AttributeValue value, ir::Type type);

  // What to throw where `run` differs from the first.
  virtual Error different(const std::string& what, size_t run) const = 0;
  // An integer that is another one in other runs.
  virtual ir::Value* number(const std::vector<int64_t>& seen) = 0;
  // A tensor that is neither given nor computed.
  virtual ir::Value* leaf(const Items& items) = 0;
  // Whether a call says nothing that the graph needs; for where a call came from.
  virtual bool skip(size_t /*index*/) { return false; }
  virtual void added(ir::Node& /*node*/, size_t /*index*/) {}

  // The same bytes in every run, as an initializer.
  ir::Value* constant_leaf(const Items& items, const std::string& name);

  // The integer that was fitted, over the values of its variables.
  ir::Value* expression(const FittedNumber& number, const std::function<ir::Value*(size_t)>& variable);

  ir::Graph& graph_;
  std::vector<const Recording*> runs_;
  size_t call_ = 0;  // the one that is added

 private:
  void check_call(size_t run) const;
  void add_call(size_t index);
  void add_result(ir::Node& node, const RecordedItem& result, const c10::Argument& type);
  ir::Value* tensor(const Items& items);
  ir::Value* list(const Items& items, const c10::Argument* wanted);
  ir::Value* plain(const Items& items, const c10::Argument* wanted);
  ir::Value* integer(const Items& items);
  ir::Value* real(const Items& items, size_t other);
  ir::Value* operate(std::string_view op, ir::Value* a, int64_t b);

  std::map<size_t, ir::Value*> values_;
};

}  // namespace onnxport
