# Writes OUT, a C file with the Python FILES of FOLDER: boot.py as text, the others as one image of
# "name size\n" lines, each followed by the file.
set(image "")
foreach(file ${FILES})
  file(READ ${FOLDER}/${file} hex HEX)
  if(file STREQUAL "boot.py")
    set(boot ${hex})
  else()
    string(LENGTH "${hex}" size)
    math(EXPR size "${size} / 2")
    string(HEX "${file} ${size}" head)
    string(APPEND image ${head} 0a ${hex})
  endif()
endforeach()
string(REGEX REPLACE "(..)" "0x\\1," image "${image}")
string(REGEX REPLACE "(..)" "0x\\1," boot "${boot}")
string(REGEX REPLACE "((0x..,){24})" "\\1\n" image "${image}")
string(REGEX REPLACE "((0x..,){24})" "\\1\n" boot "${boot}")
file(WRITE ${OUT} "#include \"script/python_image.h\"\n
const char px_python_boot[] = {\n${boot}0};
const unsigned char px_python_image[] = {\n${image}};
const size_t px_python_image_size = sizeof px_python_image;\n")
