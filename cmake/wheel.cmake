# The Python package with the library inside: build/<preset>/wheel/*.whl
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  add_custom_target(wheel
    COMMAND ${CMAKE_COMMAND} -E env POLYGRAPHY_LIBRARY=$<TARGET_FILE:polygraphy_shared>
            ${Python3_EXECUTABLE} -m pip --quiet --disable-pip-version-check wheel --no-deps --no-index
            --wheel-dir ${CMAKE_BINARY_DIR}/wheel ${CMAKE_SOURCE_DIR}/python
    DEPENDS polygraphy_shared VERBATIM)
endif()
