/* polygraphy/command.h - the whole command as a function. */
#ifndef POLYGRAPHY_COMMAND_H
#define POLYGRAPHY_COMMAND_H

#include "polygraphy/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Does what the program `polygraphy` does with these words (`argv[0]` is the program's name) and
 * returns its exit code: 0 passed, 1 mismatch or failure, 2 wrong command line. The only function
 * of the library that writes to standard output and standard error. */
PGY_API int pgy_command(int argc, const char *const *argv);

#ifdef __cplusplus
}
#endif
#endif
