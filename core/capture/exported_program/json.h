// JSON values that know where they are, so that every complaint names record and path.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/archive/file_error.h"

namespace onnxport {

// A value of a parsed document; cheap to copy. Every accessor throws Error I116 naming record and path when
// the value is of another kind or missing.
class Json {
 public:
  Json(simdjson::dom::element element, std::string path) : element_(element), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  simdjson::dom::element raw() const { return element_; }
  bool is_null() const { return element_.is_null(); }
  bool is_object() const { return element_.is_object(); }
  bool is_array() const { return element_.is_array(); }
  bool has(std::string_view key) const {
    simdjson::dom::element found;
    return is_object() && element_[key].get(found) == simdjson::SUCCESS && !found.is_null();
  }
  Json at(std::string_view key) const {
    simdjson::dom::element found;
    if (element_[key].get(found) != simdjson::SUCCESS) refuse("has no field '" + std::string(key) + "'");
    return {found, path_ + '.' + excerpt(key)};
  }
  std::string_view text() const { return get<std::string_view>("a text"); }
  int64_t integer() const { return get<int64_t>("an integer that fits 64 bits"); }
  bool boolean() const { return get<bool>("true or false"); }
  double real() const {
    double out = 0;
    if (element_.get(out) == simdjson::SUCCESS) return out;
    // Python writes what JSON has no number for as a text.
    const std::string_view word = text();
    if (word == "Infinity") return std::numeric_limits<double>::infinity();
    if (word == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (word == "NaN") return std::numeric_limits<double>::quiet_NaN();
    refuse("is no number");
  }
  std::vector<Json> items() const {
    std::vector<Json> out;
    size_t i = 0;
    for (const simdjson::dom::element item : get<simdjson::dom::array>("a list")) {
      out.emplace_back(item, path_ + '[' + std::to_string(i++) + ']');
    }
    return out;
  }
  std::vector<std::pair<std::string_view, Json>> members() const {
    std::vector<std::pair<std::string_view, Json>> out;
    for (const auto& [key, value] : get<simdjson::dom::object>("an object")) {
      out.emplace_back(key, Json(value, path_ + '.' + excerpt(key)));
    }
    return out;
  }
  // The single member of a tagged union: {"as_tensor": …}.
  std::pair<std::string_view, Json> tagged() const {
    const auto all = members();
    if (all.size() != 1) refuse("should have one tag and has " + std::to_string(all.size()));
    return all.front();
  }
  [[noreturn]] void refuse(const std::string& why) const {
    throw file_error("I116", "the program is damaged: this value " + excerpt(why, 400), shown_path(),
                     "write the program again with torch.export.save");
  }

 private:
  // Where it starts and where it ends; graphs within graphs make long ones.
  std::string shown_path() const {
    constexpr size_t kStart = 400;
    constexpr size_t kEnd = 200;
    if (path_.size() <= kStart + kEnd) return path_;
    size_t end = path_.size() - kEnd;
    while (end < path_.size() && (static_cast<unsigned char>(path_[end]) & 0xc0) == 0x80) ++end;
    return excerpt(path_, kStart) + path_.substr(end);
  }

  template <typename T>
  T get(const char* wanted) const {
    T out;
    if (element_.get(out) != simdjson::SUCCESS) refuse(std::string("is not ") + wanted);
    return out;
  }

  simdjson::dom::element element_;
  std::string path_;
};

// The root of a document, which `parser` owns; `place` is the record it is in. Throws Error I116 for what is no JSON.
inline Json parse_json(simdjson::dom::parser& parser, std::string_view text, const std::string& place) {
  simdjson::dom::element document;
  const auto error = parser.parse(text.data(), text.size()).get(document);
  if (error == simdjson::SUCCESS) return {document, place};
  throw file_error("I116", std::string("is no JSON: ") + simdjson::error_message(error), place,
                   "write the program again with torch.export.save");
}

}  // namespace onnxport
