// What libtorch warns of while it works for us: kept, instead of printed among what this program says.
#pragma once

#include <c10/util/Exception.h>

#include <string>
#include <vector>

namespace onnxport {

// Of this thread, while it lives.
class CollectedWarnings {
 public:
  const std::vector<std::string>& texts() const { return handler_.texts; }

 private:
  struct Handler final : c10::WarningHandler {
    void process(const c10::Warning& warning) override { texts.push_back(warning.msg()); }
    std::vector<std::string> texts;
  };
  Handler handler_;
  c10::WarningUtils::WarningHandlerGuard guard_{&handler_};
};

}  // namespace onnxport
