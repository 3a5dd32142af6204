// Einsum is new in 12: before, two operands at a time are multiplied, as matrices where they have an axis in common that
// goes away.
#include <algorithm>
#include <map>

#include "rules.h"
#include "shared.h"

using namespace onnxport;

namespace {

using Labels = std::vector<int>;  // a letter, or an axis of the ellipsis: kEllipsis - its number from the end

constexpr int kEllipsis = -1;

struct Term {
  Value x;
  Labels labels;
};

bool has(const Labels& labels, int label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

// "a...b" of a value of that rank.
Labels labels_of(Node& node, const std::string& text, int64_t rank) {
  int64_t letters = 0;
  for (const char c : text) letters += c == '.' ? 0 : 1;
  Labels out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '.') {
      out.push_back(text[i]);
      continue;
    }
    for (int64_t left = rank - letters; left > 0; --left) out.push_back(kEllipsis - static_cast<int>(left));
    i += 2;
  }
  node.require(rank < 0 || static_cast<int64_t>(out.size()) == rank, "its equation does not fit the ranks");
  return out;
}

class Contraction {
 public:
  explicit Contraction(Node& node) : node_(node) {
    std::string equation;
    for (const char c : node.string("equation", "")) {
      if (c != ' ') equation += c;
    }
    const size_t arrow = equation.find("->");
    std::string left = equation.substr(0, arrow);
    for (size_t i = 0, start = 0; i <= left.size(); ++i) {
      if (i != left.size() && left[i] != ',') continue;
      const Value x = node.input(terms_.size());
      node.require(static_cast<bool>(x), "its equation has more operands than the node");
      terms_.push_back({x, labels_of(node, left.substr(start, i - start), x.rank())});
      start = i + 1;
    }
    arrow == std::string::npos ? implicit_output() : explicit_output(equation.substr(arrow + 2));
  }

  Value run() {
    for (Term& t : terms_) t = diagonal(t);
    Term so_far = terms_[0];
    for (size_t i = 1; i < terms_.size(); ++i) so_far = joined(so_far, terms_[i], i + 1);
    so_far = reduced(so_far, [&](int label) { return has(output_, label); });
    return ordered(so_far, output_).x;
  }

 private:
  std::map<int, int> counts() const {
    std::map<int, int> out;
    for (const Term& t : terms_) {
      for (const int label : t.labels) ++out[label];
    }
    return out;
  }

  // What the ellipsis stands for, then the letters that occur once.
  void implicit_output() {
    for (const auto& [label, count] : counts()) {
      if (label < 0 || count == 1) output_.push_back(label);
    }
  }

  void explicit_output(const std::string& text) {
    int64_t of_ellipsis = 0;
    for (const auto& [label, count] : counts()) of_ellipsis += label < 0 ? 1 : 0;
    const bool dots = text.find('.') != std::string::npos;
    const auto letters = static_cast<int64_t>(text.size()) - (dots ? 3 : 0);
    output_ = labels_of(node_, text, letters + (dots ? of_ellipsis : 0));
  }

  // A label twice in one operand: only the diagonal counts.
  Term diagonal(Term t) {
    for (size_t i = 0; i < t.labels.size(); ++i) {
      const auto again =
          std::find(t.labels.begin() + static_cast<std::ptrdiff_t>(i) + 1, t.labels.end(), t.labels[i]);
      if (again == t.labels.end()) continue;
      const int64_t axis = again - t.labels.begin();
      const Value count = node_.arange(node_.dim(t.x, static_cast<int64_t>(i)));
      std::vector<int64_t> behind;  // so that the mask broadcasts to the two axes
      for (int64_t k = 1; k < t.x.rank() - static_cast<int64_t>(i); ++k) behind.push_back(k);
      std::vector<int64_t> behind_again;
      for (int64_t k = 1; k < t.x.rank() - axis; ++k) behind_again.push_back(k);
      const Value mask = node_.equal(node_.unsqueeze(count, behind), node_.unsqueeze(count, behind_again));
      t.x = node_.reduce_sum(node_.where(mask, t.x, node_.like(t.x, 0)), {axis}, false);
      t.labels.erase(again);
      --i;
    }
    return t;
  }

  template <typename Kept>
  Term reduced(const Term& t, Kept kept) {
    std::vector<int64_t> axes;
    Term out{t.x, {}};
    for (size_t i = 0; i < t.labels.size(); ++i) {
      if (kept(t.labels[i])) {
        out.labels.push_back(t.labels[i]);
      } else {
        axes.push_back(static_cast<int64_t>(i));
      }
    }
    if (!axes.empty()) out.x = node_.reduce_sum(t.x, axes, false);
    return out;
  }

  // The axes in the order of `labels`; those that it lacks are added with size 1.
  Term ordered(const Term& t, const Labels& labels) {
    std::vector<int64_t> order, missing;
    for (size_t i = 0; i < labels.size(); ++i) {
      const auto at = std::find(t.labels.begin(), t.labels.end(), labels[i]);
      if (at == t.labels.end()) {
        missing.push_back(static_cast<int64_t>(i));
      } else {
        order.push_back(at - t.labels.begin());
      }
    }
    return {node_.unsqueeze(node_.permute(t.x, order), missing), labels};
  }

  // `next`: the first operand that is not yet joined.
  Term joined(const Term& first, const Term& second, size_t next) {
    const auto still_read = [&](int label) {
      if (has(output_, label)) return true;
      return std::any_of(terms_.begin() + static_cast<std::ptrdiff_t>(next), terms_.end(),
                         [&](const Term& t) { return has(t.labels, label); });
    };
    const Term a = reduced(first, [&](int l) { return still_read(l) || has(second.labels, l); });
    const Term b = reduced(second, [&](int l) { return still_read(l) || has(first.labels, l); });
    Labels batch, rows, columns, common;
    for (const int label : a.labels)
      (!has(b.labels, label) ? rows : still_read(label) ? batch : common).push_back(label);
    for (const int label : b.labels) {
      if (!has(a.labels, label)) columns.push_back(label);
    }
    Labels all = batch;
    all.insert(all.end(), rows.begin(), rows.end());
    all.insert(all.end(), columns.begin(), columns.end());
    if (common.empty()) return {ordered(a, all).x * ordered(b, all).x, all};
    return {product(a, b, batch, rows, columns, common), all};
  }

  Value product(const Term& a, const Term& b, const Labels& batch, const Labels& rows, const Labels& columns,
                const Labels& common) {
    const Value left = matrices(a, batch, rows, common), right = matrices(b, batch, common, columns);
    const Value out = node_.MatMul(left, right);
    if (rows.size() == 1 && columns.size() == 1) return out;
    Values dims;
    for (size_t i = 0; i < batch.size(); ++i) dims.push_back(node_.dim(out, static_cast<int64_t>(i)));
    for (const int label : rows) dims.push_back(size_of(a, label));
    for (const int label : columns) dims.push_back(size_of(b, label));
    return dims.empty() ? node_.scalar(out) : node_.reshape(out, dims);
  }

  Value size_of(const Term& t, int label) {
    return node_.dim(t.x, std::find(t.labels.begin(), t.labels.end(), label) - t.labels.begin());
  }

  // (batch…, first, second), where first and second are each one axis.
  Value matrices(const Term& t, const Labels& batch, const Labels& first, const Labels& second) {
    Labels all = batch;
    all.insert(all.end(), first.begin(), first.end());
    all.insert(all.end(), second.begin(), second.end());
    const Value x = ordered(t, all).x;
    if (first.size() == 1 && second.size() == 1) return x;
    Values dims;
    for (const int label : batch) dims.push_back(size_of(t, label));
    for (const Labels* group : {&first, &second}) {
      Value size = node_.constant(1);
      for (const int label : *group) size = size * size_of(t, label);
      dims.push_back(size);
    }
    return node_.reshape(x, dims);
  }

  Node& node_;
  std::vector<Term> terms_;
  Labels output_;
};

}  // namespace

Value einsum_to_11(Node& node) { return Contraction(node).run(); }
