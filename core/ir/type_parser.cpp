#include "core/ir/type_parser.h"

#include <cctype>
#include <string>
#include <utility>
#include <vector>

namespace onnxport::ir {

namespace {

constexpr int kMaxDepth = 32;

bool is_word(char c) {
  const auto u = static_cast<unsigned char>(c);
  return std::isalnum(u) != 0 || c == '_' || c == '.';
}

class TypeParser {
 public:
  TypeParser(std::string_view text, size_t& at) : text_(text), at_(at) {}

  std::optional<Type> type() {
    if (++depth_ > kMaxDepth) return std::nullopt;
    const std::string_view word = take_word();
    auto out = next_is('[') ? tensor(word) : next_is('<') ? container(word) : plain(word);
    --depth_;
    return out;
  }

 private:
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }

  void skip_space() {
    while (next_is(' ')) ++at_;
  }

  std::string_view take_word() {
    skip_space();
    const size_t start = at_;
    if (next_is('?')) {
      ++at_;
    } else {
      while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    }
    return text_.substr(start, at_ - start);
  }

  std::optional<Type> plain(std::string_view word) {
    if (word == "?") return Type();
    if (word == "none") return Type::none();
    if (word == "int") return Type::integer();
    if (word == "float") return Type::real();
    if (word == "bool") return Type::boolean();
    if (word == "str") return Type::string();
    if (word == "dtype") return Type::dtype_kind();
    if (word == "object") return Type::object();
    return std::nullopt;
  }

  // Where the dim that starts here ends: at a comma or bracket outside parentheses and quotes.
  size_t end_of_dim() const {
    int parentheses = 0;
    for (size_t i = at_; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '"') {
        for (++i; i < text_.size() && text_[i] != '"'; ++i) i += text_[i] == '\\' ? 1 : 0;
      } else if (c == '(') {
        ++parentheses;
      } else if (c == ')') {
        --parentheses;
      } else if (parentheses == 0 && (c == ',' || c == ']')) {
        return i;
      }
    }
    return text_.size();
  }

  std::optional<Type> tensor(std::string_view word) {
    DType dtype = DType::undefined;
    if (word != "?") {
      const auto parsed = parse_dtype(word);
      if (!parsed) return std::nullopt;
      dtype = *parsed;
    }
    ++at_;
    skip_space();
    std::optional<Shape> shape = Shape();
    if (next_is('*')) {
      ++at_;
      shape.reset();
      skip_space();
    } else {
      while (!next_is(']')) {
        const size_t end = end_of_dim();
        if (end >= text_.size()) return std::nullopt;
        auto dim = Dim::parse(text_.substr(at_, end - at_));
        if (!dim) return std::nullopt;
        shape->push_back(std::move(*dim));
        at_ = end;
        if (!next_is(',')) continue;
        ++at_;
        skip_space();
        if (next_is(']')) return std::nullopt;
      }
    }
    if (!next_is(']')) return std::nullopt;
    ++at_;
    Type out = Type::tensor(dtype, std::move(shape));
    constexpr std::string_view kComplex = "!complex";
    if (text_.substr(at_).starts_with(kComplex)) {
      at_ += kComplex.size();
      out.set_stands_for_complex(true);
    }
    return out;
  }

  // "name: " before a named tuple's element.
  std::string element_name() {
    const size_t start = at_;
    const std::string_view word = take_word();
    if (!word.empty() && next_is(':')) {
      ++at_;
      return std::string(word);
    }
    at_ = start;
    return {};
  }

  std::optional<Type> container(std::string_view word) {
    ++at_;
    std::vector<Type> elements;
    std::vector<std::string> names;
    skip_space();
    while (!next_is('>')) {
      if (std::string name = element_name(); !name.empty()) names.push_back(std::move(name));
      auto element = type();
      if (!element) return std::nullopt;
      elements.push_back(std::move(*element));
      skip_space();
      if (next_is(',')) {
        ++at_;
      } else if (!next_is('>')) {
        return std::nullopt;
      }
    }
    ++at_;
    const size_t count = elements.size();
    if (!names.empty() && (word != "tuple" || names.size() != count)) return std::nullopt;
    if (word == "tuple") return Type::tuple(std::move(elements), std::move(names));
    if (word == "list" && count == 1) return Type::list(std::move(elements[0]));
    if (word == "optional" && count == 1) return Type::optional(std::move(elements[0]));
    if (word == "dict" && count == 2) return Type::dict(std::move(elements[0]), std::move(elements[1]));
    return std::nullopt;
  }

  std::string_view text_;
  size_t& at_;
  int depth_ = 0;
};

}  // namespace

std::optional<Type> parse_type_at(std::string_view text, size_t& at) { return TypeParser(text, at).type(); }

}  // namespace onnxport::ir
