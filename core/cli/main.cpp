#include <cstdio>

#include "onnxport/version.h"

int main() { std::printf("onnxport %s\n", onnxport::version()); }
