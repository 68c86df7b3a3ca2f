/* script/python_image.h - the Python side of user scripts, made of script/py at build time. */
#ifndef PX_SCRIPT_PYTHON_IMAGE_H
#define PX_SCRIPT_PYTHON_IMAGE_H

#include <stddef.h>

extern const char px_python_boot[]; /* for python3 -c */
extern const unsigned char px_python_image[];
extern const size_t px_python_image_size;

#endif
