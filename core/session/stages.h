// The stages of an export: each timed, and announced before it starts.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onnxport/options.h"

namespace onnxport {

class Stages {
 public:
  explicit Stages(const Progress& progress) : progress_(progress) {}

  // Announces the stage at this fraction of the whole, runs it and notes how long it took.
  template <typename Work>
  void run(std::string_view name, double fraction, Work&& work) {
    if (progress_) progress_(name, fraction);
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    seconds_.emplace_back(std::string(name), took.count());
  }
  std::vector<std::pair<std::string, double>> take_seconds() { return std::move(seconds_); }

 private:
  const Progress& progress_;
  std::vector<std::pair<std::string, double>> seconds_;
};

}  // namespace onnxport
