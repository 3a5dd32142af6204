// Whole texts of errors, as tests/module/refusals.txt has them: one section per case, "[name]" and then what the user reads.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace onnxport::testing {

inline std::string folder_of_texts() { return std::string(ONNXPORT_SOURCE_DIR) + "/tests/module/"; }

inline std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream in(folder_of_texts() + file);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// "refusals_test.cpp:31" becomes "refusals_test.cpp:{loop}" where line 31 ends with "// {loop}": texts stay when lines move.
inline std::string with_markers(const std::string& text) {
  static const std::string file = "refusals_test.cpp";
  static const std::vector<std::string> source = lines_of(file);
  static const std::regex place(file + ":([0-9]+)"), marker("// (\\{.*\\})$");
  std::string out;
  auto from = text.begin();
  for (std::sregex_iterator at(text.begin(), text.end(), place), end; at != end; ++at) {
    const std::string& line = source.at(std::stoul((*at)[1]) - 1);
    std::smatch found;
    out.append(from, (*at)[0].first);
    out += file + ":" + (std::regex_search(line, found, marker) ? found[1].str() : (*at)[1].str());
    from = (*at)[0].second;
  }
  return out.append(from, text.end());
}

inline const std::map<std::string, std::string>& golden_texts() {
  static const std::map<std::string, std::string> texts = [] {
    std::map<std::string, std::string> out;
    std::string* text = nullptr;
    for (const std::string& line : lines_of("refusals.txt")) {
      if (line.starts_with('#') || line.empty()) continue;
      if (line.starts_with('[')) {
        text = &out[line.substr(1, line.size() - 2)];
        continue;
      }
      if (text != nullptr) *text += (text->empty() ? "" : "\n") + line;
    }
    return out;
  }();
  return texts;
}

// `said` is what refusals.txt has of the case, from the first letter to the last.
inline void expect_text(const std::string& name, const std::string& said) {
  const auto known = golden_texts().find(name);
  const std::string text = with_markers(said);
  EXPECT_EQ(text, known == golden_texts().end() ? "" : known->second)
      << "if it is better than before, tests/module/refusals.txt is to have:\n[" << name << "]\n"
      << text << "\n";
}

}  // namespace onnxport::testing
