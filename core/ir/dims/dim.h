// Sizes of axes: a number, an expression over named symbols, or unknown.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace onnxport::ir {

class Expression;  // a canonical polynomial over symbols and floor-div / mod / min / max atoms; dim.cpp

// An immutable size. Arithmetic is symbolic and canonical: (2*seq+1)-1 == seq*2. Anything with an unknown is unknown.
class Dim {
 public:
  Dim() = default;                                              // unknown
  Dim(int64_t value) : kind_(Kind::constant), value_(value) {}  // NOLINT: a number is a dim
  // A named size ("batch"). Names that start with '?' are anonymous: equal to themselves, never shown to users.
  static Dim symbol(std::string_view name);
  // Reads what text() prints: numbers, names (quoted when unusual), + - *, parentheses, floor_div(a,b),
  // mod(a,b), min(a,b,…), max(a,b,…). nullopt when the text is no such expression.
  static std::optional<Dim> parse(std::string_view text);

  bool is_unknown() const { return kind_ == Kind::unknown; }
  bool is_constant() const { return kind_ == Kind::constant; }
  bool is_expression() const { return kind_ == Kind::expression; }
  int64_t value() const { return value_; }  // of a constant
  // An expression that is one bare symbol: its name; else empty.
  std::string_view symbol_name() const;
  bool is_anonymous() const;  // mentions a '?' symbol

  // Unknown is "?". Otherwise unique per value: equal dims have equal texts.
  std::string text() const;
  // The value with symbols given; nullopt when one is missing, on division by zero and on overflow.
  std::optional<int64_t> evaluate(const std::map<std::string, int64_t, std::less<>>& symbols) const;
  // Every symbol replaced by what `map` says (or kept where it returns nullopt).
  Dim substitute(const std::function<std::optional<Dim>(std::string_view)>& map) const;
  void for_each_symbol(const std::function<void(std::string_view)>& visit) const;

  // Equal for certain. Unknown equals nothing, not even itself.
  friend bool operator==(const Dim& a, const Dim& b);
  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  // Python's //, towards minus infinity; exact division cancels. Division by zero is unknown.
  friend Dim floor_div(const Dim& a, const Dim& b);
  friend Dim mod(const Dim& a, const Dim& b);  // Python's %
  friend Dim min(const Dim& a, const Dim& b);
  friend Dim max(const Dim& a, const Dim& b);

 private:
  enum class Kind : uint8_t { unknown, constant, expression };
  friend class Expression;
  explicit Dim(std::shared_ptr<const Expression> e) : kind_(Kind::expression), expression_(std::move(e)) {}

  Kind kind_ = Kind::unknown;
  int64_t value_ = 0;
  std::shared_ptr<const Expression> expression_;
};

Dim floor_div(const Dim& a, const Dim& b);
Dim mod(const Dim& a, const Dim& b);
Dim min(const Dim& a, const Dim& b);
Dim max(const Dim& a, const Dim& b);

// What is known of a symbol.
struct SymbolInfo {
  int64_t min = 0;
  std::optional<int64_t> max;   // none: unbounded
  std::optional<int64_t> hint;  // example size
};

}  // namespace onnxport::ir
