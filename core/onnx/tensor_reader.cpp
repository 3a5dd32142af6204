#include "core/onnx/tensor_reader.h"

#include "core/onnx/convert.h"
#include "core/onnx/wire.h"
#include "onnxport/errors.h"

namespace onnxport::onnx {

namespace {

// Smaller tensors that do not lie at a multiple of eight bytes are copied to where readers of whole words may read them.
constexpr uint64_t kLargestCopy = uint64_t{1} << 20;

Error with_file(const Error& error, const std::filesystem::path& file) {
  Diagnostic d = error.diagnostics().front();
  d.place.file = file.string();
  return Error(std::move(d));
}

}  // namespace

bool TensorReader::holds(const pb::TensorProto& proto) {
  return ir::bits_of(to_dtype(proto.data_type())) != 0;
}

ir::Tensor TensorReader::tensor(const pb::TensorProto& proto) {
  if (proto.data_location() == pb::TensorProto::EXTERNAL && holds(proto)) return external_.tensor(proto);
  try {
    const auto range = mapped_ == nullptr || !holds(proto) ? std::nullopt : range_of(proto);
    if (!range) return to_tensor(proto);
    const auto bytes = mapped_->bytes().subspan(range->offset, range->size);
    const auto dtype = static_cast<ir::DType>(proto.data_type());
    std::vector<int64_t> dims(proto.dims().begin(), proto.dims().end());
    const bool odd = reinterpret_cast<uintptr_t>(bytes.data()) % 8 != 0;
    if (bytes.size() < 4096 || (odd && bytes.size() <= kLargestCopy))
      return ir::Tensor::copy_of(dtype, std::move(dims), bytes);
    return ir::Tensor(dtype, std::move(dims), bytes, mapped_, ir::FileRegion{path_, range->offset});
  } catch (const std::invalid_argument&) {
    throw with_file(
        Error("I123", "the tensor '" + proto.name() + "' has another number of bytes than its dims say", {},
              "the file is damaged: write it again"),
        file_);
  } catch (const Error& e) {
    throw with_file(e, file_);
  }
}

pb::TensorProto TensorReader::whole(const pb::TensorProto& proto) const {
  pb::TensorProto out = proto;
  const auto range = mapped_ == nullptr ? std::nullopt : range_of(proto);
  if (!range) return out;
  const auto bytes = mapped_->bytes().subspan(range->offset, range->size);
  out.set_raw_data(bytes.data(), bytes.size());
  return out;
}

}  // namespace onnxport::onnx
