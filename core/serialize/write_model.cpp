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
  const auto opset = graph.opsets.find("");
  int by_opset = ir_version_of_opset(opset == graph.opsets.end() ? 0 : opset->second);
  if (!graph.functions.empty()) by_opset = std::max(by_opset, kFirstIrWithFunctions);
  if (options.ir_version == 0) return by_opset;
  const int newest = static_cast<int>(pb::Version::IR_VERSION);
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

int ir_version_of_opset(int opset) {
  struct Row {
    int first_opset;
    int ir_version;
  };
  // Of the ONNX release that introduced the opset.
  static constexpr Row rows[] = {{9, 4},   {10, 5},  {11, 6},  {12, 7},  {15, 8}, {19, 9},
                                 {21, 10}, {23, 11}, {24, 12}, {25, 13}, {28, 14}};
  int ir_version = kOldestIr;
  for (const Row& row : rows) {
    if (opset >= row.first_opset) ir_version = row.ir_version;
  }
  return ir_version;
}

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
