/* cli/main.c - the program around the command. */
#include "polygraphy/command.h"

int main(int argc, char **argv)
{
    return pgy_command(argc, (const char *const *)argv);
}
