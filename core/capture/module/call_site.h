// Where in the user's C++ a call comes from.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace onnxport {

// The return addresses of this thread, innermost first.
std::vector<void*> frames_of_here();

// Turns frames into "net.cpp:23", by the debug information of the running program (libdw), else into the name of the function.
class CallSites {
 public:
  CallSites();
  ~CallSites();
  CallSites(const CallSites&) = delete;
  CallSites& operator=(const CallSites&) = delete;

  // Of the innermost frame that is neither libtorch's nor ours nor of a header of theirs; empty when nothing is known.
  std::string find(const std::vector<void*>& frames);

 private:
  std::string look_up(void* frame);

  struct Modules;
  std::unique_ptr<Modules> modules_;
  std::map<void*, std::string> known_;
};

}  // namespace onnxport
