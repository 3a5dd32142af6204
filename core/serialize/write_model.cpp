#include <algorithm>

#include "core/ir/node_location.h"
#include "core/serialize/check_model.h"
#include "core/serialize/names.h"
#include "core/serialize/output_file.h"
#include "core/serialize/proto_builder.h"
#include "core/serialize/serialize.h"
#include "core/serialize/stored_tensors.h"
#include "onnxport/errors.h"

namespace onnxport {

namespace {

constexpr int kOldestIr = 3;
constexpr int kFirstIrWithoutInitializerInputs = 4;
constexpr int kFirstIrWithFunctions = 8;

int chosen_ir_version(const ir::Graph& graph, const SerializeOptions& options) {
  const int known = static_cast<int>(pb::Version::IR_VERSION);
  int by_opset = graph.ir_version == 0 ? known : graph.ir_version;
  if (!graph.functions.empty()) by_opset = std::max(by_opset, kFirstIrWithFunctions);
  if (options.ir_version == 0) return by_opset;
  const int newest = std::max(known, by_opset);
  if (options.ir_version < kOldestIr || options.ir_version > newest) {
    throw Error("S703",
                "IR version " + std::to_string(options.ir_version) + " is not known; expected " +
                    std::to_string(kOldestIr) + " to " + std::to_string(newest),
                {}, "leave it out to get " + std::to_string(by_opset) + ", which fits the opset");
  }
  if (!graph.functions.empty() && options.ir_version < kFirstIrWithFunctions) {
    throw Error("S703", "local functions need IR version 8, not " + std::to_string(options.ir_version), {},
                "leave the IR version out, or have the function inlined (keep_function: false)");
  }
  return options.ir_version;
}

// A file that is nested deeper is one that nobody can read.
void check_depth(const ir::Block& block, size_t depth) {
  for (const ir::Node* node : block) {
    for (const ir::Block* inner : node->blocks()) {
      if (depth >= ir::kDeepestBlock) {
        throw Error("S710",
                    "blocks are nested more than " + std::to_string(ir::kDeepestBlock) +
                        " deep: a file that is deeper cannot be read (protobuf has a limit)",
                    ir::location_of(*node), "take the loops and ifs of the model apart");
      }
      check_depth(*inner, depth + 1);
    }
  }
}

void check_depth(const ir::Graph& graph) { check_depth(graph.body(), 0); }

class CallbackSink : public ByteSink {
 public:
  explicit CallbackSink(const std::function<void(std::span<const std::byte>)>& callback)
      : callback_(callback) {}
  using ByteSink::write;
  void write(std::span<const std::byte> bytes) override {
    if (!bytes.empty()) callback_(bytes);
  }

 private:
  const std::function<void(std::span<const std::byte>)>& callback_;
};

struct Prepared {
  pb::ModelProto model;
  StoragePlan storage;
};

Prepared prepare_model(const ir::Graph& graph, const SerializeOptions& options,
                       const std::filesystem::path* file) {
  check_depth(graph);
  Names names(graph);
  ProtoOptions proto;
  proto.ir_version = chosen_ir_version(graph, options);
  proto.strip = options.strip;
  proto.initializers_as_inputs =
      options.keep_initializers_as_inputs || proto.ir_version < kFirstIrWithoutInitializerInputs;
  Prepared out{build_model(graph, names, proto), {}};
  check_model(out.model, graph, names);
  out.storage = plan_storage(graph, names, options, file);
  return out;
}

}  // namespace

void write_model(const ir::Graph& graph, const std::filesystem::path& file, const SerializeOptions& options) {
  const std::filesystem::path target = output_target(file);
  const Prepared prepared = prepare_model(graph, options, &target);
  std::vector<OutputFile*> files;
  std::optional<OutputFile> data;
  if (!prepared.storage.data.empty()) {
    std::filesystem::path data_path = target;
    data.emplace(data_path += ".data");
    write_data(prepared.storage, *data);
    files.push_back(&*data);
  }
  OutputFile model(target);
  write_messages(prepared.model, prepared.storage, model);
  files.push_back(&model);
  if (options.before_publish) options.before_publish();
  commit(files);
}

void write_model(const ir::Graph& graph, const std::function<void(std::span<const std::byte>)>& sink,
                 const SerializeOptions& options) {
  const Prepared prepared = prepare_model(graph, options, nullptr);
  if (options.before_publish) options.before_publish();
  CallbackSink out(sink);
  write_messages(prepared.model, prepared.storage, out);
}

void write_tensor_file(const ir::Tensor& tensor, std::string_view name, const std::filesystem::path& file) {
  pb::TensorProto proto;
  onnx::to_proto(tensor, proto);
  proto.set_name(std::string(name));
  OutputFile out(output_target(file));
  const std::string bytes = proto.SerializeAsString();
  out.write(std::as_bytes(std::span(bytes)));
  OutputFile* const files[] = {&out};
  commit(files);
}

}  // namespace onnxport
