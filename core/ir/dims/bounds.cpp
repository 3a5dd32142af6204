#include "core/ir/dims/bounds.h"

#include <algorithm>

#include "core/ir/dims/expression.h"

namespace onnxport::ir {

namespace {

constexpr int64_t kNone = Bounds::kNone;

__extension__ using Wide = __int128;  // two 64-bit ends cannot overflow it

int64_t saturate(Wide v) { return static_cast<int64_t>(std::clamp<Wide>(v, -kNone, kNone)); }

bool is_infinite(int64_t v) { return v == kNone || v == -kNone; }

// Ends add up as numbers do, but no bound stays no bound.
int64_t add_ends(int64_t a, int64_t b) {
  if (is_infinite(a)) return a;
  if (is_infinite(b)) return b;
  return saturate(static_cast<Wide>(a) + b);
}

int64_t multiply_ends(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return 0;
  if (is_infinite(a) || is_infinite(b)) return (a < 0) == (b < 0) ? kNone : -kNone;
  return saturate(static_cast<Wide>(a) * b);
}

Bounds add(Bounds a, Bounds b) { return {add_ends(a.min, b.min), add_ends(a.max, b.max)}; }

Bounds multiply(Bounds a, Bounds b) {
  const auto [low, high] = std::minmax({multiply_ends(a.min, b.min), multiply_ends(a.min, b.max),
                                        multiply_ends(a.max, b.min), multiply_ends(a.max, b.max)});
  return {low, high};
}

int64_t floor_divide_ends(int64_t a, int64_t b) {
  if (is_infinite(a)) return a;
  if (b == kNone) return a < 0 ? -1 : 0;
  return a / b - (a % b != 0 && a < 0 ? 1 : 0);
}

Bounds divide(Bounds a, Bounds b) {
  if (b.min <= 0) return {};
  return {std::min(floor_divide_ends(a.min, b.min), floor_divide_ends(a.min, b.max)),
          std::max(floor_divide_ends(a.max, b.min), floor_divide_ends(a.max, b.max))};
}

Bounds modulo(Bounds a, Bounds b) {
  if (b.min <= 0) return {};
  const int64_t largest = b.max == kNone ? kNone : b.max - 1;
  return {0, a.min >= 0 ? std::min(largest, a.max) : largest};
}

Bounds least(Bounds a, Bounds b) { return {std::min(a.min, b.min), std::min(a.max, b.max)}; }
Bounds greatest(Bounds a, Bounds b) { return {std::max(a.min, b.min), std::max(a.max, b.max)}; }

// What is known of the symbols, and how many more minima and maxima are looked into: without an end, a size
// that nests them costs a power of its length.
struct NodeInputs {
  const SymbolTable& symbols;
  int extremes_left = 32;
};

Bounds bounds_within(const Dim& dim, NodeInputs& known);

Bounds of_atom(const Atom& atom, NodeInputs& known) {
  if (atom.kind == Atom::Kind::symbol) {
    const auto found = known.symbols.find(atom.name);
    if (found == known.symbols.end()) return {0, kNone};
    return {found->second.min, found->second.max.value_or(kNone)};
  }
  Bounds out = bounds_within(atom.arguments[0], known);
  for (size_t i = 1; i < atom.arguments.size(); ++i) {
    const Bounds b = bounds_within(atom.arguments[i], known);
    switch (atom.kind) {
      case Atom::Kind::floor_div:
        out = divide(out, b);
        break;
      case Atom::Kind::mod:
        out = modulo(out, b);
        break;
      case Atom::Kind::min:
        out = least(out, b);
        break;
      default:
        out = greatest(out, b);
        break;
    }
  }
  return out;
}

// rest + c * min(x, …) is the least or, for a negative c, the greatest of the sums rest + c * x, …: what the
// sums share cancels, where the ends of the parts alone would not. n - min(1, n) is at least 0 by that.
Bounds through_extremes(const std::vector<Term>& terms, NodeInputs& known) {
  const auto found = std::find_if(terms.begin(), terms.end(), [](const Term& term) {
    return term.atoms.size() == 1 &&
           (term.atoms[0]->kind == Atom::Kind::min || term.atoms[0]->kind == Atom::Kind::max);
  });
  if (found == terms.end() || known.extremes_left <= 0) return {};
  --known.extremes_left;
  std::vector<Term> others(terms.begin(), found);
  others.insert(others.end(), found + 1, terms.end());
  const Dim rest = Expression::make(std::move(others)), times = found->coefficient;
  const Atom& atom = *found->atoms[0];
  const auto combine = (atom.kind == Atom::Kind::min) == (found->coefficient > 0) ? least : greatest;
  Bounds out = bounds_within(rest + times * atom.arguments[0], known);
  for (size_t i = 1; i < atom.arguments.size(); ++i)
    out = combine(out, bounds_within(rest + times * atom.arguments[i], known));
  return out;
}

Bounds bounds_within(const Dim& dim, NodeInputs& known) {
  if (dim.is_unknown()) return {};
  if (dim.is_constant()) return {dim.value(), dim.value()};
  const std::vector<Term> terms = Expression::terms_of(dim);
  Bounds sum{0, 0};
  for (const Term& term : terms) {
    Bounds product{term.coefficient, term.coefficient};
    for (const AtomPointer& atom : term.atoms) product = multiply(product, of_atom(*atom, known));
    sum = add(sum, product);
  }
  if (terms.size() < 2) return sum;
  const Bounds through = through_extremes(terms, known);
  return {std::max(sum.min, through.min), std::min(sum.max, through.max)};
}

}  // namespace

Bounds bounds_of(const Dim& dim, const SymbolTable& symbols) {
  NodeInputs known{symbols};
  return bounds_within(dim, known);
}

}  // namespace onnxport::ir
