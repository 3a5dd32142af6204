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
  for (const Claim* claim : {&a, &b}) {
    if (claim->failure) throw *claim->failure;
  }
  const Manifest& x = a.plugin->manifest();
  const Manifest& y = b.plugin->manifest();
  Location place;
  place.file = y.file.string();
  const bool is_opset = subject.starts_with("opset");
  std::string what(subject);
  if (!is_opset) what += " at opset " + std::to_string(opset);
  const auto overrides = [&](const Manifest& m, const Manifest& other) {
    return m.overrides_op(subject) || m.overrides_plugin(other.id);
  };
  const bool both = overrides(x, y) && overrides(y, x);
  std::string hint = "choose one: --prefer " + x.id + " or --prefer " + y.id;
  if (!both) {
    hint += "; or, for good, in the manifest that is to win: overrides: [" +
            (is_opset ? "ID of the other plugin" : std::string(subject)) + "]";
  }
  throw Error("C401",
              "two plugins supply " + what + ": " + x.id + " (" + x.file.string() + ") and " + y.id + " (" +
                  y.file.string() + ")" + (both ? ", and each overrides the other" : ""),
              place, std::move(hint));
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
