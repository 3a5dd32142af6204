// A call of an operator as an author writes it down to try it: "acme::swish(f32[n,4], beta=0.5)".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/ir/schema.h"

namespace onnxport {

// Arguments by the schema's names, as they are written: a tensor is its type ("f32[n,4]"), a list is in brackets, a text in
// quotes, an element type a word ("f16"), and None is None.
using WrittenArguments = std::map<std::string, std::string, std::less<>>;

struct WrittenCall {
  std::string op;
  std::vector<std::pair<std::string, std::string>> arguments;  // by name, or "" by place

  // Throws Error T552.
  static WrittenCall parse(std::string_view text);
  // Throws Error T552 for an argument that the schema has not, or has twice.
  WrittenArguments by_name(const ir::Schema& schema) const;
};

// "a, [b, c], 'd, e'" -> its parts, split where no bracket and no quote is open. Throws Error T552.
std::vector<std::string> split_written(std::string_view text);

}  // namespace onnxport
