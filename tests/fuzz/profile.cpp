// Any bytes as a profile.
#include <cstddef>
#include <cstdint>

#include "core/ir/utf8.h"
#include "core/profile/settings.h"
#include "fuzz/refusals.h"
#include "fuzz/yaml_mutator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace onnxport;
  try {
    const ProfileText read = parse_profile({reinterpret_cast<const char*>(data), size}, "/configs/fuzz.yaml");
    for (const Setting& setting : read.settings) {
      if (setting.key.empty() || !ir::is_utf8(text_of(setting.value)))
        fuzz::stop("a setting that has no text");
      if (setting.origin.line < 1) fuzz::stop("a setting without a place: " + setting.key);
    }
  } catch (const Error& e) {
    fuzz::check_refusal(e, "F");
  }
  return 0;
}
