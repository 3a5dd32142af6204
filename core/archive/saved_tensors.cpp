#include "core/archive/saved_tensors.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "core/archive/checksum.h"
#include "core/archive/pickle.h"
#include "core/archive/zip_directory.h"

namespace onnxport {
namespace {

using ir::DType;
using Kind = PickleValue::Kind;

constexpr int kDeepest = 64;                     // containers within containers
constexpr size_t kMostValues = size_t{1} << 20;  // of the tree: a pickle may name one value many times
constexpr size_t kMostAxes = 64;                 // libtorch's own limit

struct Named {
  std::string_view global;
  DType dtype;
};

// A storage's class says the elements of a tensor…
constexpr std::array<Named, 12> kStorages = {{{"torch FloatStorage", DType::f32},
                                              {"torch DoubleStorage", DType::f64},
                                              {"torch HalfStorage", DType::f16},
                                              {"torch BFloat16Storage", DType::bf16},
                                              {"torch LongStorage", DType::i64},
                                              {"torch IntStorage", DType::i32},
                                              {"torch ShortStorage", DType::i16},
                                              {"torch CharStorage", DType::i8},
                                              {"torch ByteStorage", DType::u8},
                                              {"torch BoolStorage", DType::boolean},
                                              {"torch ComplexFloatStorage", DType::c64},
                                              {"torch ComplexDoubleStorage", DType::c128}}};
// …or the call that rebuilds it does, for those that came after storages lost their types.
constexpr std::array<Named, 19> kDtypes = {{{"torch float32", DType::f32},
                                            {"torch float64", DType::f64},
                                            {"torch float16", DType::f16},
                                            {"torch bfloat16", DType::bf16},
                                            {"torch int64", DType::i64},
                                            {"torch int32", DType::i32},
                                            {"torch int16", DType::i16},
                                            {"torch int8", DType::i8},
                                            {"torch uint8", DType::u8},
                                            {"torch bool", DType::boolean},
                                            {"torch complex64", DType::c64},
                                            {"torch complex128", DType::c128},
                                            {"torch uint16", DType::u16},
                                            {"torch uint32", DType::u32},
                                            {"torch uint64", DType::u64},
                                            {"torch float8_e4m3fn", DType::f8e4m3fn},
                                            {"torch float8_e4m3fnuz", DType::f8e4m3fnuz},
                                            {"torch float8_e5m2", DType::f8e5m2},
                                            {"torch float8_e5m2fnuz", DType::f8e5m2fnuz}}};
constexpr std::string_view kUntyped = "torch.storage UntypedStorage";
constexpr std::string_view kTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kTypedTensor = "torch._utils _rebuild_tensor_v3";
constexpr std::string_view kParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kParameterWithState = "torch._utils _rebuild_parameter_with_state";
constexpr std::string_view kSize = "torch Size";
// Values that no graph needs, but that may stand beside those it does.
constexpr std::array<std::string_view, 4> kIgnored = {"torch device", "torch.serialization _get_layout",
                                                      "torch contiguous_format", "torch preserve_format"};

template <size_t N>
std::optional<DType> find_in(const std::array<Named, N>& table, std::string_view global) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Named& n) { return n.global == global; });
  return found == table.end() ? std::nullopt : std::optional(found->dtype);
}

bool is_known(std::string_view global) {
  return global == "collections OrderedDict" || global == kUntyped || global == kTensor ||
         global == kTypedTensor || global == kParameter || global == kParameterWithState || global == kSize ||
         find_in(kStorages, global) || find_in(kDtypes, global) ||
         std::find(kIgnored.begin(), kIgnored.end(), global) != kIgnored.end();
}

// Why an archive is not read; never leaves read_pickled_tensors.
struct Refusal {
  std::string why;
};

[[noreturn]] void refuse(std::string why) { throw Refusal{std::move(why)}; }

class SavedReader {
 public:
  explicit SavedReader(std::span<const std::byte> archive) : archive_(archive) {
    std::string why;
    const auto entries = read_zip_directory(archive, why);
    if (!entries) refuse("as an archive it is damaged: " + why);
    for (const ZipEntry& entry : *entries) {
      if (!entries_.emplace(entry.name, entry).second)
        refuse("two of its records are named '" + printable_record(entry.name) + "'");
      const size_t slash = entry.name.find('/');
      if (slash != std::string::npos && entry.name.substr(slash) == "/data.pkl")
        folder_ = entry.name.substr(0, slash + 1);
    }
    if (folder_.empty()) refuse("it has no record data.pkl: torch.save did not write it");
  }

  SavedValue read() {
    if (entries_.contains(folder_ + "byteorder") && text(stored("byteorder")) != "little")
      refuse("it was written on a big-endian machine");
    const ZipEntry& entry = stored("data.pkl");
    const std::string_view bytes = text(entry);
    if (crc32_of(std::as_bytes(std::span(bytes))) != entry.crc32)
      refuse("the checksum of its record data.pkl is another one: it is damaged");
    std::string why;
    const auto pickle = read_pickle(std::as_bytes(std::span(bytes)), is_known, why);
    if (!pickle) refuse("its pickle is not read: " + why);
    return value(pickle->root(), 0);
  }

 private:
  // Of a record that is stored: the bytes of another one are not those that its size counts.
  std::string_view text(const ZipEntry& entry) const {
    return {reinterpret_cast<const char*>(archive_.data()) + entry.offset, entry.size};
  }
  const ZipEntry& stored(const std::string& name) const {
    const auto found = entries_.find(folder_ + name);
    if (found == entries_.end()) refuse("its record '" + printable_record(name) + "' is missing");
    if (!found->second.stored) refuse("its record '" + printable_record(name) + "' is compressed");
    return found->second;
  }

  SavedValue value(const PickleValue& from, int depth) {
    if (depth > kDeepest) refuse("it is nested deeper than " + std::to_string(kDeepest) + " containers");
    if (++values_ > kMostValues) refuse("it holds an absurd number of values");
    SavedValue out;
    switch (from.kind) {
      case Kind::none:
        out.kind = SavedValue::Kind::none;
        break;
      case Kind::boolean:
        out.kind = SavedValue::Kind::boolean;
        out.integer = from.integer;
        break;
      case Kind::integer:
        out.kind = SavedValue::Kind::integer;
        out.integer = from.integer;
        break;
      case Kind::real:
        out.kind = SavedValue::Kind::real;
        out.real = from.real;
        break;
      case Kind::text:
        out.kind = SavedValue::Kind::text;
        out.text = from.text;
        break;
      case Kind::tuple:
      case Kind::list:
        out.kind = SavedValue::Kind::sequence;
        for (const PickleValue* item : from.items) out.items.push_back(value(*item, depth + 1));
        break;
      case Kind::dict:
        out.kind = SavedValue::Kind::dict;
        for (size_t i = 0; i < from.items.size(); i += 2) {
          out.keys.push_back(key(*from.items[i]));
          out.items.push_back(value(*from.items[i + 1], depth + 1));
        }
        break;
      case Kind::call:
        return called(from, depth);
      case Kind::global:
        break;  // a dtype
      case Kind::persistent:
        refuse("it holds a storage outside of a tensor");
    }
    return out;
  }

  static std::string key(const PickleValue& from) {
    if (from.is(Kind::text)) return from.text;
    if (from.is(Kind::integer)) return std::to_string(from.integer);
    refuse("it has a dict whose keys are no texts");
  }

  SavedValue called(const PickleValue& call, int depth) {
    const PickleValue::Items& arguments = call.items[1]->items;
    if (call.calls(kParameter) || call.calls(kParameterWithState)) {
      if (arguments.empty()) refuse("it rebuilds a parameter from nothing");
      return value(*arguments[0], depth + 1);
    }
    if (call.calls(kSize) && arguments.size() == 1) return value(*arguments[0], depth + 1);
    SavedValue out;
    if (std::find(kIgnored.begin(), kIgnored.end(), call.items[0]->text) != kIgnored.end()) return out;
    if (!call.calls(kTensor) && !call.calls(kTypedTensor))
      refuse("it calls '" + call.items[0]->text + "' in a way that torch.save does not");
    out.kind = SavedValue::Kind::tensor;
    out.tensor = tensor(arguments, call.calls(kTypedTensor));
    return out;
  }

  // (storage, offset, sizes, strides, requires_grad, hooks, [dtype,] [metadata])
  SavedTensor tensor(const PickleValue::Items& arguments, bool typed) const {
    const size_t plain = typed ? 7 : 6;
    if (arguments.size() < plain) refuse("it rebuilds a tensor from too few arguments");
    if (arguments.size() > plain && !arguments[plain]->items.empty())
      refuse("it holds a tensor that is a conjugated or negated view");
    SavedTensor out;
    find_storage(*arguments[0], out);
    if (typed) {
      const auto dtype = find_in(kDtypes, arguments[6]->text);
      if (!arguments[6]->is(Kind::global) || !dtype) refuse("it rebuilds a tensor of no element type");
      out.dtype = *dtype;
    }
    if (out.dtype == DType::undefined) refuse("it rebuilds a tensor of no element type");
    if (!arguments[1]->is(Kind::integer)) refuse("it holds a tensor whose offset is no number");
    out.offset = arguments[1]->integer;
    out.sizes = integers(*arguments[2]);
    out.strides = integers(*arguments[3]);
    return out;
  }

  static std::vector<int64_t> integers(const PickleValue& from) {
    const bool is_size = from.calls(kSize) && from.items[1]->items.size() == 1;
    const PickleValue& list = is_size ? *from.items[1]->items[0] : from;
    if (!list.is(Kind::tuple) || list.items.size() > kMostAxes)
      refuse("it holds a tensor whose sizes are no numbers");
    std::vector<int64_t> out;
    for (const PickleValue* item : list.items) {
      if (!item->is(Kind::integer)) refuse("it holds a tensor whose sizes are no numbers");
      out.push_back(item->integer);
    }
    return out;
  }

  // ("storage", class, key, device, count): the record data/KEY.
  void find_storage(const PickleValue& from, SavedTensor& out) const {
    const PickleValue* id = from.is(Kind::persistent) ? from.items[0] : nullptr;
    if (id == nullptr || !id->is(Kind::tuple) || id->items.size() < 5 || !id->items[1]->is(Kind::global) ||
        !id->items[2]->is(Kind::text) || !id->items[4]->is(Kind::integer)) {
      refuse("it holds a tensor without a storage");
    }
    const std::string_view type = id->items[1]->text;
    const auto dtype = find_in(kStorages, type);
    if (!dtype && type != kUntyped) refuse("it holds a storage of '" + std::string(type) + "'");
    out.dtype = dtype.value_or(DType::undefined);
    const ZipEntry& entry = stored("data/" + id->items[2]->text);
    const int64_t count = id->items[4]->integer;
    const uint64_t width = dtype ? ir::size_of(*dtype) : 1;
    if (count < 0 || static_cast<uint64_t>(count) > entry.size / width) {
      refuse("its record '" + printable_record(entry.name) + "' of " + std::to_string(entry.size) +
             " bytes is shorter than the storage in it");
    }
    out.storage_at = entry.offset;
    out.storage_size = static_cast<uint64_t>(count) * width;
  }

  std::span<const std::byte> archive_;
  std::unordered_map<std::string, ZipEntry> entries_;
  std::string folder_;
  size_t values_ = 0;
};

}  // namespace

const SavedValue* SavedValue::find(std::string_view key) const {
  if (kind != Kind::dict) return nullptr;
  const auto found = std::find(keys.rbegin(), keys.rend(), key);
  return found == keys.rend() ? nullptr : &items[static_cast<size_t>(keys.rend() - found) - 1];
}

std::optional<SavedValue> read_pickled_tensors(std::span<const std::byte> archive, std::string& why) {
  try {
    return SavedReader(archive).read();
  } catch (Refusal& refusal) {
    why = std::move(refusal.why);
    return std::nullopt;
  }
}

}  // namespace onnxport
