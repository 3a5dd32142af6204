#include "rules.h"

using namespace onnxport;

namespace {

// c[0] * t^(n-1) + … + c[n-1].
Value polynomial(const Value& t, std::initializer_list<double> coefficients) {
  Value out;
  for (const double c : coefficients) out = out ? out * t + c : t * 0.0 + c;
  return out;
}

}  // namespace

// Erf is new in 9: a quotient of polynomials, exact to the last bits of single precision, which is how runtimes compute
// it. Beyond 4 it is 1.
Value erf_to_8(Node& node) {
  const Value given = node.input(0);
  if (given.dtype() == DType::f64) node.fail("Erf of doubles cannot be written below opset 9");
  const Value x = node.clip(node.cast(given, DType::f32), node.constant(-4.0, DType::f32),
                            node.constant(4.0, DType::f32));
  const Value t = x * x;
  const Value above = polynomial(
      t, {-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05,
          -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02});
  const Value below = polynomial(t, {-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03,
                                     -7.37332916720468e-03, -1.42647390514189e-02});
  return node.cast(x * above / below, given.dtype());
}
