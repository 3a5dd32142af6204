#include "core/serialize/check_model.h"

#include <unordered_set>

#include "core/onnx/schemas.h"
#include "core/serialize/serialize.h"
#include "onnx/checker.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

// Enough for everything that inference reads: shapes, axes, sizes, repeats.
constexpr size_t kLargestChecked = 1u << 16;

[[noreturn]] void throw_check_failed(const std::exception& e, Location place) {
  throw Error("S701", std::string("ONNX's check refuses the model: ") + e.what(), std::move(place),
              "this is a defect of a mapping, an opset rule or onnxport itself; please report it");
}

void run_checker(const pb::ModelProto& model) {
  try {
    pb::checker::check_model(model, /*full_check=*/true);
  } catch (const std::exception& e) {
    throw_check_failed(e, {});
  }
}

// Operators of ai.onnx that came after the ONNX library: plugins know them, and their table has been checked. While one
// exists they are of a domain of which the library asks nothing.
class LaterOperators {
 public:
  explicit LaterOperators(pb::ModelProto& model) : model_(model) {
    for (const auto& import : model.opset_import()) {
      if (import.domain().empty() || import.domain() == "ai.onnx")
        opset_ = static_cast<int>(import.version());
    }
    if (opset_ <= onnx::latest_opset()) return;
    hide(*model.mutable_graph());
    if (hidden_.empty()) return;
    auto& import = *model.add_opset_import();
    import.set_domain(kLater);
    import.set_version(1);
  }
  ~LaterOperators() {
    for (pb::NodeProto* node : hidden_) node->clear_domain();
    if (!hidden_.empty()) model_.mutable_opset_import()->RemoveLast();
  }
  LaterOperators(const LaterOperators&) = delete;
  LaterOperators& operator=(const LaterOperators&) = delete;

 private:
  static constexpr const char* kLater = "org.onnxport.later";

  void hide(pb::GraphProto& graph) {
    for (pb::NodeProto& node : *graph.mutable_node()) {
      for (pb::AttributeProto& attribute : *node.mutable_attribute()) {
        if (attribute.has_g()) hide(*attribute.mutable_g());
      }
      if (!node.domain().empty() || onnx::find_schema(node.op_type(), "", opset_) != nullptr) continue;
      node.set_domain(kLater);
      hidden_.push_back(&node);
    }
  }

  pb::ModelProto& model_;
  int opset_ = 0;
  std::vector<pb::NodeProto*> hidden_;
};

}  // namespace

void check_model(pb::ModelProto& model, const ir::Graph& graph, const Names& names,
                 const onnx::GraphFacts* facts) {
  pb::GraphProto& proto = *model.mutable_graph();
  const int inputs = proto.input_size(), initializers = proto.initializer_size();
  std::unordered_set<std::string> known;
  for (const auto& input : proto.input()) known.insert(input.name());
  for (const ir::Value* value : graph.initializers()) {
    if (!value->has_uses() || (facts != nullptr && onnx::is_constant_node(*facts, *value, graph))) continue;
    const ir::Tensor& tensor = *value->constant();
    if (tensor.byte_size() <= kLargestChecked) {
      pb::TensorProto& small = *proto.add_initializer();
      onnx::to_proto(tensor, small);
      small.set_name(names.of(value));
    } else if (known.insert(names.of(value)).second) {
      pb::ValueInfoProto& info = *proto.add_input();
      info.set_name(names.of(value));
      onnx::to_proto(tensor.type(), *info.mutable_type(), onnx::For::file);
    }
  }
  {
    const LaterOperators hidden(model);
    run_checker(model);
  }
  proto.mutable_initializer()->DeleteSubrange(initializers, proto.initializer_size() - initializers);
  proto.mutable_input()->DeleteSubrange(inputs, proto.input_size() - inputs);
}

void check_model_file(const std::filesystem::path& file) {
  try {
    pb::checker::check_model(file.string(), /*full_check=*/true);
  } catch (const std::exception& e) {
    Location place;
    place.file = file.string();
    throw_check_failed(e, place);
  }
}

}  // namespace onnxport
