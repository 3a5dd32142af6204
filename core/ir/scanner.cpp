#include "core/ir/scanner.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "core/ir/type_parser.h"
#include "onnxport/errors.h"

namespace onnxport::ir {

namespace {

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("_.-/:").find(c) != std::string_view::npos;
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

}  // namespace

void Scanner::fail(const std::string& what) const {
  Location place;
  const std::string_view before = text_.substr(0, std::min(at_, text_.size()));
  place.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  const size_t line_start = before.rfind('\n');
  place.column = static_cast<int>(line_start == std::string_view::npos ? before.size()
                                                                       : before.size() - line_start - 1) +
                 1;
  place.file = "graph";
  throw Error("I110", what, std::move(place), "the text form is what `onnxport show` prints");
}

void Scanner::skip_blanks() {
  while (at_ < text_.size()) {
    if (text_[at_] == '#') {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    } else if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
      ++at_;
    } else {
      return;
    }
  }
}

bool Scanner::at_end() {
  skip_blanks();
  return at_ >= text_.size();
}

char Scanner::peek() { return at_end() ? '\0' : text_[at_]; }

bool Scanner::take(std::string_view token) {
  skip_blanks();
  if (!text_.substr(at_).starts_with(token)) return false;
  at_ += token.size();
  return true;
}

bool Scanner::take_word(std::string_view expected) {
  skip_blanks();
  const size_t start = at_;
  if (word_follows() && word() == expected) return true;
  at_ = start;
  return false;
}

void Scanner::expect(std::string_view token) {
  if (!take(token)) fail("expected '" + std::string(token) + "'");
}

bool Scanner::take_copy_mark() {
  if (at_ >= text_.size() || text_[at_] != '#') return false;
  ++at_;
  return true;
}

bool Scanner::word_follows() {
  const char c = peek();
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string_view Scanner::word() {
  if (!word_follows()) fail("expected a word");
  const size_t start = at_;
  while (at_ < text_.size() && is_word_char(text_[at_])) ++at_;
  // "%x: f32" is the name "x": a colon belongs to a word only between its characters.
  while (text_[at_ - 1] == ':') --at_;
  return text_.substr(start, at_ - start);
}

std::string Scanner::word_or_quoted() { return peek() == '"' ? quoted() : std::string(word()); }

std::string Scanner::quoted() {
  expect("\"");
  std::string out;
  while (at_ < text_.size() && text_[at_] != '"') {
    char c = text_[at_++];
    if (c == '\\') {
      if (at_ >= text_.size()) break;
      c = text_[at_++];
      if (c == 'n') {
        c = '\n';
      } else if (c == 't') {
        c = '\t';
      } else if (c == 'x') {
        const auto high = at_ + 1 < text_.size() ? hex_digit(text_[at_]) : std::nullopt;
        const auto low = high ? hex_digit(text_[at_ + 1]) : std::nullopt;
        if (!low) fail("expected two hexadecimal digits after \\x");
        c = static_cast<char>(*high * 16 + *low);
        at_ += 2;
      }
    }
    out += c;
  }
  if (at_ >= text_.size()) fail("a string without its closing quote");
  ++at_;
  return out;
}

std::string Scanner::hex_bytes() {
  expect("x");
  std::string out;
  while (at_ + 1 < text_.size()) {
    const auto high = hex_digit(text_[at_]);
    const auto low = hex_digit(text_[at_ + 1]);
    if (!high || !low) break;
    out += static_cast<char>(*high * 16 + *low);
    at_ += 2;
  }
  return out;
}

std::string_view Scanner::number_text() {
  skip_blanks();
  const size_t start = at_;
  if (at_ < text_.size() && (text_[at_] == '-' || text_[at_] == '+')) ++at_;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    const bool exponent_sign = (c == '-' || c == '+') && at_ > start && text_[at_ - 1] == 'e';
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && !exponent_sign) break;
    ++at_;
  }
  if (at_ == start) fail("expected a number");
  return text_.substr(start, at_ - start);
}

int64_t Scanner::integer() { return to_integer(*this, number_text()); }

Type Scanner::type() {
  skip_blanks();
  const size_t start = at_;
  auto out = parse_type_at(text_, at_);
  if (!out) {
    at_ = start;
    fail("expected a type such as f32[batch,3]");
  }
  return std::move(*out);
}

bool reads_as_real(std::string_view number) {
  return number.find_first_of(".einf") != std::string_view::npos && !number.starts_with("0x");
}

double to_real(const Scanner& scanner, std::string_view number) {
  const bool negative = number.starts_with('-');
  const std::string_view magnitude = negative ? number.substr(1) : number;
  double value = 0;
  if (magnitude == "inf") {
    value = std::numeric_limits<double>::infinity();
  } else if (magnitude == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    const auto parsed = std::from_chars(magnitude.data(), magnitude.data() + magnitude.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != magnitude.data() + magnitude.size()) {
      scanner.fail("not a number: " + std::string(number));
    }
  }
  return negative ? -value : value;
}

int64_t to_integer(const Scanner& scanner, std::string_view number) {
  int64_t value = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size()) {
    scanner.fail("not an integer that fits 64 bits: " + std::string(number));
  }
  return value;
}

}  // namespace onnxport::ir
