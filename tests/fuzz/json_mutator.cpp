#include "fuzz/json_mutator.h"

#include <array>
#include <cctype>
#include <optional>
#include <random>
#include <vector>

namespace onnxport::fuzz {
namespace {

struct Span {
  size_t begin = 0;
  size_t end = 0;
};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.';
}

// Every value and key, found by brackets and quotes alone: the text may be broken already.
std::vector<Span> values_of(std::string_view text) {
  std::vector<Span> out;
  std::vector<size_t> open;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at++;
    const char c = text[begin];
    if (c == '"') {
      while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
      at = std::min(at + 1, text.size());
      out.push_back({begin, at});
    } else if (is_word(c)) {
      while (at < text.size() && is_word(text[at])) ++at;
      out.push_back({begin, at});
    } else if (c == '{' || c == '[') {
      open.push_back(begin);
    } else if ((c == '}' || c == ']') && !open.empty()) {
      out.push_back({open.back(), at});
      open.pop_back();
    }
  }
  return out;
}

size_t skip_back(std::string_view text, size_t at) {
  while (at > 0 && text[at - 1] == ' ') --at;
  return at;
}

// The value with the key in front of it, where it has one.
Span element_of(std::string_view text, const std::vector<Span>& values, Span value) {
  const size_t colon = skip_back(text, value.begin);
  if (colon == 0 || text[colon - 1] != ':') return value;
  const size_t key_end = skip_back(text, colon - 1);
  for (const Span& key : values) {
    if (key.end == key_end) return {key.begin, value.end};
  }
  return value;
}

constexpr std::array<std::string_view, 28> kWords = {"0",
                                                     "-1",
                                                     "1",
                                                     "2",
                                                     "7",
                                                     "65536",
                                                     "4294967296",
                                                     "4611686018427387904",
                                                     "9223372036854775807",
                                                     "-9223372036854775808",
                                                     "18446744073709551615",
                                                     "0.5",
                                                     "1e308",
                                                     "null",
                                                     "true",
                                                     "\"\"",
                                                     "\"Infinity\"",
                                                     "{}",
                                                     "[]",
                                                     "{\"as_none\": []}",
                                                     "{\"as_int\": -1}",
                                                     "{\"as_name\": \"x\"}",
                                                     "{\"as_expr\": {\"expr_str\": \"s0*s0//3\"}}",
                                                     "\"torch.ops.aten.add.Tensor\"",
                                                     "\"torch.ops.aten.sym_size.int\"",
                                                     "\"torch.ops.higher_order.cond\"",
                                                     "\"torch.ops.higher_order.scan\"",
                                                     "\"_operator.getitem\""};

class Mutation {
 public:
  Mutation(std::string_view text, unsigned seed) : text_(text), random_(seed) {}

  std::string run() {
    for (size_t count = 1 + pick(3); count > 0; --count) once();
    return std::move(text_);
  }

 private:
  size_t pick(size_t count) { return random_() % count; }
  std::string text_of(Span s) const { return text_.substr(s.begin, s.end - s.begin); }

  void once() {
    const std::vector<Span> values = values_of(text_);
    if (values.empty()) {
      text_ += kWords[pick(kWords.size())];
      return;
    }
    const Span a = values[pick(values.size())];
    const Span b = values[pick(values.size())];
    switch (pick(5)) {
      case 0:
        return replace(a, kWords[pick(kWords.size())]);
      case 1:
        return replace(a, text_of(b));
      case 2:
        return remove(element_of(text_, values, a));
      case 3: {
        const Span whole = element_of(text_, values, a);
        text_.insert(whole.end, ", " + text_of(whole));
        return;
      }
      default:
        return swap(a, b);
    }
  }

  void replace(Span s, std::string_view by) { text_.replace(s.begin, s.end - s.begin, by); }

  void remove(Span s) {
    size_t comma = s.end;
    while (comma < text_.size() && text_[comma] == ' ') ++comma;
    if (comma < text_.size() && text_[comma] == ',') {
      s.end = comma + 1;
    } else if (const size_t before = skip_back(text_, s.begin); before > 0 && text_[before - 1] == ',') {
      s.begin = before - 1;
    }
    replace(s, "");
  }

  void swap(Span a, Span b) {
    if (a.begin > b.begin) std::swap(a, b);
    if (a.end > b.begin) return replace(a, text_of(b));  // one within the other
    const std::string first = text_of(a);
    const std::string second = text_of(b);
    replace(b, first);
    replace(a, second);
  }

  std::string text_;
  std::minstd_rand random_;
};

}  // namespace

std::string mutate_json(std::string_view text, unsigned seed) { return Mutation(text, seed).run(); }

}  // namespace onnxport::fuzz
