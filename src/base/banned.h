/* base/banned.h - included by force into every file: calls that must not appear here. */
#ifndef PX_BASE_BANNED_H
#define PX_BASE_BANNED_H

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__GNUC__)
#pragma GCC poison strcpy strcat sprintf strtok gets rand atoi atof setlocale
#endif

#endif
