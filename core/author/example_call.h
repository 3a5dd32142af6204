// A model of one call, made from an operator's schema: what a mapping is asked about when nobody has a model at hand.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/author/written_call.h"
#include "core/ir/graph.h"
#include "core/ir/schema.h"

namespace onnxport {

// What tensors a call is given.
struct ExampleTensors {
  std::string type;  // "f32[n,3,4]": of each tensor argument
};

// Those that are tried, the likeliest first.
const std::vector<ExampleTensors>& example_tensors();

// A torch graph whose one node calls the operator: tensors are its inputs, everything else is as the schema has it by default,
// and where it has no default a small number, an empty text, a list of two. Empty, with the reason in `why`, for an argument
// that there is no example of (an object, a generator).
std::unique_ptr<ir::Graph> example_call(const ir::Schema& schema, const ExampleTensors& tensors,
                                        std::string& why);
// The same with these arguments, each of them as it is written. Throws Error T552 for one that is not of its argument's kind,
// and for one that is missing.
std::unique_ptr<ir::Graph> written_call(const ir::Schema& schema, const WrittenArguments& arguments);

}  // namespace onnxport
