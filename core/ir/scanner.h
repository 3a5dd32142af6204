// Reads the tokens of the graph's text form, and says where it stands when something is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/ir/type.h"

namespace onnxport::ir {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // Throws Error I110 at the current position.
  [[noreturn]] void fail(const std::string& what) const;

  bool at_end();
  // The next character after blanks and # comments; '\0' at the end.
  char peek();
  bool take(std::string_view token);      // punctuation
  bool take_word(std::string_view word);  // a whole word
  void expect(std::string_view token);
  // A '#' right here, that touches what was read last and so begins no comment.
  bool take_copy_mark();

  bool word_follows();
  std::string_view word();  // letters, digits, "_.-/:"
  std::string word_or_quoted();
  std::string quoted();
  std::string hex_bytes();  // x0a0b
  int64_t integer();
  Type type();
  // A number in its own text: "-3", "1.5e3", "inf", "-inf", "nan".
  std::string_view number_text();

 private:
  void skip_blanks();

  std::string_view text_;
  size_t at_ = 0;
};

bool reads_as_real(std::string_view number);
// Throws through scanner.fail when the text is no such number.
double to_real(const Scanner& scanner, std::string_view number);
int64_t to_integer(const Scanner& scanner, std::string_view number);

}  // namespace onnxport::ir
