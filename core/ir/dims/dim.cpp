#include "core/ir/dims/dim.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "core/ir/dims/expression.h"
#include "core/ir/integers.h"

namespace onnxport::ir {

namespace {

Dim fold_unknown_or(const Dim& a, const Dim& b, Dim (*combine)(const Dim&, const Dim&)) {
  return a.is_unknown() || b.is_unknown() ? Dim() : combine(a, b);
}

Dim constant_or_unknown(std::optional<int64_t> value) { return value ? Dim(*value) : Dim(); }

Dim multiply_terms(const std::vector<Term>& a, const std::vector<Term>& b) {
  std::vector<Term> out;
  out.reserve(a.size() * b.size());
  for (const Term& x : a) {
    for (const Term& y : b) {
      const auto coefficient = checked_multiply(x.coefficient, y.coefficient);
      if (!coefficient) return Dim();
      Term term{*coefficient, {}};
      term.atoms.reserve(x.atoms.size() + y.atoms.size());
      std::merge(x.atoms.begin(), x.atoms.end(), y.atoms.begin(), y.atoms.end(),
                 std::back_inserter(term.atoms),
                 [](const AtomPointer& l, const AtomPointer& r) { return l->text < r->text; });
      out.push_back(std::move(term));
    }
  }
  return Expression::make(std::move(out));
}

// floor((c*q + r) / c) == q + floor(r / c): takes out what a positive constant divides, leaving less to name.
struct Reduced {
  Dim quotient;        // what came out whole
  Dim remainder;       // what is still to be divided
  int64_t common = 1;  // divides the remainder's coefficients and the divisor
};

std::optional<Reduced> reduce_by(const Dim& a, int64_t divisor) {
  std::vector<Term> whole;
  std::vector<Term> rest;
  int64_t common = divisor;
  int64_t constant = 0;
  for (Term term : Expression::terms_of(a)) {
    if (term.atoms.empty()) {
      constant = *floor_modulo(term.coefficient, divisor);
      whole.push_back({*floor_divide(term.coefficient, divisor), {}});
    } else if (term.coefficient % divisor == 0) {
      term.coefficient /= divisor;
      whole.push_back(std::move(term));
    } else {
      if (term.coefficient == INT64_MIN) return std::nullopt;  // has no absolute value
      common = std::gcd(common, term.coefficient);
      rest.push_back(std::move(term));
    }
  }
  if (rest.empty()) common = 1;
  for (Term& term : rest) term.coefficient /= common;
  // With g common to divisor and products: floor((g*p + k) / (g*c)) == floor((p + floor(k/g)) / c).
  rest.push_back({constant / common, {}});
  Reduced out{Expression::make(std::move(whole)), Expression::make(std::move(rest)), common};
  if (out.quotient.is_unknown() || out.remainder.is_unknown()) return std::nullopt;
  return out;
}

// floor((floor(x / b) + k) / c) == floor((x + k*b) / (b*c)) for positive constants b, c.
std::optional<Dim> merge_nested_floor_div(const Dim& a, int64_t divisor) {
  const Atom* inner = nullptr;
  int64_t constant = 0;
  for (const Term& term : Expression::terms_of(a)) {
    if (term.atoms.empty()) {
      constant = term.coefficient;
    } else if (inner == nullptr && term.coefficient == 1 && term.atoms.size() == 1) {
      inner = term.atoms[0].get();
    } else {
      return std::nullopt;
    }
  }
  if (inner == nullptr || inner->kind != Atom::Kind::floor_div || !inner->arguments[1].is_constant() ||
      inner->arguments[1].value() <= 0) {
    return std::nullopt;
  }
  const auto product = checked_multiply(inner->arguments[1].value(), divisor);
  if (!product) return std::nullopt;
  return floor_div(inner->arguments[0] + inner->arguments[1] * Dim(constant), Dim(*product));
}

Dim floor_div_by_constant(const Dim& a, int64_t divisor) {
  if (divisor < 0) {
    if (divisor == INT64_MIN) return Dim();
    return floor_div_by_constant(Dim(-1) * a, -divisor);
  }
  const auto reduced = reduce_by(a, divisor);
  if (!reduced) return Dim();
  const int64_t left = divisor / reduced->common;
  if (reduced->remainder.is_constant()) {
    return reduced->quotient + constant_or_unknown(floor_divide(reduced->remainder.value(), left));
  }
  if (const auto merged = merge_nested_floor_div(reduced->remainder, left))
    return reduced->quotient + *merged;
  return reduced->quotient + Expression::of_atom(Atom::Kind::floor_div, {}, {reduced->remainder, Dim(left)});
}

Dim mod_by_constant(const Dim& a, int64_t divisor) {
  if (divisor < 0) {  // Python: a % -b == -((-a) % b)
    if (divisor == INT64_MIN) return Dim();
    return Dim(-1) * mod_by_constant(Dim(-1) * a, -divisor);
  }
  const auto reduced = reduce_by(a, divisor);
  if (!reduced) return Dim();
  const Dim left = divisor / reduced->common;
  if (reduced->common == 1) {
    if (reduced->remainder.is_constant())
      return constant_or_unknown(floor_modulo(reduced->remainder.value(), divisor));
    return Expression::of_atom(Atom::Kind::mod, {}, {reduced->remainder, left});
  }
  // (g*p + k) mod (g*c) == g * ((p + k/g) mod c) + k mod g; reduce_by dropped k mod g, so take it from `a` again.
  int64_t constant = 0;
  for (const Term& term : Expression::terms_of(a)) {
    if (term.atoms.empty()) constant = term.coefficient;
  }
  return Dim(reduced->common) * mod(reduced->remainder, left) +
         constant_or_unknown(floor_modulo(constant, reduced->common));
}

// A dim without its constant term, as text, and that term: what differs by a constant has one text.
std::pair<std::string, int64_t> split_constant(const Dim& dim) {
  std::vector<Term> terms = Expression::terms_of(dim);
  if (terms.empty()) return {{}, 0};
  if (!terms.back().atoms.empty()) return {dim.text(), 0};  // the constant term is the last one
  const int64_t constant = terms.back().coefficient;
  terms.pop_back();
  return {terms.empty() ? std::string() : Expression::make(std::move(terms)).text(), constant};
}

// min or max: flat, without duplicates, what differs by a constant decided.
Dim extremum(Atom::Kind kind, const Dim& a, const Dim& b) {
  const bool want_max = kind == Atom::Kind::max;
  // By what differs in more than a constant.
  std::map<std::string, std::pair<int64_t, Dim>, std::less<>> kept;
  const auto keep = [&](const Dim& dim) {
    auto [key, constant] = split_constant(dim);
    const auto [at, is_new] = kept.try_emplace(std::move(key), constant, dim);
    if (!is_new && (want_max ? constant > at->second.first : constant < at->second.first))
      at->second = {constant, dim};
  };
  for (const Dim* dim : {&a, &b}) {
    const Atom* atom = nullptr;
    const std::vector<Term> terms = Expression::terms_of(*dim);
    if (terms.size() == 1 && terms[0].coefficient == 1 && terms[0].atoms.size() == 1)
      atom = terms[0].atoms[0].get();
    if (atom != nullptr && atom->kind == kind) {
      std::for_each(atom->arguments.begin(), atom->arguments.end(), keep);
    } else {
      keep(*dim);
    }
  }
  if (kept.size() == 1) return kept.begin()->second.second;
  if (kept.size() > kMostArguments) return Dim();
  std::vector<std::pair<std::string, Dim>> sorted;
  for (auto& [key, best] : kept) sorted.emplace_back(best.second.text(), std::move(best.second));
  std::sort(sorted.begin(), sorted.end(), [](const auto& l, const auto& r) { return l.first < r.first; });
  std::vector<Dim> arguments;
  for (auto& [text, dim] : sorted) arguments.push_back(std::move(dim));
  return Expression::of_atom(kind, {}, std::move(arguments));
}

Dim substitute_atom(const Atom& atom, const std::function<std::optional<Dim>(std::string_view)>& map) {
  if (atom.kind == Atom::Kind::symbol) {
    if (auto replaced = map(atom.name)) return *replaced;
    return Dim::symbol(atom.name);
  }
  Dim out = atom.arguments[0].substitute(map);
  for (size_t i = 1; i < atom.arguments.size(); ++i) {
    const Dim next = atom.arguments[i].substitute(map);
    switch (atom.kind) {
      case Atom::Kind::floor_div:
        out = floor_div(out, next);
        break;
      case Atom::Kind::mod:
        out = mod(out, next);
        break;
      case Atom::Kind::min:
        out = min(out, next);
        break;
      default:
        out = max(out, next);
        break;
    }
  }
  return out;
}

std::optional<int64_t> evaluate_atom(const Atom& atom,
                                     const std::map<std::string, int64_t, std::less<>>& symbols) {
  if (atom.kind == Atom::Kind::symbol) {
    const auto found = symbols.find(atom.name);
    return found == symbols.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<int64_t> out = atom.arguments[0].evaluate(symbols);
  for (size_t i = 1; out && i < atom.arguments.size(); ++i) {
    const auto next = atom.arguments[i].evaluate(symbols);
    if (!next) return std::nullopt;
    switch (atom.kind) {
      case Atom::Kind::floor_div:
        out = floor_divide(*out, *next);
        break;
      case Atom::Kind::mod:
        out = floor_modulo(*out, *next);
        break;
      case Atom::Kind::min:
        out = std::min(*out, *next);
        break;
      default:
        out = std::max(*out, *next);
        break;
    }
  }
  return out;
}

}  // namespace

Dim Dim::symbol(std::string_view name) {
  return Expression::of_atom(Atom::Kind::symbol, std::string(name), {});
}

std::string_view Dim::symbol_name() const {
  if (!is_expression()) return {};
  const Atom* atom = expression_->bare_atom();
  return atom != nullptr && atom->kind == Atom::Kind::symbol ? std::string_view(atom->name)
                                                             : std::string_view();
}

bool Dim::is_anonymous() const {
  bool found = false;
  for_each_symbol([&](std::string_view name) { found = found || name.starts_with('?'); });
  return found;
}

std::string Dim::text() const {
  switch (kind_) {
    case Kind::unknown:
      return "?";
    case Kind::constant:
      return std::to_string(value_);
    case Kind::expression:
      return expression_->text();
  }
  return "?";
}

std::optional<int64_t> Dim::evaluate(const std::map<std::string, int64_t, std::less<>>& symbols) const {
  if (is_unknown()) return std::nullopt;
  if (is_constant()) return value_;
  int64_t sum = 0;
  for (const Term& term : expression_->terms()) {
    int64_t product = term.coefficient;
    for (const AtomPointer& atom : term.atoms) {
      const auto value = evaluate_atom(*atom, symbols);
      const auto next = value ? checked_multiply(product, *value) : std::nullopt;
      if (!next) return std::nullopt;
      product = *next;
    }
    const auto next = checked_add(sum, product);
    if (!next) return std::nullopt;
    sum = *next;
  }
  return sum;
}

Dim Dim::substitute(const std::function<std::optional<Dim>(std::string_view)>& map) const {
  if (!is_expression()) return *this;
  Dim sum = 0;
  for (const Term& term : expression_->terms()) {
    Dim product = term.coefficient;
    for (const AtomPointer& atom : term.atoms) product = product * substitute_atom(*atom, map);
    sum = sum + product;
  }
  return sum;
}

void Dim::for_each_symbol(const std::function<void(std::string_view)>& visit) const {
  if (!is_expression()) return;
  for (const Term& term : expression_->terms()) {
    for (const AtomPointer& atom : term.atoms) {
      if (atom->kind == Atom::Kind::symbol) visit(atom->name);
      for (const Dim& argument : atom->arguments) argument.for_each_symbol(visit);
    }
  }
}

bool operator==(const Dim& a, const Dim& b) {
  if (a.kind_ != b.kind_ || a.is_unknown()) return false;
  if (a.is_constant()) return a.value_ == b.value_;
  return a.expression_ == b.expression_ || a.expression_->text() == b.expression_->text();
}

namespace {

const Atom* lone_atom(const Term& term, Atom::Kind kind) {
  const Atom* atom = term.atoms.size() == 1 ? term.atoms[0].get() : nullptr;
  return atom != nullptr && atom->kind == kind && atom->arguments.size() == 2 ? atom : nullptr;
}

// max(a, b) + min(c, d) where a - b is c - d or d - c: whichever way the comparison goes, the sum is the
// same. So the part before a cut and the part behind it are the whole again: min(1, n) + max(0, n - 1) == n.
Dim join_extremes(Dim sum) {
  constexpr size_t kMostTerms = 16;  // every pair of them is looked at
  const std::vector<Term> terms = Expression::terms_of(sum);
  if (terms.size() > kMostTerms) return sum;
  for (const Term& one : terms) {
    const Atom* greatest = lone_atom(one, Atom::Kind::max);
    for (const Term& other : terms) {
      const Atom* least = greatest == nullptr ? nullptr : lone_atom(other, Atom::Kind::min);
      if (least == nullptr || one.coefficient != other.coefficient) continue;
      const std::vector<Dim>&a = greatest->arguments, &b = least->arguments;
      const Dim difference = a[0] - a[1];
      const bool same_way = difference == b[0] - b[1];
      if (!same_way && !(difference == b[1] - b[0])) continue;
      std::vector<Term> rest;
      for (const Term& term : terms) {
        if (&term != &one && &term != &other) rest.push_back(term);
      }
      return Expression::make(std::move(rest)) + Dim(one.coefficient) * (a[0] + (same_way ? b[1] : b[0]));
    }
  }
  return sum;
}

// The terms of a sum with those of `part` taken off; nullopt when one of these is not there with just that
// coefficient. Constants are only subtracted.
std::optional<std::vector<Term>> without(const std::vector<Term>& sum, const Dim& part) {
  if (!part.is_expression()) return std::nullopt;
  std::vector<Term> rest = sum;
  int64_t constant = 0;
  for (const Term& term : Expression::terms_of(part)) {
    if (term.atoms.empty()) {
      constant = term.coefficient;
      continue;
    }
    const auto found = std::find_if(rest.begin(), rest.end(), [&](const Term& t) {
      return t.coefficient == term.coefficient && compare_products(t, term) == 0;
    });
    if (found == rest.end()) return std::nullopt;
    rest.erase(found);
  }
  if (constant == INT64_MIN) return std::nullopt;
  if (constant != 0) rest.push_back({-constant, {}});
  return rest;
}

// Division with remainder, put together again. With q = floor_div(x, y) and r = mod(x, y):
//   x - r == y * q        y * q + r == x        x - y * q == r (for a number y)
// each of them times any number. So floor division has one form, however it was computed.
std::optional<Dim> joined_division(const std::vector<Term>& terms, size_t at) {
  const Term& term = terms[at];
  if (term.coefficient == INT64_MIN) return std::nullopt;
  std::vector<Term> others = terms;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(at));
  const auto with = [](std::optional<std::vector<Term>> rest, const Dim& more) -> std::optional<Dim> {
    if (!rest || more.is_unknown()) return std::nullopt;
    return Expression::make(std::move(*rest)) + more;
  };
  if (const Atom* rest = lone_atom(term, Atom::Kind::mod)) {
    const Dim &x = rest->arguments[0], &y = rest->arguments[1];
    const Dim times = -term.coefficient;
    const Dim whole = y * floor_div(x, y);
    if (auto out = with(without(others, times * x), times * whole)) return out;
    return with(without(others, Dim(term.coefficient) * whole), Dim(term.coefficient) * x);
  }
  if (const Atom* quotient = lone_atom(term, Atom::Kind::floor_div)) {
    const Dim &x = quotient->arguments[0], &y = quotient->arguments[1];
    if (!y.is_constant() || term.coefficient % y.value() != 0) return std::nullopt;
    const Dim times = -(term.coefficient / y.value());
    return with(without(others, times * x), times * mod(x, y));
  }
  return std::nullopt;
}

Dim join_divisions(Dim sum) {
  constexpr size_t kMostTerms = 16;
  const std::vector<Term> terms = Expression::terms_of(sum);
  if (terms.size() < 2 || terms.size() > kMostTerms) return sum;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (auto joined = joined_division(terms, i)) return *joined;
  }
  return sum;
}

}  // namespace

Dim operator+(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return constant_or_unknown(checked_add(a.value_, b.value_));
  if (a.is_constant() && a.value_ == 0) return b;
  if (b.is_constant() && b.value_ == 0) return a;
  return fold_unknown_or(a, b, [](const Dim& x, const Dim& y) {
    std::vector<Term> terms = Expression::terms_of(x);
    for (Term& term : Expression::terms_of(y)) terms.push_back(std::move(term));
    return join_divisions(join_extremes(Expression::make(std::move(terms))));
  });
}

Dim operator-(const Dim& a, const Dim& b) { return a + Dim(-1) * b; }

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return constant_or_unknown(checked_multiply(a.value_, b.value_));
  if (a.is_constant() && a.value_ == 1) return b;
  if (b.is_constant() && b.value_ == 1) return a;
  return fold_unknown_or(a, b, [](const Dim& x, const Dim& y) {
    return multiply_terms(Expression::terms_of(x), Expression::terms_of(y));
  });
}

Dim floor_div(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return constant_or_unknown(floor_divide(a.value_, b.value_));
  return fold_unknown_or(a, b, [](const Dim& x, const Dim& y) {
    if (y.is_constant()) return y.value() == 0 ? Dim() : floor_div_by_constant(x, y.value());
    if (const auto exact = divide_exactly(x, y)) return *exact;
    return Expression::of_atom(Atom::Kind::floor_div, {}, {x, y});
  });
}

Dim mod(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return constant_or_unknown(floor_modulo(a.value_, b.value_));
  return fold_unknown_or(a, b, [](const Dim& x, const Dim& y) {
    if (y.is_constant()) return y.value() == 0 ? Dim() : mod_by_constant(x, y.value());
    if (divide_exactly(x, y)) return Dim(0);
    return Expression::of_atom(Atom::Kind::mod, {}, {x, y});
  });
}

Dim min(const Dim& a, const Dim& b) {
  return fold_unknown_or(a, b, [](const Dim& x, const Dim& y) { return extremum(Atom::Kind::min, x, y); });
}

Dim max(const Dim& a, const Dim& b) {
  return fold_unknown_or(a, b, [](const Dim& x, const Dim& y) { return extremum(Atom::Kind::max, x, y); });
}

}  // namespace onnxport::ir
