// Pickles and the archives of torch.save in memory, opcode by opcode.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/archive/zip_bytes.h"

namespace onnxport::testing::pickle {

inline std::string little(uint64_t value, int width) {
  std::string out;
  for (int i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}
inline std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += part;
  return out;
}

// ---- values ----
inline std::string text(std::string_view value) { return 'X' + little(value.size(), 4) + std::string(value); }
inline std::string number(int32_t value) { return 'J' + little(static_cast<uint32_t>(value), 4); }
inline std::string tuple(const std::vector<std::string>& items) { return '(' + joined(items) + 't'; }
inline std::string list(const std::vector<std::string>& items) { return "](" + joined(items) + 'e'; }
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = "}(";
  for (const auto& [key, value] : items) out += text(key) + value;
  return out + 'u';
}
inline std::string global(std::string_view module, std::string_view name) {
  return 'c' + std::string(module) + '\n' + std::string(name) + '\n';
}
inline std::string call(const std::string& function, const std::vector<std::string>& arguments) {
  return function + tuple(arguments) + 'R';
}
inline std::string numbers(const std::vector<int32_t>& values) {
  std::vector<std::string> out;
  for (const int32_t v : values) out.push_back(number(v));
  return tuple(out);
}
// A storage of `count` elements in the record data/KEY.
inline std::string storage(std::string_view key, int32_t count, const std::string& type) {
  return tuple({text("storage"), type, text(key), text("cpu"), number(count)}) + 'Q';
}
inline std::string floats(std::string_view key, int32_t count) {
  return storage(key, count, global("torch", "FloatStorage"));
}
inline std::string tensor(const std::string& of, int32_t offset, const std::vector<int32_t>& sizes,
                          const std::vector<int32_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {of, number(offset), numbers(sizes), numbers(strides), "\x89",
               call(global("collections", "OrderedDict"), {})});
}
inline std::string parameter(const std::string& data) {
  return call(global("torch._utils", "_rebuild_parameter"),
              {data, "\x88", call(global("collections", "OrderedDict"), {})});
}
inline std::string pickled(const std::string& value) { return "\x80\x02" + value + '.'; }

// ---- archives ----
// What torch.save makes of `value` and its storages, the records data/KEY.
inline std::string saved(const std::string& value, const std::map<std::string, std::string>& storages = {}) {
  ZipBytes zip;
  zip.add("archive/data.pkl", pickled(value));
  zip.add("archive/byteorder", "little");
  for (const auto& [key, bytes] : storages) zip.add("archive/data/" + key, bytes);
  return zip.finish();
}
template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  std::string out(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(out.data(), values.data(), out.size());
  return out;
}
inline std::span<const std::byte> span_of(const std::string& bytes) {
  return std::as_bytes(std::span(bytes));
}

}  // namespace onnxport::testing::pickle
