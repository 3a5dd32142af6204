// Sums of products, as torch's equations and ONNX's Einsum say them.
#pragma once

#include <algorithm>

#include "axes.hpp"

namespace onnxport::aten {

// The operands' part of an equation, one term each: "ij,jk->ik" has ij and jk.
inline std::vector<std::string> terms_of(const std::string& equation) {
  std::vector<std::string> terms(1);
  for (char c : equation.substr(0, equation.find("->"))) {
    if (c == ',') {
      terms.emplace_back();
    } else {
      terms.back().push_back(c);
    }
  }
  return terms;
}

// An ellipsis may stand for fewer axes in one tensor than in another: ones in front make them alike.
inline Values align_ellipses(Op& op, Values tensors, const std::vector<std::string>& terms) {
  op.require(terms.size() == tensors.size(), "as many terms as tensors");
  std::vector<int64_t> covered(terms.size(), -1);
  for (size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].find("...") == std::string::npos) continue;
    covered[i] = tensors[i].rank() - (static_cast<int64_t>(terms[i].size()) - 3);
  }
  const int64_t most = *std::max_element(covered.begin(), covered.end());
  for (size_t i = 0; i < terms.size(); ++i) {
    std::vector<int64_t> ones;
    const auto at = static_cast<int64_t>(terms[i].find("..."));
    for (int64_t k = 0; covered[i] >= 0 && k < most - covered[i]; ++k) ones.push_back(at + k);
    tensors[i] = op.unsqueeze(tensors[i], ones);
  }
  return tensors;
}

// torch's einsum of tensors of one element type. Axes of an ellipsis that the result does not name are
// summed; runtimes want it to name them.
inline Value einstein_sum(Op& op, std::string equation, const Values& tensors) {
  equation.erase(std::remove(equation.begin(), equation.end(), ' '), equation.end());
  const Values alike = align_ellipses(op, tensors, terms_of(equation));
  const size_t result = equation.find("->");
  const bool summed = result != std::string::npos && equation.find("...") < result &&
                      equation.find("...", result) == std::string::npos;
  if (!summed) return op.Einsum(alike, {attr::equation(equation)});
  const auto kept = static_cast<int64_t>(equation.size() - result - 2);
  Value out = op.Einsum(alike, {attr::equation(equation.insert(result + 2, "..."))});
  if (out.rank() == kept) return out;  // it stands for none
  return op.ReduceSum(out, op.ints(all_axes(out.rank() - kept)), {attr::keepdims(0)});
}

}  // namespace onnxport::aten
