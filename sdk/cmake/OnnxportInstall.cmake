# What cmake --install puts where, and the CMake package of it.
include(CMakePackageConfigHelpers)

install(TARGETS onnxport onnxport_sdk EXPORT onnxportTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS onnxport_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET onnxport_torch)
  install(TARGETS onnxport_torch EXPORT onnxportTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()

foreach(headers core/include/onnxport sdk/include/onnxport)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${headers})
    install(DIRECTORY ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  endif()
endforeach()

# Profiles, and what a plugin author starts from. The build tree has them at the same place.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/onnxport)
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/onnxport)
foreach(folder configs sdk)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${PROJECT_BINARY_DIR}/share/onnxport/${folder} SYMBOLIC)
endforeach()
install(DIRECTORY sdk DESTINATION ${CMAKE_INSTALL_DATADIR}/onnxport
        REGEX "/sdk/(include|cmake|python|CMakeLists\\.txt)$" EXCLUDE)
install(FILES LICENSE README.md CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN man EXCLUDE)
install(FILES docs/man/onnxport.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/onnxport)
install(EXPORT onnxportTargets NAMESPACE onnxport:: DESTINATION ${package_dir})
configure_package_config_file(sdk/cmake/onnxportConfig.cmake.in ${PROJECT_BINARY_DIR}/onnxportConfig.cmake
                              INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_BINDIR CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/onnxportConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/onnxportConfig.cmake ${PROJECT_BINARY_DIR}/onnxportConfigVersion.cmake
              sdk/cmake/OnnxportPluginProject.cmake sdk/cmake/OnnxportFillManifest.cmake
        DESTINATION ${package_dir})

# cpack: the same as a tarball.
set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_NAME onnxport)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_FILE_NAME onnxport-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
include(CPack)
