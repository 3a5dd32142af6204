// Size expressions: whatever is read must print as what reads back the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/capture/exported_program/symbolic.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto dim = onnxport::parse_symbolic(text);
  if (!dim || dim->is_unknown()) return 0;
  // Of longer sums, not every pair of terms is looked at: their form goes by the order in which they were added.
  constexpr std::ptrdiff_t kMostTerms = 16;
  const std::string text_of_it = dim->text();
  if (std::count_if(text_of_it.begin(), text_of_it.end(), [](char c) { return c == '+' || c == '-'; }) >=
      kMostTerms)
    return 0;
  const auto again = onnxport::ir::Dim::parse(dim->text());
  if (!again || !(*again == *dim)) {
    std::fprintf(stderr, "'%s' reads back as '%s'\n", dim->text().c_str(),
                 again ? again->text().c_str() : "nothing");
    std::abort();
  }
  return 0;
}
