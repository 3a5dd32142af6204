#include <cctype>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <utility>

#include "core/ir/schema.h"
#include "onnxport/errors.h"

namespace onnxport::ir {

namespace {

constexpr int kMaxDepth = 16;

bool is_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Names that torch writes for numbers of its enumerations (Reduction, MemoryFormat, Layout, ScalarType).
std::optional<int64_t> enumerator(std::string_view name) {
  static constexpr std::pair<std::string_view, int64_t> numbers[] = {
      {"Mean", 1},    {"Sum", 2},  {"contiguous_format", 0}, {"preserve_format", 1}, {"channels_last", 2},
      {"strided", 0}, {"long", 4}, {"channels_last_3d", 3},
  };
  for (const auto& [word, number] : numbers) {
    if (word == name) return number;
  }
  return std::nullopt;
}

class SchemaParser {
 public:
  explicit SchemaParser(std::string_view text) : text_(text) {}

  Schema schema() {
    Schema out;
    qualified_name(out);
    expect('(', "'(' after the operator's name");
    arguments(out);
    skip_space();
    if (!take("->")) fail("expected '->' and the result types");
    returns(out);
    skip_space();
    if (at_ != text_.size()) fail("unexpected text after the schema");
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    Location place;
    place.column = static_cast<int>(at_) + 1;
    throw Error(
        "M112",
        "column " + std::to_string(at_ + 1) + " of the schema \"" + std::string(text_) + "\": " + what,
        std::move(place), "write it as torch does: ns::op(Tensor x, float scale=1.0) -> Tensor");
  }

  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(std::string_view token) {
    skip_space();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void expect(char c, const std::string& what) {
    if (!take(std::string_view(&c, 1))) fail("expected " + what);
  }
  std::string_view word() {
    skip_space();
    const size_t start = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  void qualified_name(Schema& out) {
    const std::string_view space = word();
    if (space.empty() || !take("::")) fail("expected an operator name with its namespace, such as acme::op");
    std::string name = std::string(space) + "::";
    const std::string_view base = word();
    if (base.empty()) fail("expected the operator's name after '::'");
    out.name = name + std::string(base);
    if (!next_is('.')) return;
    ++at_;
    const std::string_view overload = word();
    if (overload.empty()) fail("expected the overload's name after '.'");
    out.overload = overload == "default" ? std::string_view() : overload;
  }

  void arguments(Schema& out) {
    bool keyword_only = false;
    if (take(")")) return;
    do {
      if (take("*")) {
        keyword_only = true;
      } else if (take("...")) {
        out.more_arguments = true;
      } else {
        out.arguments.push_back(argument());
        out.arguments.back().keyword_only = keyword_only;
      }
    } while (take(","));
    expect(')', "',' or ')' after an argument");
  }

  SchemaArgument argument() {
    SchemaArgument out;
    type(out);
    skip_space();
    out.name = std::string(word());
    if (out.name.empty()) fail("expected the name of the argument of type " + out.type);
    if (take("=")) out.default_value = fit(default_value(), out.type);
    return out;
  }

  void returns(Schema& out) {
    if (take("...")) {
      out.more_returns = true;
      return;
    }
    if (!take("(")) {
      out.returns.push_back(result());
      return;
    }
    if (take(")")) return;
    do {
      if (take("...")) {
        out.more_returns = true;
      } else {
        out.returns.push_back(result());
      }
    } while (take(","));
    expect(')', "',' or ')' after a result");
  }

  SchemaArgument result() {
    SchemaArgument out;
    type(out);
    out.name = std::string(word());
    return out;
  }

  // base ['(' alias ')'] { '[' [n] ']' | '?' | '(' alias ')' }
  void type(SchemaArgument& out) {
    if (++depth_ > kMaxDepth) fail("a type is nested too deeply");
    base_type(out);
    while (at_ < text_.size()) {
      if (next_is('[')) {
        list_suffix(out);
      } else if (next_is('?')) {
        ++at_;
        out.type += '?';
      } else if (next_is('(')) {
        alias(out);
      } else {
        break;
      }
    }
    --depth_;
  }

  void base_type(SchemaArgument& out) {
    skip_space();
    if (next_is('(')) {
      out.type += nested_types('(', ')');
      return;
    }
    const size_t start = at_;
    while (at_ < text_.size() && (is_name_char(text_[at_]) || text_[at_] == '.')) ++at_;
    std::string_view name = text_.substr(start, at_ - start);
    if (name.empty()) fail("expected a type");
    // Sizes are ints to every reader of a schema; which of them are symbolic is the value's affair.
    if (name == "SymInt") name = "int";
    if (name == "SymFloat") name = "float";
    if (name == "SymBool") name = "bool";
    out.type += name;
    const bool generic = name == "Dict" || name == "Union" || name == "Future" || name == "RRef" ||
                         name == "Await" || name == "Optional" || name == "List" || name == "Tuple" ||
                         name == "NamedTuple";
    if (generic && next_is('(')) out.type += nested_types('(', ')');
    if (generic && next_is('[')) out.type += nested_types('[', ']');
  }

  std::string nested_types(char open, char close) {
    ++at_;
    std::string out(1, open);
    skip_space();
    while (!next_is(close)) {
      SchemaArgument inner;
      type(inner);
      out += inner.type;
      word();  // a named tuple's field
      skip_space();
      if (next_is(',')) {
        ++at_;
        out += ", ";
      } else if (!next_is(close)) {
        fail(std::string("expected ',' or '") + close + "' in a type");
      }
    }
    ++at_;
    return out + close;
  }

  void list_suffix(SchemaArgument& out) {
    out.type += text_[at_++];
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0)
      out.type += text_[at_++];
    if (!next_is(']')) fail("expected ']' of a list type");
    out.type += text_[at_++];
  }

  // "(a)", "(a!)", "(a -> *)", "(a|b)", "(*)"
  void alias(SchemaArgument& out) {
    ++at_;
    std::string set;
    for (; at_ < text_.size() && !next_is(')'); ++at_) {
      const char c = text_[at_];
      if (c == '!') {
        out.is_written = true;
      } else if (take("->")) {
        while (at_ < text_.size() && !next_is(')')) ++at_;
        break;
      } else if (is_name_char(c) || c == '|' || c == '*') {
        set += c;
      } else if (c != ' ') {
        fail("expected an alias set such as (a!)");
      }
    }
    if (!next_is(')') || set.empty()) fail("expected an alias set such as (a!)");
    ++at_;
    out.alias_set = std::move(set);
  }

  DefaultValue default_value() {
    skip_space();
    if (at_ >= text_.size()) fail("expected a default value");
    const char c = text_[at_];
    if (c == '[') return list_default();
    if (c == '"' || c == '\'') return string_default();
    if (c == '-' || c == '+' || c == '.' || std::isdigit(static_cast<unsigned char>(c)) != 0) return number();
    const std::string_view name = word();
    if (name.empty()) fail("expected a default value");
    if (name == "None") return std::monostate();
    if (name == "True" || name == "true") return true;
    if (name == "False" || name == "false") return false;
    if (name == "inf") return std::numeric_limits<double>::infinity();
    if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (const auto value = enumerator(name)) return *value;
    return std::string(name);
  }

  DefaultValue number() {
    const size_t start = at_;
    const bool negative = next_is('-');
    if (negative || next_is('+')) ++at_;
    if (take("inf")) return (negative ? -1 : 1) * std::numeric_limits<double>::infinity();
    bool real = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      const bool sign_of_exponent =
          (c == '-' || c == '+') && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
      if (c == '.' || c == 'e' || c == 'E' || sign_of_exponent) {
        real = true;
      } else if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
        break;
      }
    }
    const std::string digits(text_.substr(start, at_ - start));
    if (real) {
      char* end = nullptr;
      const double value = std::strtod(digits.c_str(), &end);
      if (*end != '\0') fail("not a number: " + digits);
      return value;
    }
    int64_t value = 0;
    const char* first = digits.data() + (digits.starts_with('+') ? 1 : 0);
    const auto parsed = std::from_chars(first, digits.data() + digits.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
      fail("not a number: " + digits);
    return value;
  }

  std::string string_default() {
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_++];
      if (c == '\\' && at_ < text_.size()) {
        c = text_[at_++];
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
      }
      out += c;
    }
    if (at_ >= text_.size()) fail("a string without its closing quote");
    ++at_;
    return out;
  }

  // Lists of numbers and bools; a list with one real is a list of reals.
  DefaultValue list_default() {
    ++at_;
    std::vector<DefaultValue> items;
    if (!take("]")) {
      do {
        skip_space();
        if (next_is('[')) fail("lists of lists cannot be default values");
        items.push_back(default_value());
      } while (take(","));
      expect(']', "',' or ']' in a list");
    }
    std::vector<int64_t> ints;
    std::vector<double> reals;
    std::vector<bool> bools;
    for (const DefaultValue& item : items) {
      if (const auto* i = std::get_if<int64_t>(&item)) {
        ints.push_back(*i);
        reals.push_back(static_cast<double>(*i));
      } else if (const auto* d = std::get_if<double>(&item)) {
        reals.push_back(*d);
      } else if (const auto* b = std::get_if<bool>(&item)) {
        bools.push_back(*b);
      } else {
        fail("a default list holds numbers or bools");
      }
    }
    if (!bools.empty() && bools.size() == items.size()) return bools;
    if (!bools.empty()) fail("a default list holds numbers or bools, not both");
    return reals.size() == ints.size() ? DefaultValue(std::move(ints)) : DefaultValue(std::move(reals));
  }

  // What the text says, in the kind of the type: "float eps=1" is a real, "int[2] stride=1" is [1, 1].
  DefaultValue fit(DefaultValue value, std::string_view type) {
    while (type.ends_with('?')) type.remove_suffix(1);
    const size_t bracket = type.find('[');
    const std::string_view element = type.substr(0, bracket);
    if (element == "float" || element == "float?") {
      if (const auto* i = std::get_if<int64_t>(&value)) value = static_cast<double>(*i);
      if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
        value = std::vector<double>(list->begin(), list->end());
      }
    }
    if (element == "bool") {
      if (const auto* list = std::get_if<std::vector<int64_t>>(&value); list != nullptr && list->empty()) {
        value = std::vector<bool>();
      }
    }
    if (bracket == std::string_view::npos) return value;
    size_t count = 1;
    const std::string_view digits = type.substr(bracket + 1, type.size() - bracket - 2);
    if (!digits.empty()) {
      const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), count);
      if (parsed.ec != std::errc() || count > 64) fail("a list type of an unusual length");
    }
    if (const auto* i = std::get_if<int64_t>(&value)) return std::vector<int64_t>(count, *i);
    if (const auto* d = std::get_if<double>(&value)) return std::vector<double>(count, *d);
    if (const auto* b = std::get_if<bool>(&value)) return std::vector<bool>(count, *b);
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Schema parse_schema(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  return SchemaParser(text).schema();
}

}  // namespace onnxport::ir
