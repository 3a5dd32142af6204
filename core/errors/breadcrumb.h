// Who is running: what is told when a plugin takes the process down.
#pragma once

#include <cstdint>
#include <string_view>

namespace onnxport {

// While one exists, code of a plugin runs in this thread. What it is given must outlive it. Crumbs nest.
// The first one of the process also sees to it that exit() inside a plugin does not end with status 0: it becomes
// the status of `code`'s family, after a line on stderr.
class Breadcrumb {
 public:
  // "com.acme.ops", "1.4.0", "acme::swish" (or "while its library is opened").
  Breadcrumb(std::string_view plugin, std::string_view version, std::string_view work, std::string_view code);
  ~Breadcrumb();
  Breadcrumb(const Breadcrumb&) = delete;
  Breadcrumb& operator=(const Breadcrumb&) = delete;

  // Writes "plugin com.acme.ops 1.4.0 (acme::swish)" to the descriptor, by write() alone.
  void write_to(int descriptor) const;
  std::string_view code() const { return code_; }

  // The innermost of this thread, or null.
  static const Breadcrumb* of_this_thread();
  // Of one of those that run a plugin now, or null.
  static const Breadcrumb* of_any_thread();
  // One line for each thread that runs a plugin, to be called from a signal handler.
  static void write_all(int descriptor, std::string_view prefix);

 private:
  std::string_view plugin_, version_, work_, code_;
  const Breadcrumb* outer_;
  uint32_t slot_;
};

}  // namespace onnxport
