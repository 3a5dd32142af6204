// A file descriptor that is closed when it goes out of scope.
#pragma once

#include <unistd.h>

namespace onnxport {

struct Descriptor {
  explicit Descriptor(int number) : fd(number) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  const int fd;
};

}  // namespace onnxport
