/* base/version.c - the library's version, from the build. */
#include "polygraphy/polygraphy.h"

const char *pgy_version(void)
{
    return PX_VERSION;
}
