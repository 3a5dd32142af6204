#include "core/capture/exported_program/weights.h"

#include <iterator>
#include <utility>

namespace onnxport {
namespace {

std::vector<int64_t> ints_of(const Json& list) {
  std::vector<int64_t> out;
  for (const Json& item : list.items()) out.push_back(item.at("as_int").integer());
  return out;
}

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

ProgramWeights::ProgramWeights(const ProgramArchive& archive, bool check,
                               std::shared_ptr<const WeightsByName> given)
    : archive_(archive), check_(check), given_(std::move(given)) {
  if (archive.is_older_layout()) {
    read_state("serialized_state_dict.pt");
    read_state("serialized_constants.pt");
    return;
  }
  // models/NAME.json goes with data/weights/NAME_weights_config.json and data/constants/NAME_constants_config.json;
  // PyTorch 2.8 wrote data/weights/NAME.pt and data/constants/NAME.pt instead.
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
  e.tensor.record = folder + std::string(value.at("path_name").text());
  if (value.has("use_pickle") && value.at("use_pickle").boolean()) {
    // A program may carry objects that its graph does not need: only one that is used is an error.
    e.unreadable = "its record is missing";
    if (!archive_.has(e.tensor.record)) return e;
    if (const auto found = read_pickled_tensors(archive_.bytes(e.tensor.record), e.unreadable))
      view_saved(*found, e);
    return e;
  }
  if (archive_.has(e.tensor.record)) e.tensor.storage_size = archive_.bytes(e.tensor.record).size();
  if (value.has("tensor_meta")) {
    const Json meta = value.at("tensor_meta");
    e.tensor.dtype = dtype_of_program(meta.at("dtype").integer());
    e.tensor.sizes = ints_of(meta.at("sizes"));
    e.tensor.strides = ints_of(meta.at("strides"));
    e.tensor.offset = meta.at("storage_offset").at("as_int").integer();
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
    throw file_error("I117", "the tensors in this record are not read: " + why,
                     archive_.path() + ':' + record, "write the program again with torch.export.save");
  }
  for (size_t i = 0; i < state->items.size(); ++i) {
    Entry e;
    e.tensor.record = record;
    e.place = archive_.path() + ':' + record;
    view_saved(state->items[i], e);
    entries_.insert_or_assign(state->keys[i], std::move(e));
  }
}

// Leaves the entry unreadable when the value is no tensor.
void ProgramWeights::view_saved(const SavedValue& value, Entry& entry) {
  entry.unreadable = value.kind == SavedValue::Kind::tensor ? "" : "its pickle holds another value";
  entry.tensor = ArchivedTensor::of(value.tensor, std::move(entry.tensor.record));
}

Error ProgramWeights::damaged(const Entry& entry, const std::string& name, const std::string& why) const {
  return file_error("I117", "the tensor '" + excerpt(name) + "' " + why, entry.place,
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

const ir::Tensor* ProgramWeights::given(const std::string& name) const {
  if (given_ == nullptr) return nullptr;
  const auto found = given_->find(name);
  return found == given_->end() ? nullptr : &found->second;
}

std::string ProgramWeights::identity(const std::string& name) const {
  if (const ir::Tensor* in_memory = given(name)) {
    // An empty one is at no place.
    std::string out = in_memory->extent().empty() ? name : "";
    out += std::to_string(reinterpret_cast<uintptr_t>(in_memory->extent().data())) + ':' +
           std::to_string(static_cast<int>(in_memory->dtype()));
    for (const int64_t size : in_memory->dims()) out += ',' + std::to_string(size);
    for (const int64_t stride : in_memory->strides()) out += '/' + std::to_string(stride);
    return out;
  }
  const Entry& e = entry(name);
  std::string out = e.tensor.record + '@' + std::to_string(e.tensor.storage_at) + '+' +
                    std::to_string(e.tensor.offset) + ':' + std::to_string(static_cast<int>(e.tensor.dtype));
  for (size_t i = 0; i < e.tensor.sizes.size(); ++i) {
    out += ',' + std::to_string(e.tensor.sizes[i]);
    if (i < e.tensor.strides.size()) out += '/' + std::to_string(e.tensor.strides[i]);
  }
  return out;
}

ir::Tensor ProgramWeights::tensor(const std::string& name) const {
  if (const ir::Tensor* in_memory = given(name)) return in_memory->contiguous();
  const Entry& e = entry(name);
  if (!e.unreadable.empty()) throw damaged(e, name, "is no plain tensor: " + e.unreadable);
  std::string why;
  std::optional<ir::Tensor> out = read_tensor(archive_, e.tensor, copied_, why);
  if (!out) throw damaged(e, name, why);
  if (check_) read_.insert(e.tensor.record);
  return *std::move(out);
}

std::shared_future<void> ProgramWeights::check() const {
  constexpr size_t kWorthAThread = size_t{8} << 20;
  size_t bytes = 0;
  for (const std::string& record : read_) bytes += archive_.bytes(record).size();
  const std::function<void()> work = archive_.checking({read_.begin(), read_.end()});
  if (bytes >= kWorthAThread) return std::async(std::launch::async, work).share();
  work();
  return {};
}

}  // namespace onnxport
