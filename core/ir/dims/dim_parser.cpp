#include <cctype>
#include <charconv>

#include "core/ir/dims/dim.h"
#include "core/ir/dims/expression.h"
#include "core/ir/dims/text_scanner.h"

namespace onnxport::ir {

namespace {

// sum := ['-'] product (('+'|'-') product)*     product := factor ('*' factor)*
// factor := number | name | '"' text '"' | function '(' sum (',' sum)* ')' | '(' sum ')'
class DimParser : TextScanner {
 public:
  explicit DimParser(std::string_view text) : TextScanner(text) {}

  std::optional<Dim> whole() {
    skip_space();
    if (text_.substr(at_) == "?") return Dim();
    auto out = sum();
    skip_space();
    return out && at_ == text_.size() ? out : std::nullopt;
  }

 private:
  std::optional<Dim> sum() {
    if (++depth_ > kMaxDepth) return std::nullopt;
    const bool negative = take("-");
    auto out = product(negative);
    while (out) {
      const bool plus = take("+");
      if (!plus && !take("-")) break;
      const auto next = product(!plus);
      if (!next) return std::nullopt;
      out = *out + *next;
    }
    --depth_;
    return out;
  }

  std::optional<Dim> product(bool negative) {
    auto out = factor(negative);
    while (out && take("*")) {
      const auto next = factor(false);
      if (!next) return std::nullopt;
      out = *out * *next;
    }
    return out;
  }

  // The sign belongs to the number: -9223372036854775808 has no positive counterpart.
  std::optional<Dim> factor(bool negative) {
    skip_space();
    if (at_ >= text_.size()) return std::nullopt;
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (std::isdigit(c) != 0) return number(negative);
    auto out = c == '(' ? parenthesis() : c == '"' ? quoted() : name();
    return out && negative ? std::optional(Dim(-1) * *out) : out;
  }

  std::optional<Dim> number(bool negative) {
    size_t end = at_;
    while (end < text_.size() && std::isdigit(static_cast<unsigned char>(text_[end])) != 0) ++end;
    const std::string digits = (negative ? "-" : "") + std::string(text_.substr(at_, end - at_));
    int64_t value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec != std::errc()) return std::nullopt;
    at_ = end;
    return Dim(value);
  }

  std::optional<Dim> parenthesis() {
    ++at_;
    auto out = sum();
    return out && take(")") ? out : std::nullopt;
  }

  std::optional<Dim> quoted() {
    std::string out;
    for (size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == '"') {
        at_ = i + 1;
        return out.empty() ? std::nullopt : std::optional(Dim::symbol(out));
      }
      if (text_[i] == '\\' && ++i == text_.size()) break;
      out += text_[i];
    }
    return std::nullopt;
  }

  std::optional<Dim> name() {
    size_t end = at_;
    if (text_[end] == '?') ++end;
    const auto part_of_name = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.'; };
    while (end < text_.size() && part_of_name(static_cast<unsigned char>(text_[end]))) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    if (word.empty() || word == "?") return std::nullopt;
    at_ = end;
    return take("(") ? function(word) : std::optional(Dim::symbol(word));
  }

  std::optional<Dim> function(std::string_view word) {
    Dim (*combine)(const Dim&, const Dim&) = nullptr;
    if (word == "floor_div") combine = &floor_div;
    if (word == "mod") combine = &mod;
    if (word == "min") combine = &min;
    if (word == "max") combine = &max;
    const bool variadic = word == "min" || word == "max";
    if (combine == nullptr) return std::nullopt;
    auto out = sum();
    size_t count = 1;
    while (out && take(",")) {
      const auto next = sum();
      if (!next || ++count > kMostArguments) return std::nullopt;
      out = combine(*out, *next);
    }
    if (!out || count < 2 || (count > 2 && !variadic)) return std::nullopt;
    return take(")") ? out : std::nullopt;
  }

  // As deep as an expression of the longest text can be: "mod(" and ",2)" a level.
  static constexpr int kMaxDepth = 300;
};

}  // namespace

std::optional<Dim> Dim::parse(std::string_view text) { return DimParser(text).whole(); }

}  // namespace onnxport::ir
