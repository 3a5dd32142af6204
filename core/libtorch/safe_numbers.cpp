#include "core/libtorch/safe_numbers.h"

#include <ATen/core/ivalue_inl.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <array>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string_view>

#include "core/libtorch/convert.h"

namespace onnxport {
namespace {

using torch::jit::Stack;

constexpr int64_t kLongestText = int64_t{1} << 20;
constexpr int64_t kLargestFactorial = 20;  // of the next one no integer holds the result

void check_division(int64_t a, int64_t b) {
  if (b == 0) throw std::runtime_error("ZeroDivisionError: integer division or modulo by zero");
  if (b == -1 && a == std::numeric_limits<int64_t>::min())
    throw std::runtime_error("OverflowError: the result of a division is no 64-bit integer");
}

// Of the operands of an operator, the last `count` of the stack.
void check_two_integers(Stack& stack) {
  const c10::IValue& a = stack[stack.size() - 2];
  const c10::IValue& b = stack[stack.size() - 1];
  if (a.isInt() && b.isInt()) check_division(a.toInt(), b.toInt());
}
void check_factorial(Stack& stack) {
  if (stack.back().toInt() > kLargestFactorial)
    throw std::runtime_error("OverflowError: the factorial is no 64-bit integer");
}
template <size_t FromEnd>
void check_width(Stack& stack) {
  if (stack[stack.size() - FromEnd].toInt() > kLongestText)
    throw std::runtime_error("MemoryError: a text would become longer than a million characters");
}

struct Guard {
  std::string_view name;
  void (*check)(Stack&);
};

constexpr std::array<Guard, 13> kGuards{{{"aten::remainder.int", check_two_integers},
                                         {"aten::remainder", check_two_integers},
                                         {"aten::floordiv.int", check_two_integers},
                                         {"aten::floordiv", check_two_integers},
                                         {"aten::divmod.int", check_two_integers},
                                         {"aten::__round_to_zero_floordiv.int", check_two_integers},
                                         {"aten::gcd.int", check_two_integers},
                                         {"aten::factorial.int", check_factorial},
                                         {"aten::ljust", check_width<2>},
                                         {"aten::rjust", check_width<2>},
                                         {"aten::center", check_width<2>},
                                         {"aten::zfill", check_width<1>},
                                         {"aten::expandtabs", check_width<1>}}};

void guard(const Guard& with) {
  const std::string full(with.name);
  const c10::Symbol name = c10::Symbol::fromQualString(full.substr(0, full.find('.')));
  const auto candidates = torch::jit::getAllOperatorsFor(name);  // a copy: the registry changes below
  for (const std::shared_ptr<torch::jit::Operator>& op : candidates) {
    if (qualified_name(op->schema()) != full || op->isC10Op()) continue;
    torch::jit::deregisterOperator(op->schema());
    torch::jit::registerOperator(torch::jit::Operator(
        c10::toString(op->schema()),
        [op, check = with.check](Stack& stack) {
          check(stack);
          op->getOperation()(stack);
        },
        op->aliasAnalysisKind()));
  }
}

}  // namespace

void make_number_operators_safe() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (const Guard& g : kGuards) guard(g);
  });
}

}  // namespace onnxport
