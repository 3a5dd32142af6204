# other_sdk.cmake FROM TO: the SDK headers as another version of the wrapper would be: the same names, other layouts.
file(COPY ${FROM}/ DESTINATION ${TO})
foreach(header plugin.hpp builder.hpp value.hpp)
  file(READ ${TO}/onnxport/${header} text)
  string(REPLACE "struct HostApi {\n" "struct HostApi {\n  const void* of_another_version[5] = {};\n" text "${text}")
  string(REPLACE "class Plugin {\n public:\n" "class Plugin {\n  double of_another_version_[3] = {};\n\n public:\n" text "${text}")
  string(REPLACE "  std::string torch_op;\n" "  int of_another_version = 7;\n  std::string torch_op;\n" text "${text}")
  file(WRITE ${TO}/onnxport/${header} "${text}")
endforeach()
