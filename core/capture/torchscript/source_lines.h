// From a place in an archive's code to the user's Python: "model.py:42".
#pragma once

#include <map>
#include <string>
#include <vector>

namespace torch::jit {
struct SourceRange;
}

namespace onnxport {

class Archive;

class SourceLines {
 public:
  explicit SourceLines(const Archive& archive) : archive_(archive) {}
  // Empty when the archive does not say. The view lives as long as this object.
  const std::string& locate(const torch::jit::SourceRange& range) {
    return locate(range_file(range), range_start(range));
  }
  // `file`: a record ("code/__torch__.py"); `offset`: bytes from its start.
  const std::string& locate(const std::string& file, size_t offset);

 private:
  // What a stretch of code, from `offset` to the next entry, was made from.
  struct Entry {
    size_t offset = 0;
    std::string place;
  };
  static std::string range_file(const torch::jit::SourceRange& range);
  static size_t range_start(const torch::jit::SourceRange& range);
  std::vector<Entry> read(const std::string& record) const;

  const Archive& archive_;
  std::map<std::string, std::vector<Entry>, std::less<>> files_;
  std::string nowhere_;
};

}  // namespace onnxport
