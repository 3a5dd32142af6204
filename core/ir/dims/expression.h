// The inside of a symbolic Dim: a polynomial with integer coefficients over atoms. Only dim*.cpp see this.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/ir/dims/dim.h"

namespace onnxport::ir {

// What a polynomial is made of: a symbol, or an operation that is no polynomial. Immutable and shared.
struct Atom {
  enum class Kind : uint8_t { symbol, floor_div, mod, min, max };
  Kind kind = Kind::symbol;
  std::string name;            // of a symbol
  std::vector<Dim> arguments;  // of the others; min and max are flat and sorted
  std::string text;            // canonical: atoms are equal when their texts are
};
using AtomPointer = std::shared_ptr<const Atom>;

// coefficient * product of atoms. Atoms are sorted by text, with repetition; no atoms: the constant term.
struct Term {
  int64_t coefficient = 0;
  std::vector<AtomPointer> atoms;
};

// What min and max hold at most, and what may be written as their arguments.
inline constexpr size_t kMostArguments = 128;

// Terms in graded lexicographic order, each product once, no coefficient zero. Never a mere constant.
class Expression {
 public:
  explicit Expression(std::vector<Term> terms);

  const std::vector<Term>& terms() const { return terms_; }
  const std::string& text() const { return text_; }
  // The atom when the expression is just that; else null.
  const Atom* bare_atom() const;

  // The terms of any known dim, constants included.
  static std::vector<Term> terms_of(const Dim& dim);
  // The canonical dim of terms in any order; unknown when too large to be worth carrying.
  static Dim make(std::vector<Term> terms);
  static Dim of_atom(Atom::Kind kind, std::string name, std::vector<Dim> arguments);

 private:
  std::vector<Term> terms_;
  std::string text_;
};

// <0, 0, >0: order of the products of two terms; higher degrees first.
int compare_products(const Term& a, const Term& b);
// The polynomial q with a == q * b; nullopt when there is none.
std::optional<Dim> divide_exactly(const Dim& a, const Dim& b);

}  // namespace onnxport::ir
