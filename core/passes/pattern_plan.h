// A pattern made ready for matching. Only pattern*.cpp see this.
#pragma once

#include <string>
#include <vector>

#include "core/passes/pattern.h"

namespace onnxport {

struct Pattern::Plan {
  struct Value {
    std::string name;
    int producer = -1;  // number of the node that makes it; -1: an input or a constant
    size_t output = 0;  // which of its results
    bool is_output = false;
    bool is_optional = false;
    std::optional<ir::Tensor> constant;  // a Constant of the text
    std::vector<const ValueCondition*> conditions;
  };
  struct Attribute {
    std::string name;
    int captured = -1;  // number among the captured ones; -1: `value` is asked for
    ir::AttributeValue value;
  };
  struct Node {
    std::string op;            // "Add", "com.acme::Swish"
    std::vector<int> inputs;   // numbers of values; -1: left out
    std::vector<int> outputs;  // -1: not named
    std::vector<Attribute> attributes;
    // What an attribute that a node does not give, or that the text does not mention, has to be.
    std::vector<std::pair<std::string, ir::AttributeValue>> defaults;
    bool commutative = false;

    const ir::AttributeValue* default_of(std::string_view attribute) const;
  };
  // Nodes are compared in this order: each is reached from a value of one before it.
  struct Step {
    int node = 0;
    int via = -1;            // the value; -1: the root
    bool from_user = false;  // it reads the value; else it makes it
  };

  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<Step> steps;
  std::vector<int> outputs;
  std::vector<std::string> captured;
  std::vector<const AttributeCondition*> conditions;  // parallel to captured; null: none
  ManifestRule rule;                                  // what the pointers above point into
  std::unique_ptr<ir::Graph> names;                   // interns what tensors of the text need
};

}  // namespace onnxport
