// The bytes of a model in memory, as a file that has no name: every reader maps it, and copies from it, like any other.
#pragma once

#include <filesystem>

#include "core/torch_interface/torch_interface.h"
#include "onnxport/session.h"

namespace onnxport {

struct Source::Bytes {
  Bytes(std::span<const std::byte> bytes, const std::string& name);
  ~Bytes();
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;

  // Where this process can open it, for as long as it lives.
  std::filesystem::path file() const;

  int descriptor = -1;
  bool is_exported_program = false;
  std::shared_ptr<const WeightsByName> weights;  // that are not in the file; null: none
};

// What the readers are given.
std::filesystem::path readable_file(const Source& source);
// `error`, which may speak of the readable file, about the source as its user named it.
Error in_words_of(const Source& source, const Error& error);

}  // namespace onnxport
