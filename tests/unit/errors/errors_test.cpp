#include "onnxport/errors.h"

#include <gtest/gtest.h>

namespace onnxport {
namespace {

TEST(Errors, ExitStatusGoesByFamily) {
  int expected = 10;
  for (const char* code : {"M101", "L201", "A301", "C401", "T501", "O601", "S701", "V801", "I101"})
    EXPECT_EQ(exit_status(code), expected++) << code;
  EXPECT_EQ(exit_status(""), 1);
  EXPECT_EQ(exit_status("X101"), 1);
}

TEST(Errors, SayWhereWhatAndWhatToDo) {
  Location place;
  place.node = "aten::foo.Tensor";
  place.module_path = "encoder.layers.3";
  place.source = "model.py:42";
  const Diagnostic d{Severity::error, "T501", "operator aten::foo.Tensor is not mapped", place, "map it"};
  EXPECT_EQ(d.text(),
            "aten::foo.Tensor at encoder.layers.3 (model.py:42): error T501: operator aten::foo.Tensor is "
            "not mapped\n"
            "  -> map it");
  const Diagnostic in_file{Severity::warning, "M103", "unknown key", {"acme.yaml", 3, 5, "", "", ""}, ""};
  EXPECT_EQ(in_file.text(), "acme.yaml:3:5: warning M103: unknown key");
  EXPECT_EQ(Error(std::vector{d, in_file}).diagnostics().size(), 2u);
}

}  // namespace
}  // namespace onnxport
