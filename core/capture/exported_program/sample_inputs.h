// The arguments a program was exported with, as it keeps them for its users: values to verify its export with.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/capture/exported_program/json.h"
#include "core/capture/exported_program/program_archive.h"
#include "core/ir/graph.h"
#include "core/ir/tensor.h"

namespace onnxport {

struct SampleInput {
  std::string name;  // of the captured graph's input: "past.0.1"
  ir::Tensor value;  // a number is a tensor without dims: i64, f32 or bool
};

// In the order of the program's inputs; `program` is the archive's. nullopt when the archive has none or they
// are not read (an object among them, a damaged record); `why` then says so. Throws Error I102, I116, I118.
std::optional<std::vector<SampleInput>> sample_inputs(const ProgramArchive& archive, const Json& program,
                                                      std::string& why);

// What the program in `file` gives for the inputs of `captured`, its graph: parallel to them, empty for each
// one that has no sample. All are empty when one of them has another type or another size than its input has
// at the examples of the graph's symbols (one that was renamed to a number, or that the user gave another
// example), or when the program has no samples that can be read. Throws Error I101, I102, I103, I116, I118.
std::vector<std::optional<ir::Tensor>> sample_inputs_of(const std::filesystem::path& file,
                                                        const ir::Graph& captured);

}  // namespace onnxport
