// What a hostile plugin hands over: handles that it got or made up, arrays, structs and texts that are wrong now and then.
#pragma once

#include <array>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "core/host/host.h"
#include "fuzz/abi_calls.h"

namespace onnxport::fuzz {

inline constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();
inline constexpr size_t kRoom = 8;  // of every array that is handed over

inline constexpr std::string_view kWords[] = {"",
                                              "x",
                                              "scale",
                                              "sizes",
                                              "more",
                                              "word",
                                              "axis",
                                              "to",
                                              "perm",
                                              "axes",
                                              "alpha",
                                              "value",
                                              "then_branch",
                                              "else_branch",
                                              "body",
                                              "k",
                                              "level",
                                              "name",
                                              "fast",
                                              "ai.onnx",
                                              "ai.onnx",
                                              "com.test",
                                              "com.test",
                                              "com.x",
                                              "Relu",
                                              "Add",
                                              "MatMul",
                                              "Cast",
                                              "Reshape",
                                              "Concat",
                                              "If",
                                              "Loop",
                                              "Split",
                                              "Shape",
                                              "Range",
                                              "Expand",
                                              "Gather",
                                              "Slice",
                                              "Squeeze",
                                              "Unsqueeze",
                                              "Identity",
                                              "Where",
                                              "TopK",
                                              "Conv",
                                              "Constant",
                                              "Thing",
                                              "Thing",
                                              "a b",
                                              "\xff\xfe",
                                              "Optional",
                                              "Tile",
                                              "Pad",
                                              "Gemm",
                                              "ConstantOfShape",
                                              "SequenceConstruct",
                                              "SequenceAt",
                                              "value_float",
                                              "E12"};
inline constexpr int64_t kNumbers[] = {0,
                                       1,
                                       2,
                                       3,
                                       4,
                                       -1,
                                       -2,
                                       5,
                                       7,
                                       16,
                                       64,
                                       1000,
                                       65536,
                                       int64_t{1} << 31,
                                       int64_t{1} << 40,
                                       std::numeric_limits<int64_t>::max(),
                                       std::numeric_limits<int64_t>::min()};
inline constexpr int32_t kTypes[] = {
    ONNXPORT_F32, ONNXPORT_F32, ONNXPORT_I64, ONNXPORT_BOOL,   ONNXPORT_F16,       ONNXPORT_STRING,
    ONNXPORT_I4,  ONNXPORT_U2,  ONNXPORT_C64, ONNXPORT_F8E8M0, ONNXPORT_UNDEFINED, 27,
    -1,           999};
inline constexpr double kReals[] = {
    0.0, 1.0, -0.5, 1e308, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()};

inline onnxport_str text_of(std::string_view s) { return {s.data(), s.size()}; }

template <typename Api>
const Api& host(std::string_view id) {
  static const Api& table =
      *static_cast<const Api*>(plugin_host()->get_interface(plugin_host(), text_of(id)));
  return table;
}

// An array of which as much is there as its count says, or which is refused by its count or its pointer.
template <typename T>
struct Array {
  std::array<T, kRoom> items{};
  uint32_t count = 0;
  bool is_null = false;
  T* data() { return is_null ? nullptr : items.data(); }
};

class Arguments {
 protected:
  explicit Arguments(Choices& choices) : choices_(choices) {}

  // ---- what is handed over ----

  template <typename Handle>
  Handle from(const std::vector<Handle>& known) {
    const uint8_t b = choices_.byte();
    if (b < 0xf0 && !known.empty()) return known[b % known.size()];
    const Handle wrong[] = {
        0, 0, 1, kHuge, 0x7fff, known.empty() ? 5 : known.back() + 1000, static_cast<Handle>(b) << 20};
    return choices_.of(wrong);
  }
  onnxport_value value() { return from(values_); }
  onnxport_arg arg() { return from(args_); }
  onnxport_dim dim() { return from(dims_); }
  onnxport_node node() { return from(nodes_); }
  uint32_t index() {
    const uint8_t b = choices_.byte();
    return b < 0xf0 ? b % 4 : b < 0xf8 ? b : kHuge;
  }
  onnxport_str text() {
    const uint8_t b = choices_.byte();
    if (b == 0xff) return {nullptr, 5};
    if (b == 0xfe) return {"Relu", uint64_t{1} << 60};
    return text_of(kWords[b % std::size(kWords)]);
  }
  template <typename T, typename Item>
  Array<T> list(Item item) {
    Array<T> out;
    const uint8_t b = choices_.byte();
    out.count = b < 0xf0 ? b % 5 : b < 0xf8 ? kHuge : 3;
    out.is_null = b >= 0xf8;
    for (size_t i = 0; i < std::min<size_t>(out.count, kRoom); ++i) out.items[i] = item();
    return out;
  }
  Array<onnxport_value> values() {
    return list<onnxport_value>([&] { return value(); });
  }
  uint32_t struct_size(size_t right) {
    const uint8_t b = choices_.byte();
    return static_cast<uint32_t>(b < 0xf0 ? right : b < 0xf8 ? b - 0xf0 : right - 1);
  }

  const onnxport_tensor* tensor() {
    if (choices_.byte() == 0xff) return nullptr;
    dims_of_tensor_ = {choices_.of(kNumbers), choices_.of(kNumbers), 1, 1};
    tensor_ = {};
    tensor_.struct_size = struct_size(sizeof tensor_);
    tensor_.dtype = choices_.of(kTypes);
    tensor_.rank = choices_.byte() < 0xf0 ? choices_.below(3) : kHuge;
    tensor_.dims = choices_.byte() == 0xff ? nullptr : dims_of_tensor_.data();
    tensor_.data = choices_.byte() == 0xff ? nullptr : bytes_.data();
    uint64_t elements = 1;
    for (uint32_t i = 0; i < std::min<uint32_t>(tensor_.rank, 2); ++i)
      elements *= static_cast<uint64_t>(dims_of_tensor_[i]);
    constexpr uint64_t sizes[] = {4, 8, 1, 2, 16};
    // What is there is read: a size beyond it would be a lie that nobody can see through.
    tensor_.bytes = std::min<uint64_t>(elements * choices_.of(sizes), bytes_.size());
    return &tensor_;
  }

  const onnxport_type* type() {
    if (choices_.byte() == 0xff) return nullptr;
    for (onnxport_dim& d : dims_of_type_) d = dim();
    constexpr int32_t kinds[] = {1, 1, 1, 2, 3, 0, 9};
    type_ = {};
    type_.struct_size = struct_size(sizeof type_);
    type_.kind = choices_.of(kinds);
    type_.dtype = choices_.of(kTypes);
    const uint8_t b = choices_.byte();
    type_.rank = b < 0xe0 ? b % 5 - 1 : b < 0xf0 ? 1 << 30 : -77;
    type_.dims = b % 2 == 0 ? nullptr : dims_of_type_.data();
    type_.is_complex = choices_.byte() > 0xe0 ? 1 : 0;
    return &type_;
  }

  // Attributes, 128 bytes apart or as many as their size says.
  uint32_t attributes() {
    const uint8_t count = choices_.below(4);
    constexpr uint64_t sizes[] = {sizeof(onnxport_attr), sizeof(onnxport_attr), 96, 128, 0, 87,
                                  uint64_t{1} << 40};
    attr_size_ = choices_.byte() < 0xe0 ? sizeof(onnxport_attr) : choices_.of(sizes);
    const uint64_t apart =
        attr_size_ >= sizeof(onnxport_attr) && attr_size_ <= 128 ? attr_size_ : sizeof(onnxport_attr);
    for (size_t i = 0; i < count; ++i) {
      const onnxport_attr a = attribute();
      std::memcpy(attrs_.data() + i * apart, &a, sizeof a);
    }
    return choices_.byte() < 0xf8 ? count : kHuge;
  }

  onnxport_attr attribute() {
    onnxport_attr a{};
    a.name = text();
    a.kind = choices_.byte() < 0xf0 ? 1 + choices_.below(8) : 99;
    a.i = a.kind == ONNXPORT_ATTR_BLOCK && !blocks_.empty() ? blocks_[choices_.below(blocks_.size())]
                                                            : choices_.of(kNumbers);
    a.f = choices_.of(kReals);
    a.s = text();
    const uint8_t b = choices_.byte();
    a.count = b < 0xf0 ? b % 3 : kHuge;
    static constexpr int64_t ints[] = {1, -1, 0};
    static constexpr double floats[] = {0.5, 2, -1};
    strings_ = {text(), text(), text()};
    a.ints = b == 0xef ? nullptr : ints;
    a.floats = b == 0xef ? nullptr : floats;
    a.strings = b == 0xef ? nullptr : strings_.data();
    if (a.kind == ONNXPORT_ATTR_TENSOR) a.tensor = tensor();
    return a;
  }
  const onnxport_attr* attr_data() {
    return choices_.byte() == 0xff ? nullptr : reinterpret_cast<const onnxport_attr*>(attrs_.data());
  }

  const onnxport_message* message() {
    if (choices_.byte() == 0xff) return nullptr;
    message_ = {};
    message_.struct_size = struct_size(sizeof message_);
    message_.severity = choices_.below(3);
    message_.code = text();
    message_.text = text();
    message_.hint = text();
    return &message_;
  }

  // ---- what is got ----

  void keep(onnxport_value v) {
    if (v != 0) values_.push_back(v);
  }
  void keep_all(const Array<onnxport_value>& made) {
    for (size_t i = 0; i < std::min<size_t>(made.count, kRoom); ++i) keep(made.items[i]);
  }
  void keep_dim(onnxport_dim d) {
    if (d != 0) dims_.push_back(d);
  }
  void keep_node(onnxport_node n) {
    if (n != 0) nodes_.push_back(n);
  }
  // What the host hands out can be read.
  void touch(onnxport_str s) {
    for (uint64_t i = 0; i < s.size; ++i) seen_ = static_cast<uint8_t>(seen_ + s.data[i]);
  }

  Choices& choices_;
  std::vector<onnxport_value> values_;
  std::vector<onnxport_arg> args_;
  std::vector<onnxport_dim> dims_;
  std::vector<onnxport_node> nodes_;
  std::vector<int64_t> blocks_;
  std::array<int64_t, 4> dims_of_tensor_{};
  std::array<onnxport_dim, 4> dims_of_type_{};
  std::array<onnxport_str, 3> strings_{};
  std::array<char, 1024> bytes_{};
  alignas(onnxport_attr) std::array<std::byte, 512> attrs_{};
  uint64_t attr_size_ = 0;
  onnxport_tensor tensor_{};
  onnxport_type type_{};
  onnxport_message message_{};
  uint8_t seen_ = 0;
};

}  // namespace onnxport::fuzz
