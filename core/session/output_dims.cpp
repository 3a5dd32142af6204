#include "core/session/output_dims.h"

#include <algorithm>
#include <optional>

namespace onnxport {
namespace {

// Whether two sizes are known to be of different expressions; that they may be equal in a run all the same is no matter.
bool differ(const ir::Dim& a, const ir::Dim& b) {
  const auto known = [](const ir::Dim& d) {
    return d.is_constant() || (d.is_expression() && !d.is_anonymous());
  };
  return known(a) && known(b) && !(a == b);
}

class OutputDims {
 public:
  OutputDims(ir::Graph& graph, std::vector<Diagnostic>& notes) : graph_(graph), notes_(notes) {
    for (const ir::Value* input : graph.body().parameters()) {
      if (!input->type().is_tensor() || !input->type().shape()) continue;
      for (const ir::Dim& dim : *input->type().shape())
        dim.for_each_symbol(
            [&](std::string_view name) { of_inputs_[std::string(name)] = ir::Dim::symbol(name); });
    }
  }

  void name(const std::string& output, const std::map<int, std::string>& axes) {
    const auto found = std::find(graph_.output_names.begin(), graph_.output_names.end(), output);
    const auto at = static_cast<size_t>(found - graph_.output_names.begin());
    ir::Value* value = at < graph_.body().result_count() ? graph_.body().result(at) : nullptr;
    if (value == nullptr || !value->type().is_tensor() || !value->type().shape()) refuse(output);
    ir::Shape shape = *value->type().shape();
    for (const auto& [axis, wanted] : axes) {
      const int rank = static_cast<int>(shape.size());
      const int place = axis < 0 ? axis + rank : axis;
      if (place < 0 || place >= rank) {
        note(Severity::warning, "axis " + std::to_string(axis) + " of the output '" + output +
                                    "' is called '" + wanted + "', and there are " + std::to_string(rank) +
                                    " axes");
        continue;
      }
      ir::Dim& dim = shape[static_cast<size_t>(place)];
      dim = named(dim, wanted, "axis " + std::to_string(place) + " of the output '" + output + "'");
    }
    value->set_type(ir::Type::tensor(value->type().dtype(), std::move(shape)));
  }

 private:
  [[noreturn]] void refuse(const std::string& name) const {
    std::string outputs;
    for (const std::string& output : graph_.output_names) outputs += (outputs.empty() ? "" : ", ") + output;
    throw Error("I107",
                "dynamic axes are given for '" + name +
                    "', which is neither an input described nor an output that is a tensor",
                {}, "the outputs are " + outputs + "; inputs are described with --input");
  }

  ir::Dim named(const ir::Dim& dim, const std::string& wanted, const std::string& where) {
    if (dim.is_constant()) {
      note(Severity::note,
           where + " is " + dim.text() + " at every size: the name '" + wanted + "' is not used");
      return dim;
    }
    const auto input = of_inputs_.find(wanted);
    if (input != of_inputs_.end()) {
      if (!differ(dim, input->second)) return input->second;
      note(Severity::note, where + " is " + dim.text() + ", and not '" + wanted +
                               "', as a size of the inputs is called: the name is not used");
      return dim;
    }
    for (size_t count = 1;; ++count) {
      const std::string name = count == 1 ? wanted : wanted + "_" + std::to_string(count);
      if (of_inputs_.contains(name)) continue;
      const auto [given, is_new] = given_.emplace(name, dim);
      if (!is_new && differ(given->second, dim)) continue;
      if (count > 1)
        note(Severity::note,
             where + " is another size than the one called '" + wanted + "': it is called '" + name + "'");
      return ir::Dim::symbol(name);
    }
  }

  void note(Severity severity, std::string text) {
    notes_.push_back({severity, "I107", std::move(text), {}, {}});
  }

  ir::Graph& graph_;
  std::vector<Diagnostic>& notes_;
  std::map<std::string, ir::Dim> of_inputs_;
  std::map<std::string, ir::Dim> given_;  // name -> what it stands for
};

}  // namespace

void name_output_dims(ir::Graph& graph, const AxisNames& names, std::vector<Diagnostic>& notes) {
  OutputDims dims(graph, notes);
  for (const auto& [output, axes] : names) dims.name(output, axes);
}

}  // namespace onnxport
