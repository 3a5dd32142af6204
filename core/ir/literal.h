// How numbers and strings read in the graph's text form.
#pragma once

#include <string>
#include <string_view>

namespace onnxport::ir {

// In double quotes; quotes, backslashes, line ends and other control bytes escaped (\n, \t, \xHH).
std::string quote(std::string_view text);
// The shortest text that reads back as the same number and as a real: "1.0", "1e-05", "inf". NaN is "nan".
std::string real_literal(double value);
std::string real_literal(float value);
// Words that need no quotes: a letter or '_', then letters, digits and "_.-/:".
bool is_plain_word(std::string_view text);

}  // namespace onnxport::ir
