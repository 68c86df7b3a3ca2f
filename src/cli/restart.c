/* cli/restart.c - see the header. */
#include "cli/restart.h"

#include "backend/trt/lib.h"

#include <unistd.h>

static bool is_in_path(const char *list, const char *dir)
{
    const size_t len = strlen(dir);
    for (const char *p = list; p != NULL && *p != '\0';) {
        const size_t n = strcspn(p, ":");
        if (n == len && strncmp(p, dir, len) == 0)
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

static bool runs_trt(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "run") != 0)
        return false;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--trt") == 0)
            return true;
    return false;
}

void px_restart_for_trt(int argc, char **argv)
{
    static const char done[] = "POLYGRAPHY_RESTARTED"; /* never more than once */
    const char *old = getenv("LD_LIBRARY_PATH");
    px_buf path = {0};
    char *dir;
    if (!runs_trt(argc, argv) || getenv(done) != NULL)
        return;
    dir = px_trt_folder_for_loader();
    if (dir != NULL && !is_in_path(old, dir)) {
        px_buf_printf(&path, "%s%s%s", dir, old != NULL && old[0] != '\0' ? ":" : "",
                      old != NULL ? old : "");
        if (!path.failed && setenv("LD_LIBRARY_PATH", path.ptr, 1) == 0 &&
            setenv(done, "1", 1) == 0)
            execv("/proc/self/exe", argv);
    }
    px_mem_free(dir);
    px_buf_fini(&path);
}
