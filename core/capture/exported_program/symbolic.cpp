#include "core/capture/exported_program/symbolic.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>
#include <vector>

#include "core/ir/dims/text_scanner.h"

namespace onnxport {
namespace {

constexpr int kDeepest = 200;
constexpr size_t kMostOfExtremum = 128;  // arguments of Max and Min: what torch writes has a handful

// Recursive descent over both spellings, which agree on everything but how a sum is written.
class SymbolicParser : ir::TextScanner {
 public:
  explicit SymbolicParser(std::string_view text) : TextScanner(text) {}

  std::optional<ir::Dim> parse() {
    const ir::Dim out = sum();
    if (failed_ || !at_end()) return std::nullopt;
    return out;
  }

 private:
  ir::Dim fail() {
    stop();
    return {};
  }

  ir::Dim sum() {
    if (++depth_ > kDeepest) return fail();
    ir::Dim out = product();
    while (!failed_) {
      if (take("+")) {
        out = out + product();
      } else if (take("-")) {
        out = out - product();
      } else {
        break;
      }
    }
    --depth_;
    return out;
  }

  ir::Dim product() {
    ir::Dim out = power();
    while (!failed_) {
      if (take("//")) {
        out = floor_div(out, power());
      } else if (peek() == '*' && text_.substr(at_, 2) != "**") {
        ++at_;
        out = out * power();
      } else if (take("%")) {
        out = mod(out, power());
      } else if (take("/")) {
        power();
        out = {};
      } else {
        break;
      }
    }
    return out;
  }

  ir::Dim power() {
    const ir::Dim base = unary();
    return take("**") ? raise(base, unary()) : base;
  }

  static ir::Dim raise(const ir::Dim& base, const ir::Dim& exponent) {
    if (!exponent.is_constant() || exponent.value() < 0 || exponent.value() > 16) return {};
    ir::Dim out = 1;
    for (int64_t i = 0; i < exponent.value(); ++i) out = out * base;
    return out;
  }

  ir::Dim unary() {
    if (++depth_ > kDeepest) return fail();
    ir::Dim out;
    if (take("-")) {
      out = ir::Dim(0) - unary();
    } else if (take("(")) {
      out = sum();
      if (!take(")")) out = fail();
    } else if (std::isdigit(static_cast<unsigned char>(peek())) != 0) {
      out = number();
    } else if (peek() == '\'') {
      out = quoted();
    } else {
      out = name_or_call();
    }
    --depth_;
    return out;
  }

  ir::Dim number() {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return fail();
    at_ = static_cast<size_t>(end - text_.data());
    if (at_ < text_.size() && text_[at_] == '.') {  // a real number is no size
      ++at_;
      while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
      return {};
    }
    return value;
  }

  // Float('1.5', …): a real number, and no size.
  ir::Dim quoted() {
    const size_t end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return fail();
    at_ = end + 1;
    return {};
  }

  std::string_view word() {
    skip_space();
    const size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '_' || text_[at_] == '.')) {
      ++at_;
    }
    return text_.substr(start, at_ - start);
  }

  static bool is_name(std::string_view text) {
    const auto is_part = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.'; };
    return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 && text[0] != '.' &&
           std::all_of(text.begin(), text.end(), is_part);
  }

  ir::Dim name_or_call() {
    const std::string_view name = word();
    if (name.empty()) return fail();
    if (!take("(")) return is_name(name) ? ir::Dim::symbol(name) : fail();
    if (name == "Symbol" || name == "Dummy") return symbol_call();
    std::vector<ir::Dim> arguments;
    for (bool first = true; !failed_ && !take(")"); first = false) {
      if (!first && !take(",")) return fail();
      const ir::Dim argument = sum();
      if (arguments.size() == kMostOfExtremum && is_extremum(name)) return fail();
      if (take("=")) {  // precision=53: the argument was a keyword
        sum();
      } else {
        arguments.push_back(argument);
      }
    }
    return failed_ ? ir::Dim() : call(name, arguments);
  }

  // Symbol('s77', positive=True, integer=True)
  ir::Dim symbol_call() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return fail();
    const size_t start = ++at_;
    const size_t end = text_.find(quote, start);
    if (end == std::string_view::npos) return fail();
    const std::string_view name = text_.substr(start, end - start);
    if (!is_name(name)) return fail();
    const size_t close = text_.find(')', end);
    if (close == std::string_view::npos) return fail();
    at_ = close + 1;
    return ir::Dim::symbol(name);
  }

  static bool is_extremum(std::string_view name) {
    return name == "Max" || name == "Min" || name == "max" || name == "min";
  }

  static ir::Dim call(std::string_view name, const std::vector<ir::Dim>& a) {
    const auto fold = [&](auto operation) {
      ir::Dim out = a.front();
      for (size_t i = 1; i < a.size(); ++i) out = operation(out, a[i]);
      return out;
    };
    if (a.empty()) return {};
    if (name == "Integer") return a[0];
    if (name == "Add") return fold([](const ir::Dim& x, const ir::Dim& y) { return x + y; });
    if (name == "Mul") return fold([](const ir::Dim& x, const ir::Dim& y) { return x * y; });
    if (name == "Max" || name == "max")
      return fold([](const ir::Dim& x, const ir::Dim& y) { return max(x, y); });
    if (name == "Min" || name == "min")
      return fold([](const ir::Dim& x, const ir::Dim& y) { return min(x, y); });
    if (a.size() == 2) {
      if (name == "FloorDiv" || name == "CleanDiv" || name == "floor_div") return floor_div(a[0], a[1]);
      if (name == "Mod" || name == "PythonMod" || name == "mod") return mod(a[0], a[1]);
      if (name == "Pow" || name == "PowByNatural") return raise(a[0], a[1]);
    }
    if (a.size() == 3 && name == "ModularIndexing") return mod(floor_div(a[0], a[1]), a[2]);
    return {};
  }
};

}  // namespace

std::optional<ir::Dim> parse_symbolic(std::string_view text) { return SymbolicParser(text).parse(); }

}  // namespace onnxport
