// What the readers of size expressions share: a position in a text, and what stands there.
#pragma once

#include <cstddef>
#include <string_view>

namespace onnxport::ir {

class TextScanner {
 protected:
  explicit TextScanner(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool take(std::string_view token) {
    skip_space();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  // The next character that is no space; '\0' at the end.
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }
  // Nothing more is read.
  void stop() {
    failed_ = true;
    at_ = text_.size();
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;  // of what is nested, for the reader's own limit
  bool failed_ = false;
};

}  // namespace onnxport::ir
