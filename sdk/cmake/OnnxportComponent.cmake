# A component is a folder below core/: one object library that says which other components and which libraries of other
# people it uses. It is compiled with the headers of those alone, CMake refuses a circle of USES, and the test `layout`
# (tests/layout/check_layout.py) refuses an #include of anything that is not declared.

# Every component: neighbours by path ("core/ir/graph.h") and the public headers.
add_library(onnxport_component_usage INTERFACE)
target_include_directories(onnxport_component_usage INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/core/include)
target_compile_definitions(onnxport_component_usage INTERFACE ONNXPORT_VERSION="${PROJECT_VERSION}")
target_link_libraries(onnxport_component_usage INTERFACE onnxport_flags)

set_property(GLOBAL PROPERTY onnxport_components)
set_property(GLOBAL PROPERTY onnxport_component_paths)

# onnxport_component(<path below core> [VISIBLE] [USES components...] [LIBRARIES targets...] [EXPOSES targets...]
#                    [NESTED folders...])
#   USES: the components whose headers it includes, by their paths.
#   LIBRARIES: other people's targets that it includes; EXPOSES: those that its own headers include, so that whoever uses
#   it sees them too.
#   VISIBLE: its symbols are exported, because libonnxport_torch shares them with libonnxport.
#   NESTED: subfolders that are components of their own.
#   The target is component_<path, with _ for />.
function(onnxport_component path)
  cmake_parse_arguments(ARG "VISIBLE" "" "USES;LIBRARIES;EXPOSES;NESTED" ${ARGN})
  string(REPLACE "/" "_" name ${path})
  set(target component_${name})
  set(dir ${PROJECT_SOURCE_DIR}/core/${path})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)
  foreach(nested ${ARG_NESTED})
    list(FILTER sources EXCLUDE REGEX "^${dir}/${nested}/")
  endforeach()
  add_library(${target} OBJECT ${sources})
  target_link_libraries(${target} PUBLIC onnxport_component_usage ${ARG_EXPOSES} PRIVATE ${ARG_LIBRARIES})
  foreach(used ${ARG_USES})
    string(REPLACE "/" "_" used ${used})
    target_link_libraries(${target} PUBLIC component_${used})
  endforeach()
  if(ARG_VISIBLE)
    set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF)
  endif()
  set_property(GLOBAL APPEND PROPERTY onnxport_component_paths ${path})
  onnxport_record_component(${path} "${ARG_USES}" "${ARG_EXPOSES};${ARG_LIBRARIES}")
  set_property(GLOBAL PROPERTY onnxport_libraries_of_${path} ${ARG_EXPOSES} ${ARG_LIBRARIES})
endfunction()

# onnxport_record_component(<path> <uses> <libraries>): for the test of the layout.
function(onnxport_record_component path uses libraries)
  set(lists)
  foreach(list uses libraries)
    set(items)
    foreach(item ${${list}})
      list(APPEND items "\"${item}\"")
    endforeach()
    list(JOIN items ", " items)
    list(APPEND lists "\"${list}\": [${items}]")
  endforeach()
  list(JOIN lists ", " lists)
  set_property(GLOBAL APPEND PROPERTY onnxport_components "    \"${path}\": {${lists}}")
endfunction()

# onnxport_write_components(<file>): what was declared, as JSON.
function(onnxport_write_components file)
  get_property(components GLOBAL PROPERTY onnxport_components)
  list(JOIN components ",\n" components)
  get_property(headers GLOBAL PROPERTY onnxport_library_headers)
  list(JOIN headers ",\n" headers)
  file(CONFIGURE OUTPUT ${file} @ONLY CONTENT
       "{\n  \"components\": {\n@components@\n  },\n  \"headers\": {\n@headers@\n  }\n}\n")
endfunction()

# onnxport_link_components(<target> <PUBLIC|PRIVATE> components...): their objects, and the libraries they are linked with.
function(onnxport_link_components target scope)
  foreach(path ${ARGN})
    string(REPLACE "/" "_" name ${path})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:component_${name}>)
    get_property(libraries GLOBAL PROPERTY onnxport_libraries_of_${path})
    target_link_libraries(${target} ${scope} ${libraries})
  endforeach()
  target_link_libraries(${target} ${scope} onnxport_component_usage Threads::Threads ${CMAKE_DL_LIBS})
endfunction()
