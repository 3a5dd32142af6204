#include "core/capture/exported_program/weights.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace onnxport {
namespace {

std::vector<int64_t> ints_of(const Json& list) {
  std::vector<int64_t> out;
  for (const Json& item : list.items()) out.push_back(item.at("as_int").integer());
  return out;
}

// Elements of a tensor; nullopt when a size is negative or the product overflows, zeros left out: a product
// in another order must not overflow either.
std::optional<int64_t> count_of(const std::vector<int64_t>& sizes) {
  int64_t out = 1;
  bool empty = false;
  for (const int64_t s : sizes) {
    if (s < 0 || (s > 0 && __builtin_mul_overflow(out, s, &out))) return std::nullopt;
    empty = empty || s == 0;
  }
  return empty ? 0 : out;
}

bool is_dense(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  int64_t expected = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] != 1 && strides[i] != expected) return false;
    expected *= sizes[i];
  }
  return true;
}

// Bytes of a strided tensor in row-major order. Every element is known to lie in the storage.
std::vector<std::byte> gather(std::span<const std::byte> storage, const std::vector<int64_t>& sizes,
                              const std::vector<int64_t>& strides, size_t width, size_t count) {
  std::vector<std::byte> out(count * width);
  std::vector<int64_t> index(sizes.size(), 0);
  int64_t from = 0;
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(out.data() + i * width, storage.data() + static_cast<size_t>(from) * width, width);
    for (size_t axis = sizes.size(); axis-- > 0;) {
      if (sizes[axis] == 1) continue;  // its stride is never used, and may be any number
      from += strides[axis];
      if (++index[axis] < sizes[axis]) break;
      from -= strides[axis] * sizes[axis];
      index[axis] = 0;
    }
  }
  return out;
}

// Expanded tensors may be far larger than their records: a small file does not get the memory of the machine.
constexpr uint64_t kMostExpanded = uint64_t{2} << 30;

}  // namespace

ir::DType dtype_of_program(int64_t number) {
  using D = ir::DType;
  static constexpr D low[] = {D::undefined, D::u8,  D::i8,        D::i16, D::i32,  D::i64,     D::f16,
                              D::f32,       D::f64, D::undefined, D::c64, D::c128, D::boolean, D::bf16};
  if (number >= 0 && number < static_cast<int64_t>(std::size(low))) return low[number];
  switch (number) {
    case 28:
      return D::u16;
    case 29:
      return D::f8e4m3fn;
    case 30:
      return D::f8e5m2;
    case 31:
      return D::f8e4m3fnuz;
    case 32:
      return D::f8e5m2fnuz;
    default:
      return D::undefined;
  }
}

ProgramWeights::ProgramWeights(const ProgramArchive& archive, bool check) : archive_(archive), check_(check) {
  // models/NAME.json goes with data/weights/NAME_weights_config.json and
  // data/constants/NAME_constants_config.json.
  const std::string& program = archive.program_record();
  const size_t start = program.rfind('/') + 1;
  const std::string name = program.substr(start, program.size() - start - std::string_view(".json").size());
  read_config("data/weights/", name + "_weights_config.json");
  read_config("data/constants/", name + "_constants_config.json");
}

void ProgramWeights::read_config(const std::string& folder, const std::string& record) {
  if (!archive_.has(folder + record)) return;  // a program without weights, or without constants
  simdjson::dom::parser parser;
  const std::string place = archive_.path() + ':' + folder + record + ':';
  const Json config = parse_json(parser, archive_.text(folder + record), place);
  for (const auto& [name, value] : config.at("config").members()) {
    Entry e;
    e.place = value.path();
    e.record = folder + std::string(value.at("path_name").text());
    e.pickled = value.has("use_pickle") && value.at("use_pickle").boolean();
    if (value.has("tensor_meta")) {
      const Json meta = value.at("tensor_meta");
      e.dtype = dtype_of_program(meta.at("dtype").integer());
      e.sizes = ints_of(meta.at("sizes"));
      e.strides = ints_of(meta.at("strides"));
      e.offset = meta.at("storage_offset").at("as_int").integer();
    }
    entries_.emplace(name, std::move(e));
  }
}

Error ProgramWeights::damaged(const Entry& entry, const std::string& name, const std::string& why) const {
  Place place;
  place.file = entry.place;
  return Error("I117", "the tensor '" + name + "' " + why, std::move(place),
               "write the program again with torch.export.save");
}

const ProgramWeights::Entry& ProgramWeights::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    Entry nowhere;
    nowhere.place = archive_.path();
    throw damaged(nowhere, name, "is not in the archive");
  }
  return found->second;
}

std::string ProgramWeights::identity(const std::string& name) const {
  const Entry& e = entry(name);
  std::string out =
      e.record + '@' + std::to_string(e.offset) + ':' + std::to_string(static_cast<int>(e.dtype));
  for (size_t i = 0; i < e.sizes.size(); ++i) {
    out += ',' + std::to_string(e.sizes[i]);
    if (i < e.strides.size()) out += '/' + std::to_string(e.strides[i]);
  }
  return out;
}

// torch aligns its records; another zip writer may not, and numbers are read where they lie.
ir::Tensor ProgramWeights::view(const Entry& e, std::span<const std::byte> bytes, size_t start) const {
  const size_t alignment = std::min<size_t>(ir::size_of(e.dtype), alignof(double));
  const ir::FileRegion region = archive_.region(e.record, start);
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignment == 0)
    return {e.dtype, e.sizes, bytes, archive_.file(), region};
  const auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  return {e.dtype, e.sizes, *copy, copy, region};
}

ir::Tensor ProgramWeights::tensor(const std::string& name) const {
  const Entry& e = entry(name);
  if (e.pickled) throw damaged(e, name, "is pickled: only plain tensors are read");
  const size_t width = ir::size_of(e.dtype);
  if (width == 0) throw damaged(e, name, "has an element type that ONNX does not have");
  const auto count = count_of(e.sizes);
  if (!count || e.strides.size() != e.sizes.size()) throw damaged(e, name, "has impossible sizes or strides");
  const std::span<const std::byte> record = archive_.bytes(e.record);
  if (check_) archive_.check(e.record);
  // The last element that is read, one past it; 0 for an empty tensor.
  int64_t last = *count == 0 ? 0 : 1;
  bool fits = e.offset >= 0;
  for (size_t i = 0; i < e.sizes.size() && *count != 0; ++i) {
    int64_t reach = 0;
    fits = fits && e.strides[i] >= 0 && !__builtin_mul_overflow(e.sizes[i] - 1, e.strides[i], &reach) &&
           !__builtin_add_overflow(last, reach, &last);
  }
  const auto elements = static_cast<int64_t>(record.size() / width);
  if (!fits || e.offset > elements || last > elements - e.offset) {
    throw damaged(
        e, name,
        "reaches beyond its record '" + e.record + "' of " + std::to_string(record.size()) + " bytes");
  }
  const size_t start = static_cast<size_t>(e.offset) * width;
  if (is_dense(e.sizes, e.strides)) {
    return view(e, record.subspan(start, static_cast<size_t>(*count) * width), start);
  }
  if (*count > elements) {
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(*count), width, &bytes) ||
        __builtin_add_overflow(copied_, bytes, &copied_) || copied_ > kMostExpanded) {
      throw damaged(e, name, "is expanded to an absurd size");
    }
  }
  return ir::Tensor::copy_of(
      e.dtype, e.sizes,
      gather(record.subspan(start), e.sizes, e.strides, width, static_cast<size_t>(*count)));
}

}  // namespace onnxport
