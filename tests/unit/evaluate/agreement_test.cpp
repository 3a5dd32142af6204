// The two readings of the evaluator agree: sizes that are numbers give what numbers give, and what symbols
// give is, once they are replaced by their values, what these give.
#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <random>

#include "core/evaluate/elements.h"
#include "core/evaluate/evaluate.h"
#include "core/evaluate/rules.h"

namespace onnxport {
namespace {

using ir::DType;
using ir::Tensor;
using V = std::vector<int64_t>;

// One node on random operands. `values` are the operands that may hold symbols; the others say which elements
// are meant, and stay numbers.
struct Case {
  std::vector<std::optional<Tensor>> inputs;
  std::vector<ir::Attribute> attributes;
  std::vector<bool> values;
  size_t outputs = 1;
};

class Random {
 public:
  Random(ir::Graph& graph, uint64_t seed) : graph_(graph), engine_(seed) {}

  int64_t in(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine_); }
  bool one_in(int64_t n) { return in(1, n) == 1; }
  V dims(int64_t most_rank = 3) {
    V out(static_cast<size_t>(in(0, most_rank)));
    for (int64_t& dim : out) dim = in(1, 3);
    return out;
  }
  // That broadcast to those of `dims`.
  V narrower(const V& dims) {
    V out(dims.begin() + in(0, static_cast<int64_t>(dims.size())), dims.end());
    for (int64_t& dim : out) dim = one_in(3) ? 1 : dim;
    return out;
  }
  Tensor ints(const V& dims, int64_t low, int64_t high, DType dtype = DType::i64) {
    V values(static_cast<size_t>(std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>())));
    for (int64_t& v : values) v = in(low, high);
    return *from_ints(dtype, dims, values);
  }
  Tensor bools(const V& dims) { return ints(dims, 0, 1, DType::boolean); }
  DType integer_type() { return one_in(4) ? DType::i32 : DType::i64; }
  ir::Attribute attribute(const char* name, ir::AttributeValue value) {
    return {graph_.intern(name), std::move(value)};
  }
  V order(size_t rank) {
    V out(rank);
    std::iota(out.begin(), out.end(), 0);
    std::shuffle(out.begin(), out.end(), engine_);
    return out;
  }
  // An axis of a rank, from either end.
  int64_t axis(size_t rank) { return in(-static_cast<int64_t>(rank), static_cast<int64_t>(rank) - 1); }

 private:
  ir::Graph& graph_;
  std::mt19937_64 engine_;
};

using Make = std::function<Case(Random&)>;

Case binary(Random& r, DType dtype, int64_t low, int64_t high) {
  const V dims = r.dims();
  return {{r.ints(dims, low, high, dtype), r.ints(r.narrower(dims), low, high, dtype)}, {}, {true, true}};
}

Case unary(Random& r, DType dtype, int64_t low = -9, int64_t high = 20) {
  return {{r.ints(r.dims(), low, high, dtype)}, {}, {true}};
}

Case function_of_reals(Random& r) {
  const V dims = r.dims();
  std::vector<double> values(
      static_cast<size_t>(std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>())));
  for (double& v : values) v = static_cast<double>(r.in(0, 10)) / 10;
  return {{*from_reals(DType::f32, dims, values)}, {}, {false}};
}

Case variadic(Random& r) {
  const DType dtype = r.integer_type();
  const V dims = r.dims();
  Case out{{r.ints(dims, -9, 20, dtype)}, {}, {true}};
  for (int64_t more = r.in(0, 3); more > 0; --more) {
    out.inputs.push_back(r.ints(r.narrower(dims), -9, 20, dtype));
    out.values.push_back(true);
  }
  return out;
}

Case reduction(Random& r) {
  const V dims = r.dims();
  Case out{{r.ints(dims, -2, 2, r.integer_type())}, {}, {true, false}};  // no product leaves an int32
  if (!dims.empty() && !r.one_in(4)) out.inputs.push_back(Tensor::ints({r.axis(dims.size())}));
  if (r.one_in(2)) out.attributes.push_back(r.attribute("keepdims", r.in(0, 1)));
  if (r.one_in(4)) out.attributes.push_back(r.attribute("noop_with_empty_axes", int64_t{1}));
  return out;
}

void add_elementwise(std::map<std::string, Make>& out) {
  for (const char* op :
       {"Add", "Sub", "Mul", "Div", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"})
    out[op] = [](Random& r) {
      return r.one_in(2) ? binary(r, r.integer_type(), -9, 20) : binary(r, DType::i64, 1, 9);
    };
  out["Mod"] = [](Random& r) {
    Case made = r.one_in(2) ? binary(r, r.integer_type(), -9, 20) : binary(r, DType::i64, 1, 9);
    if (r.one_in(2)) made.attributes.push_back(r.attribute("fmod", r.in(0, 1)));
    return made;
  };
  out["Pow"] = [](Random& r) {
    Case made = binary(r, r.integer_type(), -3, 5);
    made.values[1] = false;
    return made;
  };
  for (const char* op : {"And", "Or", "Xor"})
    out[op] = [](Random& r) { return binary(r, DType::boolean, 0, 1); };
  out["Not"] = [](Random& r) { return unary(r, DType::boolean, 0, 1); };
  for (const char* op : {"Abs", "Neg", "Relu", "Sign"})
    out[op] = [](Random& r) { return unary(r, r.integer_type()); };
  for (const char* op : {"Max", "Min", "Sum"}) out[op] = variadic;
  for (const char* op : {"Acos", "Asin", "Atan", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor", "IsNaN", "Log",
                         "Reciprocal", "Round", "Sigmoid", "Sin", "Sinh", "Sqrt", "Tan", "Tanh"})
    out[op] = function_of_reals;
  out["Cast"] = [](Random& r) {
    Case made = unary(r, r.one_in(4) ? DType::boolean : r.integer_type(), 0, 20);
    const DType to = r.one_in(3) ? DType::boolean : r.integer_type();
    made.attributes.push_back(r.attribute("to", static_cast<int64_t>(to)));
    return made;
  };
  out["Clip"] = [](Random& r) {
    const DType dtype = r.integer_type();
    Case made{{r.ints(r.dims(), -9, 20, dtype), std::nullopt, std::nullopt}, {}, {true, true, true}};
    if (r.one_in(2)) made.inputs[1] = r.ints({}, -3, 5, dtype);
    if (r.one_in(2)) made.inputs[2] = r.ints({}, 5, 9, dtype);
    return made;
  };
}

Case reshaped(Random& r) {
  const Tensor x = r.ints({r.in(1, 3), r.in(1, 3), 2}, -9, 20);
  V target = x.dims();
  std::next_permutation(target.begin(), target.end());
  target[static_cast<size_t>(r.in(0, 2))] = r.one_in(2) ? -1 : 0;
  if (r.one_in(3)) target = {-1};
  return {{x, Tensor::ints(target)}, {}, {true, false}};
}

Case transposed(Random& r) {
  const V dims = r.dims();
  Case out{{r.ints(dims, -9, 20)}, {}, {true}};
  if (r.one_in(2)) out.attributes.push_back(r.attribute("perm", r.order(dims.size())));
  return out;
}

Case concatenated(Random& r) {
  V dims = r.dims(2);
  dims.push_back(2);
  const int64_t axis = r.axis(dims.size());
  Case out{{}, {r.attribute("axis", axis)}, {}};
  for (int64_t parts = r.in(1, 3); parts > 0; --parts) {
    V own = dims;
    own[static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(dims.size()) : axis)] = r.in(0, 3);
    out.inputs.push_back(r.ints(own, -9, 20));
    out.values.push_back(true);
  }
  return out;
}

Case split(Random& r) {
  const V sizes = {r.in(0, 2), r.in(0, 2), r.in(1, 2)};
  V dims = r.dims(1);
  dims.push_back(sizes[0] + sizes[1] + sizes[2]);
  Case out{{r.ints(dims, -9, 20)}, {r.attribute("axis", int64_t{-1})}, {true, false}, 3};
  if (r.one_in(2)) out.inputs.push_back(Tensor::ints(sizes));
  return out;
}

Case chosen(Random& r) {
  const V dims = r.dims();
  const DType dtype = r.integer_type();
  return {{r.bools(r.narrower(dims)), r.ints(dims, -9, 20, dtype), r.ints(r.narrower(dims), -9, 20, dtype)},
          {},
          {true, true, true}};
}

void add_movement(std::map<std::string, Make>& out) {
  out["Concat"] = concatenated;
  out["Expand"] = [](Random& r) {
    const V dims = r.dims();
    return Case{{r.ints(r.narrower(dims), -9, 20), Tensor::ints(dims)}, {}, {true, false}};
  };
  out["Flatten"] = [](Random& r) {
    Case made = unary(r, DType::i64);
    made.attributes.push_back(
        r.attribute("axis", r.in(0, static_cast<int64_t>(made.inputs[0]->dims().size()))));
    return made;
  };
  out["Identity"] = [](Random& r) { return unary(r, DType::i64); };
  out["Reshape"] = reshaped;
  out["Split"] = split;
  out["Squeeze"] = [](Random& r) {
    Case made{{r.ints({1, r.in(1, 2), 1}, -9, 20)}, {}, {true, false}};
    if (r.one_in(2)) made.inputs.push_back(Tensor::ints({r.one_in(2) ? 0 : -1}));
    return made;
  };
  out["Tile"] = [](Random& r) {
    const V dims = r.dims();
    return Case{{r.ints(dims, -9, 20), r.ints({static_cast<int64_t>(dims.size())}, 0, 3)}, {}, {true, false}};
  };
  out["Transpose"] = transposed;
  out["Unsqueeze"] = [](Random& r) {
    const V dims = r.dims();
    return Case{{r.ints(dims, -9, 20), Tensor::ints({r.axis(dims.size() + 1)})}, {}, {true, false}};
  };
  out["Where"] = chosen;
}

Case sliced(Random& r) {
  const V dims = {r.in(1, 4), r.in(1, 4)};
  Case out{
      {r.ints(dims, -9, 20), r.ints({1}, -6, 6), r.ints({1}, -6, 6)}, {}, {true, false, false, false, false}};
  if (r.one_in(2)) {
    out.inputs.push_back(Tensor::ints({r.axis(2)}));
    if (r.one_in(2)) out.inputs.push_back(Tensor::ints({r.one_in(2) ? -r.in(1, 2) : r.in(1, 2)}));
  }
  return out;
}

void add_others(std::map<std::string, Make>& out) {
  out["Gather"] = [](Random& r) {
    const V dims = {r.in(1, 3), r.in(2, 4)};
    return Case{
        {r.ints(dims, -9, 20), r.ints(r.dims(2), -2, 1)}, {r.attribute("axis", int64_t{1})}, {true, false}};
  };
  out["Pad"] = [](Random& r) {
    const V dims = {r.in(1, 3), r.in(0, 3)};
    Case made{{r.ints(dims, -9, 20), r.ints({4}, 0, 2)}, {}, {true, false, true}};
    if (r.one_in(2)) made.inputs.push_back(r.ints({}, -9, 20));
    return made;
  };
  out["Slice"] = sliced;
  out["Trilu"] = [](Random& r) {
    Case made{{r.ints({r.in(1, 2), r.in(1, 3), r.in(1, 3)}, -9, 20), r.ints({}, -3, 3)}, {}, {true, false}};
    if (r.one_in(2)) made.attributes.push_back(r.attribute("upper", r.in(0, 1)));
    return made;
  };
  for (const char* op : {"ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceMean"})
    out[op] = reduction;
  out["CumSum"] = [](Random& r) {
    const V dims = {r.in(1, 3), r.in(1, 4)};
    return Case{{r.ints(dims, -9, 20), r.ints({}, -2, 1)},
                {r.attribute("exclusive", r.in(0, 1)), r.attribute("reverse", r.in(0, 1))},
                {true, false}};
  };
  out["Constant"] = [](Random& r) { return Case{{}, {r.attribute("value_int", r.in(-9, 20))}, {}}; };
  out["ConstantOfShape"] = [](Random& r) {
    return Case{{Tensor::ints(r.dims())}, {r.attribute("value", r.ints({1}, -9, 20))}, {false}};
  };
  out["Range"] = [](Random& r) {
    const int64_t step = r.one_in(2) ? r.in(1, 3) : -r.in(1, 3);
    return Case{{r.ints({}, -3, 9), r.ints({}, -3, 9), Tensor::scalar(step)}, {}, {false, false, false}};
  };
  out["Shape"] = [](Random& r) {
    Case made = unary(r, DType::i64);
    if (r.one_in(2)) made.attributes.push_back(r.attribute("start", r.in(-3, 3)));
    return made;
  };
  out["Size"] = [](Random& r) { return unary(r, DType::i64); };
}

const std::map<std::string, Make>& cases() {
  static const std::map<std::string, Make> all = [] {
    std::map<std::string, Make> out;
    add_elementwise(out);
    add_movement(out);
    add_others(out);
    return out;
  }();
  return all;
}

std::vector<std::string> operators() {
  std::vector<std::string> out;
  for (const auto table :
       {source_rules, elementwise_rules, movement_rules, indexing_rules, reduction_rules}) {
    for (const auto& [op, rule] : table()) out.emplace_back(op);
  }
  std::sort(out.begin(), out.end());
  return out;
}

constexpr uint64_t kPlenty = 1u << 16;

std::optional<std::vector<Tensor>> by_numbers(const std::string& op, const Case& c) {
  std::vector<const Tensor*> inputs;
  for (const auto& input : c.inputs) inputs.push_back(input ? &*input : nullptr);
  return evaluate_constant(op, inputs, c.attributes, 23, c.outputs, kPlenty);
}

struct Symbols {
  ir::SymbolTable table;
  std::map<std::string, int64_t, std::less<>> values;

  // A symbol of this value, about which as much is known as chance says.
  ir::Dim of(int64_t value, Random& random) {
    const std::string name = "s" + std::to_string(values.size());
    values[name] = value;
    table[name] = {value - random.in(0, 2), std::nullopt, std::nullopt};
    if (random.one_in(2)) table[name].max = value + random.in(0, 2);
    return ir::Dim::symbol(name);
  }
};

// The operand as sizes; some elements of those that may are symbols.
Array as_sizes(const Tensor& tensor, bool may, Symbols* symbols, Random& random) {
  std::vector<ir::Dim> sizes;
  const std::vector<int64_t> values = *tensor.to_ints();
  for (const int64_t value : values) {
    const bool named = symbols != nullptr && may && tensor.dtype() != DType::boolean && random.one_in(2);
    const bool open = symbols != nullptr && may && !named && random.one_in(12);
    sizes.push_back(open ? ir::Dim() : named ? symbols->of(value, random) : ir::Dim(value));
  }
  return {tensor.dtype(), tensor.dims(), std::move(sizes)};
}

std::optional<std::vector<Array>> by_sizes(const std::string& op, const Case& c, Symbols* symbols,
                                           const std::vector<ir::Type>& types, Random& random) {
  std::vector<SizeOperand> operands;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    SizeOperand& operand = operands.emplace_back();
    if (!c.inputs[i]) continue;
    operand.is_given = true;
    const Tensor& tensor = *c.inputs[i];
    operand.elements.emplace(tensor.to_ints() ? as_sizes(tensor, c.values[i], symbols, random)
                                              : Array(tensor));
  }
  // Range reads numbers; a caller whose sizes all are numbers says so.
  if (op == "Range") {
    for (size_t i = 0; i < operands.size(); ++i) operands[i].elements.emplace(*c.inputs[i]);
  }
  static const ir::SymbolTable none;
  const ir::DimComparison order(symbols == nullptr ? none : symbols->table);
  return evaluate_sizes(op, operands, c.attributes, 23, types, order, kPlenty / 8);
}

// How many elements are known; each must be the number it stands for.
int64_t expect_agreement(const Tensor& numbers, const Array& sizes, const Symbols* symbols) {
  EXPECT_EQ(sizes.dims(), numbers.dims());
  EXPECT_EQ(sizes.dtype(), numbers.dtype());
  const auto expected = numbers.to_ints();
  if (!expected) {
    EXPECT_EQ(sizes.to_reals(), numbers.to_reals());
    return numbers.count();
  }
  const auto found = sizes.to_sizes();
  EXPECT_TRUE(found);
  if (!found || found->size() != expected->size()) return 0;
  int64_t known = 0;
  for (size_t i = 0; i < found->size(); ++i) {
    if ((*found)[i].is_unknown()) continue;
    ++known;
    const auto value = symbols == nullptr ? (*found)[i].evaluate({}) : (*found)[i].evaluate(symbols->values);
    EXPECT_EQ(value, (*expected)[i]) << "element " << i << ": " << (*found)[i].text();
  }
  return known;
}

TEST(Agreement, EveryOperatorHasCases) {
  for (const std::string& op : operators()) EXPECT_TRUE(cases().contains(op)) << op;
  EXPECT_EQ(cases().size(), operators().size());
}

struct Tally {
  int64_t evaluated = 0;  // cases that numbers have a result of
  int64_t known = 0;      // elements that are known although symbols went in
};

void expect_agreement_of(const std::string& op, const Case& c, Random& random, Tally& tally) {
  const auto numbers = by_numbers(op, c);
  std::vector<ir::Type> types(c.outputs);
  for (size_t i = 0; numbers && i < types.size(); ++i) types[i] = (*numbers)[i].type();
  const auto constants = by_sizes(op, c, nullptr, types, random);
  Symbols symbols;
  const auto named = by_sizes(op, c, &symbols, types, random);
  if (!numbers) {  // what numbers do not give, sizes do not give either
    for (const Array& array : constants.value_or(std::vector<Array>{})) EXPECT_FALSE(array.to_ints());
    return;
  }
  ++tally.evaluated;
  ASSERT_TRUE(constants);
  for (size_t i = 0; i < c.outputs; ++i) {
    EXPECT_EQ(expect_agreement((*numbers)[i], (*constants)[i], nullptr), (*numbers)[i].count());
    if (named) tally.known += expect_agreement((*numbers)[i], (*named)[i], &symbols);
  }
}

TEST(Agreement, NumbersAndSizesGiveTheSame) {
  constexpr int kCases = 150;
  const uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  ir::Graph graph(ir::Graph::Dialect::onnx);
  uint64_t next = seed;
  for (const auto& [op, make] : cases()) {
    Tally tally;
    for (int n = 0; n < kCases; ++n) {
      SCOPED_TRACE(op + ", seed " + std::to_string(++next));
      Random random(graph, next);
      expect_agreement_of(op, make(random), random, tally);
      if (HasFailure()) return;
    }
    // Sum is one of real numbers here, as ReduceMean is.
    const bool of_reals = op == "Sum" || op == "ReduceMean";
    EXPECT_TRUE(of_reals || tally.evaluated > kCases / 4) << op;
    EXPECT_TRUE(of_reals || tally.known > 0) << op;
  }
}

}  // namespace
}  // namespace onnxport
