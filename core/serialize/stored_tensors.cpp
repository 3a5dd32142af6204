#include "core/serialize/stored_tensors.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "onnxport/errors.h"

namespace onnxport {

namespace {

constexpr uint64_t kInlineLimit = uint64_t{1} << 30;  // automatic: above it weights get their own file
constexpr uint64_t kLargestMessage = (uint64_t{1} << 31) - 1;  // what protobuf can read
constexpr uint64_t kAlignment = 64;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kPageAlignedFrom = uint64_t{1} << 20;

// Field numbers of onnx.proto, which never change.
constexpr uint32_t kModelGraph = 7;
constexpr uint32_t kGraphInitializer = 5;
constexpr uint32_t kTensorRawData = 9;

void add_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}

// Tag and length of a length-delimited field.
std::string field_header(uint32_t number, uint64_t length) {
  std::string out;
  add_varint(out, (number << 3) | 2u);
  add_varint(out, length);
  return out;
}

uint64_t message_size(const StoredTensor& t) {
  const uint64_t bytes = t.is_inline ? t.value->constant()->byte_size() : 0;
  return t.message.size() + (t.is_inline ? field_header(kTensorRawData, bytes).size() + bytes : 0);
}

void add_location(pb::TensorProto& proto, const std::string& location, uint64_t offset, uint64_t length) {
  proto.set_data_location(pb::TensorProto::EXTERNAL);
  const auto add = [&](const char* key, const std::string& value) {
    auto* entry = proto.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  };
  add("location", location);
  add("offset", std::to_string(offset));
  add("length", std::to_string(length));
}

[[noreturn]] void refuse_reference(const std::filesystem::path& archive, const std::string& why) {
  Location place;
  place.file = archive.string();
  throw Error("S706", "the weights cannot stay in this file: " + why, place,
              "use --weights external to copy them into a file beside the model");
}

// What ONNX Runtime and the checker ask of a file that external data points into.
void check_archive(const std::filesystem::path& archive, const std::filesystem::path& model) {
  std::error_code error;
  if (archive.empty()) refuse_reference(archive, "the model does not come from a file");
  const auto status = std::filesystem::symlink_status(archive, error);
  if (error || !std::filesystem::exists(status)) refuse_reference(archive, "it does not exist");
  if (std::filesystem::is_symlink(status)) refuse_reference(archive, "it is a symbolic link");
  if (!std::filesystem::is_regular_file(status)) refuse_reference(archive, "it is not a regular file");
  const auto links = std::filesystem::hard_link_count(archive, error);
  if (error || links != 1) refuse_reference(archive, "it has more than one hard link");
  const auto folder = [](const std::filesystem::path& p) {
    return p.has_parent_path() ? p.parent_path() : ".";
  };
  if (!std::filesystem::equivalent(folder(archive), folder(model), error) || error) {
    refuse_reference(archive, "it is not in the folder of " + model.string());
  }
}

// Sizes, axes, scales: ONNX's inference and the runtimes read them before any file beside the model is opened.
bool may_be_a_shape(const ir::Tensor& tensor) {
  constexpr uint64_t kMostAxes = 16;
  return tensor.dims().size() <= 1 && tensor.byte_size() <= kMostAxes * sizeof(int64_t);
}

// The same as an answer, for a data file of a model that was read; its path begins with the model's folder.
bool is_reachable(const std::filesystem::path& data, const std::filesystem::path& model) {
  std::error_code error;
  const std::filesystem::path folder = model.has_parent_path() ? model.parent_path() : ".";
  const auto status = std::filesystem::symlink_status(data, error);
  if (error || !std::filesystem::is_regular_file(status)) return false;
  const auto links = std::filesystem::hard_link_count(data, error);
  if (error || links != 1) return false;
  const auto from = std::filesystem::weakly_canonical(folder, error);
  const auto inside = std::filesystem::weakly_canonical(data, error).lexically_relative(from);
  return !error && !inside.empty() && *inside.begin() != "..";
}

class Planner {
 public:
  Planner(const Names& names, const SerializeOptions& options, const std::filesystem::path* model)
      : names_(names), options_(options), model_(model) {}

  StoragePlan plan(const ir::Graph& graph) {
    std::vector<const ir::Value*> used;
    uint64_t total = 0;
    for (const ir::Value* value : graph.initializers()) {
      if (!value->has_uses()) continue;
      if (options_.facts != nullptr && onnx::is_constant_node(options_.facts->graph, *value, graph)) continue;
      used.push_back(value);
      total += value->constant()->byte_size();
    }
    Weights weights = model_ == nullptr ? Weights::inline_ : options_.weights;
    const bool as_read = weights == Weights::automatic && options_.facts != nullptr;
    if (weights == Weights::automatic && !as_read)
      weights = total < kInlineLimit ? Weights::inline_ : Weights::external;
    if (weights == Weights::reference && options_.facts == nullptr)
      check_archive(options_.source_model, *model_);

    StoragePlan out;
    out.tensors.reserve(used.size());
    for (const ir::Value* value : used)
      out.tensors.push_back(store(*value, as_read ? place_as_read(*value->constant()) : weights));
    for (size_t i : data_) out.data.push_back(&out.tensors[i]);
    return out;
  }

 private:
  // Where a weight goes that stays where it was read.
  Weights place_as_read(const ir::Tensor& tensor) {
    if (!tensor.file() || !tensor.file()->path || is_model(*tensor.file()->path)) return Weights::inline_;
    return Weights::reference;
  }

  bool is_model(const std::string& path) const { return path == options_.source_model.string(); }

  // The data file of a model that was read, as the file written can call it; empty: it cannot.
  const std::string& location_beside(const std::string& path) {
    const auto [known, is_new] = locations_.try_emplace(path);
    if (is_new && is_reachable(path, *model_))
      known->second =
          std::filesystem::path(path).lexically_relative(options_.source_model.parent_path()).string();
    return known->second;
  }

  StoredTensor store(const ir::Value& value, Weights weights) {
    const ir::Tensor& tensor = *value.constant();
    const uint64_t size = tensor.byte_size();
    pb::TensorProto proto;
    onnx::to_proto_header(tensor, proto);
    proto.set_name(names_.of(&value));
    StoredTensor out;
    out.value = &value;
    const bool as_read = weights == Weights::reference && options_.weights == Weights::automatic;
    const bool small =
        (!as_read && size < std::max<uint64_t>(options_.external_threshold, 1)) || may_be_a_shape(tensor);
    if (weights != Weights::inline_ && !small) {
      out.is_inline = false;
      if (weights == Weights::reference && options_.facts != nullptr && lies_beside(tensor)) {
        add_location(proto, location_beside(*tensor.file()->path), tensor.file()->offset, size);
      } else if (weights == Weights::reference && options_.facts == nullptr && lies_in_archive(tensor)) {
        add_location(proto, options_.source_model.filename().string(), tensor.file()->offset, size);
      } else {
        out.offset = place(tensor);
        add_location(proto, model_->filename().string() + ".data", out.offset, size);
      }
    }
    out.message = proto.SerializeAsString();
    ++count_;
    return out;
  }

  // Weights that were rewritten on the way (transposed, folded) are in no archive: they go to the data file.
  bool lies_in_archive(const ir::Tensor& tensor) const {
    std::error_code error;
    return tensor.is_contiguous() && tensor.file() && tensor.file()->path &&
           std::filesystem::equivalent(*tensor.file()->path, options_.source_model, error) && !error;
  }

  bool lies_beside(const ir::Tensor& tensor) {
    return tensor.is_contiguous() && tensor.file() && tensor.file()->path &&
           !location_beside(*tensor.file()->path).empty();
  }

  // Offset in the data file; tensors of the same storage share an entry.
  uint64_t place(const ir::Tensor& tensor) {
    const uint64_t size = tensor.byte_size();
    const auto [it, is_new] = placed_.try_emplace({tensor.extent().data(), size, layout_of(tensor)}, 0);
    if (!is_new) return it->second;
    const uint64_t alignment = size >= kPageAlignedFrom ? kPage : kAlignment;
    it->second = (end_ + alignment - 1) / alignment * alignment;
    end_ = it->second + size;
    data_.push_back(count_);
    return it->second;
  }

  // Empty for contiguous elements.
  static std::vector<int64_t> layout_of(const ir::Tensor& tensor) {
    if (tensor.is_contiguous()) return {};
    ir::StridedView view{ir::size_of(tensor.dtype()), tensor.dims(), tensor.strides()};
    view = view.coalesced();
    view.dims.insert(view.dims.end(), view.strides.begin(), view.strides.end());
    return view.dims;
  }

  const Names& names_;
  const SerializeOptions& options_;
  const std::filesystem::path* model_;
  // By where the elements begin, their bytes, and how they lie.
  std::map<std::tuple<const std::byte*, uint64_t, std::vector<int64_t>>, uint64_t> placed_;
  std::map<std::string, std::string> locations_;  // of the data files of a model that was read
  std::vector<size_t> data_;                      // indices of the tensors that own an entry
  size_t count_ = 0;
  uint64_t end_ = 0;
};

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

StoragePlan plan_storage(const ir::Graph& graph, const Names& names, const SerializeOptions& options,
                         const std::filesystem::path* model) {
  return Planner(names, options, model).plan(graph);
}

void write_messages(const pb::ModelProto& model, const StoragePlan& plan, ByteSink& sink) {
  // The fields of a message may come in any order: first everything but the graph, then the graph with its
  // initializers last, so that no weight is ever copied into a message.
  uint64_t tensors = 0;
  for (const StoredTensor& t : plan.tensors) {
    const uint64_t size = message_size(t);
    tensors += field_header(kGraphInitializer, size).size() + size;
  }
  const uint64_t nodes = model.graph().ByteSizeLong();
  if (nodes + tensors > kLargestMessage) {
    throw Error("S702",
                "the model is " + std::to_string((nodes + tensors) >> 20) +
                    " MiB; an ONNX file can be at most 2047 MiB",
                {}, "use --weights external to put the weights into a file beside the model");
  }

  pb::ModelProto rest;
  rest.set_ir_version(model.ir_version());
  rest.set_producer_name(model.producer_name());
  rest.set_producer_version(model.producer_version());
  if (!model.domain().empty()) rest.set_domain(model.domain());
  if (model.model_version() != 0) rest.set_model_version(model.model_version());
  if (!model.doc_string().empty()) rest.set_doc_string(model.doc_string());
  *rest.mutable_training_info() = model.training_info();
  *rest.mutable_configuration() = model.configuration();
  *rest.mutable_opset_import() = model.opset_import();
  *rest.mutable_metadata_props() = model.metadata_props();
  *rest.mutable_functions() = model.functions();
  sink.write(bytes_of(rest.SerializeAsString()));
  sink.write(bytes_of(field_header(kModelGraph, nodes + tensors)));
  sink.write(bytes_of(model.graph().SerializeAsString()));
  for (const StoredTensor& t : plan.tensors) {
    sink.write(bytes_of(field_header(kGraphInitializer, message_size(t))));
    sink.write(bytes_of(t.message));
    if (!t.is_inline) continue;
    sink.write(bytes_of(field_header(kTensorRawData, t.value->constant()->byte_size())));
    sink.write(*t.value->constant());
  }
}

void write_data(const StoragePlan& plan, OutputFile& file) {
  for (const StoredTensor* t : plan.data) {
    file.pad_to(t->offset);
    file.write(*t->value->constant());
  }
}

}  // namespace onnxport
