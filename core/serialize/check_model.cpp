#include "core/serialize/check_model.h"

#include <unordered_set>

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

}  // namespace

void check_model(pb::ModelProto& model, const ir::Graph& graph, const Names& names) {
  pb::GraphProto& proto = *model.mutable_graph();
  const int inputs = proto.input_size();
  std::unordered_set<std::string> known;
  for (const auto& input : proto.input()) known.insert(input.name());
  for (const ir::Value* value : graph.initializers()) {
    if (!value->has_uses()) continue;
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
  run_checker(model);
  proto.clear_initializer();
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
