#include "core/ir/dims/guard.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <vector>

#include "core/ir/dims/text_scanner.h"

namespace onnxport::ir {
namespace {

using Sizes = std::map<std::string, int64_t, std::less<>>;

constexpr int kDeepest = 100;
// Python gives a float where we have an exact double: what torch printed of it has 17 digits.
constexpr double kSame = 1e-12;

bool is_name_part(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '?';
}

// Recursive descent over what Python's printer of sympy writes; truth is 1 and 0, as in Python.
class GuardParser : TextScanner {
 public:
  GuardParser(std::string_view text, const Sizes& sizes) : TextScanner(text), sizes_(sizes) {}

  std::optional<bool> run() {
    const double out = either();
    if (failed_ || !at_end()) return std::nullopt;
    return out != 0;
  }

 private:
  double fail() {
    stop();
    return 0;
  }
  bool take_word(std::string_view word) {
    skip_space();
    const size_t end = at_ + word.size();
    if (text_.substr(at_, word.size()) != word || (end < text_.size() && is_name_part(text_[end])))
      return false;
    at_ = end;
    return true;
  }

  double either() {
    if (++depth_ > kDeepest) return fail();
    double out = both();
    while (!failed_ && (take_word("or") || take("|"))) out = (both() != 0) || out != 0 ? 1 : 0;
    --depth_;
    return out;
  }
  double both() {
    double out = negated();
    while (!failed_ && (take_word("and") || take("&"))) out = (negated() != 0) && out != 0 ? 1 : 0;
    return out;
  }
  double negated() {
    if (++depth_ > kDeepest) return fail();
    const double out = take_word("not") || take("~") ? (negated() == 0 ? 1 : 0) : compared();
    --depth_;
    return out;
  }

  double compared() {
    double left = sum();
    bool any = false;
    bool out = true;
    while (!failed_) {
      std::string_view op;
      for (const std::string_view candidate : {"==", "!=", "<=", ">=", "<", ">"}) {
        if (op.empty() && take(candidate)) op = candidate;
      }
      if (op.empty()) break;
      const double right = sum();
      any = true;
      out = out && holds(left, op, right);
      left = right;
    }
    return any ? (out ? 1 : 0) : left;
  }
  static bool holds(double a, std::string_view op, double b) {
    const bool same = std::abs(a - b) <= kSame * std::max(std::abs(a), std::abs(b));
    if (op == "==") return same;
    if (op == "!=") return !same;
    if (op == "<=") return a <= b || same;
    if (op == ">=") return a >= b || same;
    return !same && (op == "<" ? a < b : a > b);
  }

  double sum() {
    double out = product();
    while (!failed_) {
      if (take("+")) {
        out += product();
      } else if (take("-")) {
        out -= product();
      } else {
        break;
      }
    }
    return out;
  }
  double product() {
    double out = unary();
    while (!failed_) {
      if (take("//")) {
        out = divided(out, unary());
      } else if (take("/")) {
        const double by = unary();
        out = by == 0 ? fail() : out / by;
      } else if (take("%")) {
        out = rest(out, unary());
      } else if (take("*")) {
        out *= unary();
      } else {
        break;
      }
    }
    return out;
  }
  double divided(double a, double b) { return b == 0 ? fail() : std::floor(a / b); }
  double rest(double a, double b) { return b == 0 ? fail() : a - b * std::floor(a / b); }

  double unary() {
    if (++depth_ > kDeepest) return fail();
    double out = 0;
    if (take("-")) {
      out = -unary();
    } else if (take("+")) {
      out = unary();
    } else {
      out = primary();
      if (take("**")) out = std::pow(out, unary());
    }
    --depth_;
    return out;
  }

  double primary() {
    if (take("(")) {
      const double out = either();
      return take(")") ? out : fail();
    }
    const char c = peek();
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.') return number();
    if (c == '\'' || c == '"') {
      const size_t end = text_.find(c, at_ + 1);
      if (end == std::string_view::npos) return fail();
      const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return size_of(name);
    }
    const size_t from = at_;
    while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
    const std::string_view name = text_.substr(from, at_ - from);
    if (name.empty()) return fail();
    return take("(") ? call(name) : size_of(name);
  }
  double number() {
    double out = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), out);
    if (error != std::errc()) return fail();
    at_ = static_cast<size_t>(end - text_.data());
    return out;
  }
  double size_of(std::string_view name) {
    if (name == "True" || name == "False") return name == "True" ? 1 : 0;
    const auto found = sizes_.find(name);
    return found == sizes_.end() ? fail() : static_cast<double>(found->second);
  }

  double call(std::string_view name) {
    std::vector<double> a;
    for (bool first = true; !failed_ && !take(")"); first = false) {
      if (!first && !take(",")) return fail();
      a.push_back(either());
    }
    if (failed_ || a.empty()) return fail();
    const size_t dot = name.rfind('.');
    if (dot != std::string_view::npos) name.remove_prefix(dot + 1);
    if (name.starts_with("sym_")) name.remove_prefix(4);
    if (name == "max" || name == "Max") return *std::max_element(a.begin(), a.end());
    if (name == "min" || name == "Min") return *std::min_element(a.begin(), a.end());
    if (a.size() == 2) {
      if (name == "floor_div" || name == "FloorDiv" || name == "CleanDiv") return divided(a[0], a[1]);
      if (name == "mod" || name == "Mod" || name == "PythonMod") return rest(a[0], a[1]);
      if (name == "pow") return std::pow(a[0], a[1]);
      if (name == "Eq" || name == "Ne") return (a[0] == a[1]) == (name == "Eq") ? 1 : 0;
      return fail();
    }
    if (a.size() != 1) return fail();
    if (name == "float") return a[0];
    if (name == "int" || name == "trunc") return std::trunc(a[0]);
    if (name == "floor") return std::floor(a[0]);
    if (name == "ceil" || name == "ceiling") return std::ceil(a[0]);
    if (name == "round") return std::nearbyint(a[0]);
    if (name == "abs" || name == "Abs") return std::abs(a[0]);
    if (name == "sqrt") return std::sqrt(a[0]);
    return fail();
  }

  const Sizes& sizes_;
};

}  // namespace

std::optional<bool> guard_holds(std::string_view guard, const Sizes& sizes) {
  return GuardParser(guard, sizes).run();
}

std::optional<std::pair<std::string_view, std::string_view>> equality_sides(std::string_view guard) {
  const size_t at = guard.find("==");
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view left = guard.substr(0, at);
  const std::string_view right = guard.substr(at + 2);
  for (const std::string_view side : {left, right}) {
    int open = 0;
    for (const char c : side) {
      open += c == '(' ? 1 : c == ')' ? -1 : 0;
      if (open < 0) return std::nullopt;  // it is inside of something
    }
    if (open != 0 || side.find_first_of("=<>!&|~") != std::string_view::npos ||
        side.find(" and ") != std::string_view::npos || side.find(" or ") != std::string_view::npos ||
        side.find("not ") != std::string_view::npos)
      return std::nullopt;
  }
  return std::pair(left, right);
}

}  // namespace onnxport::ir
