#include "core/ir/dims/expression.h"

#include <algorithm>
#include <cctype>

namespace onnxport::ir {

namespace {

// Past these a size says nothing to anybody and costs at every step: it becomes unknown, read at run time.
constexpr size_t kMaxTerms = 128;
constexpr size_t kMaxDegree = 32;
constexpr size_t kMaxText = 2048;

bool is_plain_name(std::string_view name) {
  if (name.starts_with('?')) name.remove_prefix(1);
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0) return false;
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.'; });
}

std::string symbol_text(const std::string& name) {
  // "?0" is what we call anonymous sizes; everything else that could read as something else is quoted.
  const bool numbered =
      name.size() > 1 && name[0] == '?' &&
      std::all_of(name.begin() + 1, name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (numbered || is_plain_name(name)) return name;
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string atom_text(Atom::Kind kind, const std::string& name, const std::vector<Dim>& arguments) {
  static constexpr const char* functions[] = {"", "floor_div", "mod", "min", "max"};
  if (kind == Atom::Kind::symbol) return symbol_text(name);
  std::string out = std::string(functions[static_cast<int>(kind)]) + '(';
  for (size_t i = 0; i < arguments.size(); ++i) out += (i == 0 ? "" : ",") + arguments[i].text();
  return out + ')';
}

std::string terms_text(const std::vector<Term>& terms) {
  std::string out;
  for (const Term& term : terms) {
    if (term.coefficient < 0) {
      out += '-';
    } else if (!out.empty()) {
      out += '+';
    }
    std::string magnitude = std::to_string(term.coefficient);
    if (term.coefficient < 0) magnitude.erase(0, 1);
    const bool show = term.atoms.empty() || magnitude != "1";
    if (show) out += magnitude;
    for (size_t i = 0; i < term.atoms.size(); ++i) out += (show || i > 0 ? "*" : "") + term.atoms[i]->text;
  }
  return out;
}

// The atoms of a without those of b (both sorted); nullopt when b has one that a has not.
std::optional<std::vector<AtomPointer>> remove_atoms(const std::vector<AtomPointer>& a,
                                                     const std::vector<AtomPointer>& b) {
  std::vector<AtomPointer> out;
  size_t k = 0;
  for (const AtomPointer& atom : a) {
    if (k < b.size() && b[k]->text == atom->text) {
      ++k;
    } else {
      out.push_back(atom);
    }
  }
  return k == b.size() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

Expression::Expression(std::vector<Term> terms) : terms_(std::move(terms)), text_(terms_text(terms_)) {}

const Atom* Expression::bare_atom() const {
  const bool bare = terms_.size() == 1 && terms_[0].coefficient == 1 && terms_[0].atoms.size() == 1;
  return bare ? terms_[0].atoms[0].get() : nullptr;
}

std::vector<Term> Expression::terms_of(const Dim& dim) {
  if (dim.is_expression()) return dim.expression_->terms();
  if (dim.is_constant() && dim.value() != 0) return {Term{dim.value(), {}}};
  return {};
}

int compare_products(const Term& a, const Term& b) {
  if (a.atoms.size() != b.atoms.size()) return a.atoms.size() > b.atoms.size() ? -1 : 1;
  for (size_t i = 0; i < a.atoms.size(); ++i) {
    if (const int order = a.atoms[i]->text.compare(b.atoms[i]->text); order != 0) return order;
  }
  return 0;
}

Dim Expression::make(std::vector<Term> terms) {
  std::stable_sort(terms.begin(), terms.end(),
                   [](const Term& a, const Term& b) { return compare_products(a, b) < 0; });
  std::vector<Term> merged;
  for (Term& term : terms) {
    if (!merged.empty() && compare_products(merged.back(), term) == 0) {
      int64_t& into = merged.back().coefficient;
      if (__builtin_add_overflow(into, term.coefficient, &into)) return Dim();
    } else {
      if (!merged.empty() && merged.back().coefficient == 0) merged.pop_back();
      merged.push_back(std::move(term));
    }
  }
  if (!merged.empty() && merged.back().coefficient == 0) merged.pop_back();
  if (merged.empty()) return Dim(0);
  if (merged.size() == 1 && merged[0].atoms.empty()) return Dim(merged[0].coefficient);
  if (merged.size() > kMaxTerms || merged[0].atoms.size() > kMaxDegree) return Dim();
  auto expression = std::make_shared<const Expression>(std::move(merged));
  return expression->text().size() > kMaxText ? Dim() : Dim(std::move(expression));
}

Dim Expression::of_atom(Atom::Kind kind, std::string name, std::vector<Dim> arguments) {
  auto atom = std::make_shared<Atom>();
  atom->text = atom_text(kind, name, arguments);
  atom->kind = kind;
  atom->name = std::move(name);
  atom->arguments = std::move(arguments);
  std::vector<Term> terms(1);
  terms[0].coefficient = 1;
  terms[0].atoms.push_back(std::move(atom));
  return make(std::move(terms));
}

// Long division: the graded order makes the leading product of q*b the product of the leading ones.
std::optional<Dim> divide_exactly(const Dim& a, const Dim& b) {
  const std::vector<Term> divisor = Expression::terms_of(b);
  if (divisor.empty()) return std::nullopt;
  Dim rest = a;
  Dim quotient = 0;
  for (size_t step = 0; step <= kMaxTerms; ++step) {
    if (rest.is_unknown() || quotient.is_unknown()) return std::nullopt;
    const std::vector<Term> left = Expression::terms_of(rest);
    if (left.empty()) return quotient;
    if (divisor[0].coefficient == -1 && left[0].coefficient == INT64_MIN) return std::nullopt;
    if (left[0].coefficient % divisor[0].coefficient != 0) return std::nullopt;
    auto atoms = remove_atoms(left[0].atoms, divisor[0].atoms);
    if (!atoms) return std::nullopt;
    std::vector<Term> one;
    one.push_back({left[0].coefficient / divisor[0].coefficient, std::move(*atoms)});
    const Dim part = Expression::make(std::move(one));
    quotient = quotient + part;
    rest = rest - part * b;
  }
  return std::nullopt;
}

}  // namespace onnxport::ir
