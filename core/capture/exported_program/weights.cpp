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
  if (archive.is_older_layout()) {
    read_state("serialized_state_dict.pt");
    read_state("serialized_constants.pt");
    return;
  }
  // models/NAME.json goes with data/weights/NAME_weights_config.json and
  // data/constants/NAME_constants_config.json; PyTorch 2.8 wrote data/weights/NAME.pt and
  // data/constants/NAME.pt instead.
  const std::string& program = archive.program_record();
  const size_t start = program.rfind('/') + 1;
  const std::string name = program.substr(start, program.size() - start - std::string_view(".json").size());
  for (const std::string kind : {"weights", "constants"}) {
    const std::string folder = "data/" + kind + '/';
    if (archive.has(folder + name + '_' + kind + "_config.json")) {
      read_config(folder, name + '_' + kind + "_config.json");
    } else {
      read_state(folder + name + ".pt");
    }
  }
}

void ProgramWeights::read_config(const std::string& folder, const std::string& record) {
  simdjson::dom::parser parser;
  const std::string place = archive_.path() + ':' + folder + record + ':';
  const Json config = parse_json(parser, archive_.text(folder + record), place);
  for (const auto& [name, value] : config.at("config").members())
    entries_.emplace(name, config_entry(value, folder));
}

ProgramWeights::Entry ProgramWeights::config_entry(const Json& value, const std::string& folder) const {
  Entry e;
  e.place = value.path();
  e.record = folder + std::string(value.at("path_name").text());
  if (value.has("use_pickle") && value.at("use_pickle").boolean()) {
    // A program may carry objects that its graph does not need: only one that is used is an error.
    e.unreadable = "its record is missing";
    if (!archive_.has(e.record)) return e;
    if (const auto found = read_pickled_tensors(archive_.bytes(e.record), e.unreadable))
      view_saved(*found, e);
    return e;
  }
  if (archive_.has(e.record)) e.storage_size = archive_.bytes(e.record).size();
  if (value.has("tensor_meta")) {
    const Json meta = value.at("tensor_meta");
    e.dtype = dtype_of_program(meta.at("dtype").integer());
    e.sizes = ints_of(meta.at("sizes"));
    e.strides = ints_of(meta.at("strides"));
    e.offset = meta.at("storage_offset").at("as_int").integer();
  }
  return e;
}

// A dict of tensors as torch.save writes it.
void ProgramWeights::read_state(const std::string& record) {
  // A program without weights, or without constants.
  if (!archive_.has(record) || archive_.bytes(record).empty()) return;
  std::string why;
  const auto state = read_pickled_tensors(archive_.bytes(record), why);
  if (state && state->kind != SavedValue::Kind::dict) why = "it holds no dict of tensors";
  if (!why.empty()) {
    Place place;
    place.file = archive_.path() + ':' + record;
    throw Error("I117", "the tensors in this record are not read: " + why, std::move(place),
                "write the program again with torch.export.save");
  }
  for (const auto& [name, value] : state->items) {
    Entry e;
    e.record = record;
    e.place = archive_.path() + ':' + record;
    view_saved(value, e);
    entries_.insert_or_assign(name, std::move(e));
  }
}

void ProgramWeights::view_saved(const SavedValue& value, Entry& entry) {
  entry.unreadable = value.kind == SavedValue::Kind::tensor ? "" : "its pickle holds another value";
  entry.dtype = value.tensor.dtype;
  entry.sizes = value.tensor.sizes;
  entry.strides = value.tensor.strides;
  entry.offset = value.tensor.offset;
  entry.storage_at = value.tensor.storage_at;
  entry.storage_size = value.tensor.storage_size;
}

Error ProgramWeights::damaged(const Entry& entry, const std::string& name, const std::string& why) const {
  Place place;
  place.file = entry.place;
  return Error("I117", "the tensor '" + excerpt(name) + "' " + why, std::move(place),
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
  std::string out = e.record + '@' + std::to_string(e.storage_at) + '+' + std::to_string(e.offset) + ':' +
                    std::to_string(static_cast<int>(e.dtype));
  for (size_t i = 0; i < e.sizes.size(); ++i) {
    out += ',' + std::to_string(e.sizes[i]);
    if (i < e.strides.size()) out += '/' + std::to_string(e.strides[i]);
  }
  return out;
}

// Of a tensor that is not dense; every element is known to lie in `storage`.
ir::Tensor ProgramWeights::copy(const Entry& e, const std::string& name, std::span<const std::byte> storage,
                                size_t count) const {
  const size_t width = ir::size_of(e.dtype);
  if (count > storage.size() / width) {
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(count, width, &bytes) || __builtin_add_overflow(copied_, bytes, &copied_) ||
        copied_ > kMostExpanded) {
      throw damaged(e, name, "is expanded to an absurd size");
    }
  }
  return ir::Tensor::copy_of(e.dtype, e.sizes, gather(storage, e.sizes, e.strides, width, count));
}

ir::Tensor ProgramWeights::tensor(const std::string& name) const {
  const Entry& e = entry(name);
  if (!e.unreadable.empty()) throw damaged(e, name, "is no plain tensor: " + e.unreadable);
  const size_t width = ir::size_of(e.dtype);
  if (width == 0) throw damaged(e, name, "has an element type that ONNX does not have");
  const auto count = count_of(e.sizes);
  if (!count || e.strides.size() != e.sizes.size()) throw damaged(e, name, "has impossible sizes or strides");
  const std::span<const std::byte> storage = archive_.bytes(e.record).subspan(e.storage_at, e.storage_size);
  if (check_) archive_.check(e.record);
  // The last element that is read, one past it; 0 for an empty tensor.
  int64_t last = *count == 0 ? 0 : 1;
  bool fits = e.offset >= 0;
  for (size_t i = 0; i < e.sizes.size() && *count != 0; ++i) {
    int64_t reach = 0;
    fits = fits && e.strides[i] >= 0 && !__builtin_mul_overflow(e.sizes[i] - 1, e.strides[i], &reach) &&
           !__builtin_add_overflow(last, reach, &last);
  }
  const auto elements = static_cast<int64_t>(storage.size() / width);
  if (!fits || e.offset > elements || last > elements - e.offset) {
    throw damaged(e, name,
                  "reaches beyond the " + std::to_string(storage.size()) + " bytes that its record '" +
                      e.record + "' has for it");
  }
  const size_t start = static_cast<size_t>(e.offset) * width;
  if (!is_dense(e.sizes, e.strides))
    return copy(e, name, storage.subspan(start), static_cast<size_t>(*count));
  return {e.dtype, e.sizes, storage.subspan(start, static_cast<size_t>(*count) * width), archive_.file(),
          archive_.region(e.record, e.storage_at + start)};
}

}  // namespace onnxport
