/* cli/main.c - the program around the command. */
#include "base/child.h"
#include "cli/restart.h"
#include "polygraphy/command.h"

int main(int argc, char **argv)
{
    px_restart_for_trt(argc, argv);
    px_child_install_signals();
    return pgy_command(argc, (const char *const *)argv);
}
