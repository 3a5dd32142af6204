#include "core/plugin/precedence.h"

#include <algorithm>

namespace onnxport {
namespace {

enum class Order { before, after, unsettled };

Order order_of(const Claim& a, const Claim& b, const std::vector<std::string>& prefer,
               std::string_view subject) {
  const auto preferred = [&](const Claim& c) {
    return std::find(prefer.begin(), prefer.end(), c.plugin->id()) - prefer.begin();
  };
  if (a.plugin != b.plugin) {
    if (preferred(a) != preferred(b)) return preferred(a) < preferred(b) ? Order::before : Order::after;
    const auto overrides = [&](const Claim& x, const Claim& y) {
      const Manifest& m = x.plugin->manifest();
      return m.overrides_op(subject) || m.overrides_plugin(y.plugin->id());
    };
    const bool over = overrides(a, b);
    const bool under = overrides(b, a);
    if (over != under) return over ? Order::before : Order::after;
  }
  if (a.exact != b.exact) return a.exact ? Order::before : Order::after;
  return Order::unsettled;
}

[[noreturn]] void conflict(const Claim& a, const Claim& b, std::string_view subject, int opset) {
  Location place;
  place.file = b.plugin->manifest().file.string();
  std::string what(subject);
  if (!subject.starts_with("opset")) what += " at opset " + std::to_string(opset);
  const std::string line = subject.starts_with("opset") ? a.plugin->id() : std::string(subject);
  throw Error("C401",
              "two plugins supply " + what + ": " + a.plugin->id() + " (" +
                  a.plugin->manifest().file.string() + ") and " + b.plugin->id() + " (" +
                  b.plugin->manifest().file.string() + ")",
              place,
              "settle it with `prefer: [" + b.plugin->id() + "]` in the config, or with `overrides: [" +
                  line + "]` in the manifest that is to win");
}

}  // namespace

std::vector<Claim> by_precedence(std::vector<Claim> claims, const std::vector<std::string>& prefer,
                                 std::string_view subject, int opset) {
  std::vector<Claim> out;
  while (!claims.empty()) {
    // The first that nothing left comes before. Overrides in a circle leave none: those are in conflict too.
    size_t best = claims.size();
    for (size_t i = 0; i < claims.size() && best == claims.size(); ++i) {
      bool beaten = false;
      for (size_t k = 0; k < claims.size(); ++k) {
        beaten = beaten || (k != i && order_of(claims[k], claims[i], prefer, subject) == Order::before);
      }
      if (!beaten) best = i;
    }
    if (best == claims.size()) conflict(claims[0], claims[1], subject, opset);
    for (size_t k = 0; k < claims.size(); ++k) {
      if (k != best && order_of(claims[best], claims[k], prefer, subject) == Order::unsettled) {
        conflict(claims[best], claims[k], subject, opset);
      }
    }
    out.push_back(std::move(claims[best]));
    claims.erase(claims.begin() + static_cast<std::ptrdiff_t>(best));
  }
  return out;
}

}  // namespace onnxport
