#include "core/ir/attribute_parser.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace onnxport::ir {

namespace {

template <typename T>
void append(std::vector<std::byte>& out, T value) {
  const size_t at = out.size();
  out.resize(at + sizeof value);
  std::memcpy(out.data() + at, &value, sizeof value);
}

template <typename T>
void append_integer(const Scanner& scanner, std::vector<std::byte>& out, std::string_view text) {
  T value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    scanner.fail("not a number of this dtype: " + std::string(text));
  }
  append(out, value);
}

void append_float(const Scanner& scanner, std::vector<std::byte>& out, std::string_view text) {
  // Not through double: the shortest text of a float is short for floats only.
  float value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  append(out, whole ? value : static_cast<float>(to_real(scanner, text)));
}

void append_element(Scanner& scanner, DType dtype, std::vector<std::byte>& out) {
  if (scanner.peek() == 'x') {
    const std::string bytes = scanner.hex_bytes();
    if (bytes.size() != std::max<size_t>(1, size_of(dtype)))
      scanner.fail("an element of another size than its dtype");
    const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
    out.insert(out.end(), first, first + bytes.size());
    return;
  }
  const std::string_view text = scanner.number_text();
  switch (dtype) {
    case DType::f32:
      return append_float(scanner, out, text);
    case DType::f64:
      return append(out, to_real(scanner, text));
    case DType::i8:
      return append_integer<int8_t>(scanner, out, text);
    case DType::i16:
      return append_integer<int16_t>(scanner, out, text);
    case DType::i32:
      return append_integer<int32_t>(scanner, out, text);
    case DType::i64:
      return append_integer<int64_t>(scanner, out, text);
    case DType::u8:
    case DType::boolean:
      return append_integer<uint8_t>(scanner, out, text);
    case DType::u16:
      return append_integer<uint16_t>(scanner, out, text);
    case DType::u32:
      return append_integer<uint32_t>(scanner, out, text);
    case DType::u64:
      return append_integer<uint64_t>(scanner, out, text);
    default:
      scanner.fail("elements of this dtype are written as bytes, such as x003c");
  }
}

template <typename Item>
auto parse_list(Scanner& scanner, Item&& item) {
  std::vector<decltype(item())> out;
  scanner.expect("[");
  if (scanner.take("]")) return out;
  do {
    out.push_back(item());
  } while (scanner.take(","));
  scanner.expect("]");
  return out;
}

bool parse_bool(Scanner& scanner) {
  if (scanner.take_word("true")) return true;
  if (scanner.take_word("false")) return false;
  scanner.fail("expected true or false");
}

AttributeValue parse_list_value(Scanner& scanner) {
  Scanner ahead = scanner;
  ahead.expect("[");
  const char c = ahead.peek();
  if (c == '"') return parse_list(scanner, [&] { return scanner.quoted(); });
  if (c == 't' || c == 'f') return parse_list(scanner, [&] { return parse_bool(scanner); });
  // One real makes a list of reals.
  const auto texts = parse_list(scanner, [&] { return scanner.number_text(); });
  bool real = false;
  for (const std::string_view text : texts) real = real || reads_as_real(text);
  if (real) {
    std::vector<double> out;
    for (const std::string_view text : texts) out.push_back(to_real(scanner, text));
    return out;
  }
  std::vector<int64_t> out;
  for (const std::string_view text : texts) out.push_back(to_integer(scanner, text));
  return out;
}

}  // namespace

Tensor parse_elements(Scanner& scanner, const Type& type) {
  if (!type.is_tensor() || !type.shape() || bits_of(type.dtype()) == 0) {
    scanner.fail("a tensor's elements need its dtype and dims");
  }
  std::vector<int64_t> dims;
  for (const Dim& dim : *type.shape()) {
    if (!dim.is_constant()) scanner.fail("a tensor's dims are numbers");
    dims.push_back(dim.value());
  }
  scanner.expect("{");
  if (scanner.take("...")) scanner.fail("the elements were left out when this text was printed");
  std::vector<std::byte> bytes;
  if (!scanner.take("}")) {
    do {
      append_element(scanner, type.dtype(), bytes);
    } while (scanner.take(","));
    scanner.expect("}");
  }
  try {
    return Tensor::copy_of(type.dtype(), std::move(dims), bytes);
  } catch (const std::invalid_argument& error) {
    scanner.fail(error.what());
  }
}

AttributeValue parse_attribute_value(Scanner& scanner) {
  const char c = scanner.peek();
  if (c == '"') return scanner.quoted();
  if (c == '[') return parse_list_value(scanner);
  if (scanner.take_word("none")) return std::monostate();
  if (scanner.take_word("true")) return true;
  if (scanner.take_word("false")) return false;
  if (scanner.take_word("reals"))
    return parse_list(scanner, [&] { return to_real(scanner, scanner.number_text()); });
  if (scanner.take_word("bools")) return parse_list(scanner, [&] { return parse_bool(scanner); });
  if (scanner.take_word("strings")) return parse_list(scanner, [&] { return scanner.quoted(); });
  if (scanner.take_word("complex")) {
    const auto parts = parse_list(scanner, [&] { return to_real(scanner, scanner.number_text()); });
    if (parts.size() != 2) scanner.fail("a complex number has two parts");
    return std::complex<double>(parts[0], parts[1]);
  }
  if (scanner.take_word("dtype")) {
    if (scanner.take("?")) return DType::undefined;
    const auto dtype = parse_dtype(scanner.word());
    if (!dtype) scanner.fail("expected a dtype such as f32");
    return *dtype;
  }
  if (scanner.take_word("inf")) return std::numeric_limits<double>::infinity();
  if (scanner.take_word("nan")) return std::numeric_limits<double>::quiet_NaN();
  if (scanner.word_follows()) {
    const Type type = scanner.type();
    return parse_elements(scanner, type);
  }
  const std::string_view number = scanner.number_text();
  if (reads_as_real(number)) return to_real(scanner, number);
  return to_integer(scanner, number);
}

}  // namespace onnxport::ir
