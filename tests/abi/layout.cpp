// The same in C++.
extern "C" {
#include "layout.c"
}
