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

bool has_functions(const ir::Graph& graph, const SerializeOptions& options) {
  return !graph.functions.empty() || (options.facts != nullptr && !options.facts->functions.empty());
}

// The first IR version that has the element type.
int first_ir_of(ir::DType dtype) {
  if (dtype >= ir::DType::u2) return 13;
  if (dtype == ir::DType::f8e8m0) return 12;
  if (dtype == ir::DType::f4e2m1) return 11;
  if (dtype >= ir::DType::u4) return 10;
  return dtype >= ir::DType::f8e4m3fn ? 9 : kOldestIr;
}

// What a file holds may be newer than the opset of its operators.
int needed_ir_version(const ir::Graph& graph, const onnx::ModelFacts& facts) {
  int out = kOldestIr;
  for (const ir::Value* value : graph.initializers())
    out = std::max(out, first_ir_of(value->constant()->dtype()));
  constexpr int kFirstIrWithSparse = 6, kFirstIrWithOverloads = 10;
  for (const auto& [value, contents] : facts.graph.contents) {
    if (contents.sparse != nullptr) out = std::max(out, kFirstIrWithSparse);
  }
  for (const onnx::LocalFunctionForm& function : facts.functions) {
    if (!function.rest.overload().empty()) out = std::max(out, kFirstIrWithOverloads);
  }
  return out;
}

int chosen_ir_version(const ir::Graph& graph, const SerializeOptions& options) {
  const int known = static_cast<int>(pb::Version::IR_VERSION);
  int by_opset = graph.ir_version == 0 ? known : graph.ir_version;
  if (has_functions(graph, options)) by_opset = std::max(by_opset, kFirstIrWithFunctions);
  if (options.facts != nullptr) by_opset = std::max(by_opset, needed_ir_version(graph, *options.facts));
  if (options.ir_version == 0) return by_opset;
  const int newest = std::max(known, by_opset);
  if (options.ir_version < kOldestIr || options.ir_version > newest) {
    throw Error("S703",
                "IR version " + std::to_string(options.ir_version) + " is not known; expected " +
                    std::to_string(kOldestIr) + " to " + std::to_string(newest),
                {}, "leave it out to get " + std::to_string(by_opset) + ", which fits the opset");
  }
  if (has_functions(graph, options) && options.ir_version < kFirstIrWithFunctions) {
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
  const onnx::GraphFacts* facts = options.facts == nullptr ? nullptr : &options.facts->graph;
  Names names(graph, facts);
  ProtoOptions proto;
  proto.ir_version = chosen_ir_version(graph, options);
  proto.strip = options.strip;
  proto.initializers_as_inputs =
      options.keep_initializers_as_inputs || proto.ir_version < kFirstIrWithoutInitializerInputs;
  proto.facts = options.facts;
  proto.keep_listed_inputs = options.keep_listed_inputs;
  Prepared out{build_model(graph, names, proto), {}};
  check_model(out.model, graph, names, facts);
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
