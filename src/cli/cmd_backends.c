/* cli/cmd_backends.c - see the header.
 *
 * Listing loads the runtimes that are there, to ask for version and devices.
 */
#include "cli/cmd_backends.h"

#include "backend/discover.h"
#include "backend/onnxrt/lib.h"
#include "backend/registry.h"
#include "backend/tf/lib.h"
#include "backend/trt/lib.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] = "usage: polygraphy backends\n"
                            "       polygraphy backends install {onnxrt,tf,trt} [--package SPEC]\n";

static const char help[] =
    "\n"
    "Lists the inference backends: where each one's runtime was found, its version and devices,\n"
    "or what is missing and the command that gets it.\n"
    "\n"
    "install NAME      Gets NAME's runtime with pip into the user's data folder\n"
    "                  ($XDG_DATA_HOME/polygraphy/backends/NAME). Only the package that carries\n"
    "                  the library is fetched, not what its Python modules need.\n"
    "  --package SPEC  What to give pip instead of the default: a name, a name with a version\n"
    "                  (onnxruntime==1.22.0), or a wheel file. For GPUs: onnxruntime-gpu.\n"
    "\n"
    "POLYGRAPHY_ONNXRT_LIB, POLYGRAPHY_TF_LIB and POLYGRAPHY_TRT_LIB name a library directly.\n"
    "POLYGRAPHY_PYTHON names the Python whose pip is run; the default is python3.\n";

/* Shows an error on standard error, frees it, and gives the exit code. */
static int report(pgy_status *st)
{
    if (st == NULL)
        return 0;
    const int code = pgy_status_code(st) == PGY_ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
    fprintf(stderr, "[!] %s\n", pgy_status_message(st));
    pgy_status_free(st);
    return code;
}

static void print_how_to_get(const px_runtime *runtime)
{
    printf("    get it     polygraphy backends install %s\n"
           "               or set %s to the library's path\n",
           runtime->backend, runtime->variable);
}

static void print_found(const char *path, px_found_by by)
{
    printf("    library    %s\n    found by   %s\n", path, px_found_by_text(by));
}

static void list_onnxrt(pgy_context *cx, const px_runtime *runtime)
{
    px_onnxrt_lib *lib = NULL;
    char **providers = NULL;
    int n = 0;
    pgy_status *st = NULL;
    px_discovery found = {0};

    PX_TRY(px_onnxrt_lib_open(cx, &lib));
    printf("onnxrt       ONNX Runtime %s\n", lib->version);
    print_found(lib->path, lib->found_by);
    PX_TRY(px_onnxrt_providers(lib, &providers, &n));
    printf("    providers  ");
    for (int i = 0; i < n; i++)
        printf("%s%s", i > 0 ? ", " : "", providers[i]);
    printf("\n");
done:
    if (st != NULL) {
        /* A runtime that is nowhere needs no explanation, one that does not load does. */
        pgy_status_free(px_discover(runtime, &found));
        printf("onnxrt       ONNX Runtime: %s\n", found.n > 0 ? "does not load" : "missing");
        if (found.n > 0)
            printf("    because    %s\n", pgy_status_message(st));
        print_how_to_get(runtime);
    }
    px_discovery_fini(&found);
    px_onnxrt_providers_free(lib, providers, n);
    px_onnxrt_lib_close(lib);
    pgy_status_free(st);
}

static void list_tf(pgy_context *cx, const px_runtime *runtime)
{
    px_tf_lib *lib = NULL;
    px_discovery found = {0};
    pgy_status *st = NULL;

    PX_TRY(px_tf_lib_open(cx, NULL, &lib));
    printf("tf           TensorFlow %s\n", lib->version);
    print_found(lib->path, lib->found_by);
done:
    if (st != NULL) {
        pgy_status_free(px_discover(runtime, &found));
        printf("tf           TensorFlow: %s\n", found.n > 0 ? "does not load" : "missing");
        if (found.n > 0)
            printf("    because    %s\n", pgy_status_message(st));
        print_how_to_get(runtime);
    }
    px_discovery_fini(&found);
    px_tf_lib_unref(lib);
    pgy_status_free(st);
}

/* Whether the GPU that TensorRT needs is there. */
static void print_gpu(const px_trt_lib *lib)
{
    const px_cuda *cuda = &lib->cuda;
    if (!lib->has_gpu) {
        printf("    GPU        none: %s\n", lib->no_gpu);
        return;
    }
    printf("    GPU        %s, compute capability %d.%d, %zu MiB\n"
           "    driver     for CUDA up to %d.%d, %d GPU(s)\n",
           cuda->name, cuda->cc_major, cuda->cc_minor, cuda->memory_size >> 20, cuda->driver_major,
           cuda->driver_minor, cuda->n_devices);
}

static void list_trt(pgy_context *cx, const px_runtime *runtime)
{
    px_trt_lib *lib = NULL;
    px_discovery found = {0};
    pgy_status *st = NULL, *parser = NULL;

    PX_TRY(px_trt_lib_probe(cx, &lib));
    printf("trt          %s\n", lib->abi.name);
    print_found(lib->path, lib->found_by);
    parser = px_trt_lib_need_parser(lib);
    printf("    parser     %s\n", parser == NULL ? "found" : pgy_status_message(parser));
    print_gpu(lib);
done:
    if (st != NULL) {
        pgy_status_free(px_discover(runtime, &found));
        printf("trt          TensorRT: %s\n", found.n > 0 ? "does not load" : "missing");
        if (found.n > 0)
            printf("    because    %s\n", pgy_status_message(st));
        print_how_to_get(runtime);
    }
    px_discovery_fini(&found);
    px_trt_lib_close(lib);
    pgy_status_free(parser);
    pgy_status_free(st);
}

static int list(pgy_context *cx)
{
    size_t n = 0;
    const px_runtime *runtimes = px_runtime_list(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(runtimes[i].backend, "onnxrt") == 0)
            list_onnxrt(cx, &runtimes[i]);
        else if (strcmp(runtimes[i].backend, "trt") == 0)
            list_trt(cx, &runtimes[i]);
        else
            list_tf(cx, &runtimes[i]);
    }
    for (size_t i = 0; px_backend_at(i) != NULL; i++)
        if (px_runtime_find(px_backend_at(i)->name) == NULL)
            printf("%-12s %s: built in\n", px_backend_at(i)->name, px_backend_at(i)->title);
    return 0;
}

/* Runs a program and waits for it; its output goes where ours goes. */
static pgy_status *run_program(char *const argv[])
{
    int how = 0;
    fflush(NULL);
    const pid_t child = fork();
    if (child < 0)
        return PX_FAIL(PGY_ERR_IO, "Cannot start %s: %s", argv[0], strerror(errno));
    if (child == 0) {
        execvp(argv[0], argv);
        fprintf(stderr, "[!] Cannot run %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    while (waitpid(child, &how, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
        return NULL;
    if (WIFSIGNALED(how))
        return PX_FAIL(PGY_ERR_IO, "%s was ended by signal %d.", argv[0], WTERMSIG(how));
    return PX_FAIL(PGY_ERR_IO,
                   "`%s -m pip` ended with exit code %d. Its own words are above; another Python "
                   "can be named with POLYGRAPHY_PYTHON.",
                   argv[0], WEXITSTATUS(how));
}

static pgy_status *install(const px_runtime *runtime, const char *package)
{
    pgy_status *st = NULL;
    px_discovery found = {0};
    char *folder = px_backends_folder(runtime->backend);
    const char *python = getenv("POLYGRAPHY_PYTHON");

    if (folder == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_IO, "There is no folder to install to: neither XDG_DATA_HOME nor "
                                   "HOME is set."));
    PX_TRY(px_path_make_dirs(folder));
    if (python == NULL || python[0] == '\0')
        python = "python3";
    const char *const argv[] = {python,
                                "-m",
                                "pip",
                                "install",
                                "--disable-pip-version-check",
                                "--upgrade",
                                "--no-deps",
                                "--only-binary=:all:",
                                "--target",
                                folder,
                                package,
                                NULL};
    printf("Getting %s with %s -m pip into %s\n", package, python, folder);
    PX_TRY(run_program((char *const *)argv));
    PX_TRY(px_discover(runtime, &found));
    for (size_t i = 0; i < found.n; i++)
        if (found.at[i].by == PX_FOUND_INSTALLED) {
            printf("%s is ready: %s\n", runtime->title, found.at[i].path);
            goto done;
        }
    if (getenv(runtime->variable) != NULL) {
        printf("%s was installed, but %s is set and comes first.\n", runtime->title,
               runtime->variable);
        goto done;
    }
    PX_TRY(PX_FAIL(
        PGY_ERR_BACKEND,
        "The package %s holds no library of %s (%s). %s Name another one with --package.", package,
        runtime->title, runtime->in_packages[0], runtime->hint != NULL ? runtime->hint : ""));
done:
    px_mem_free(folder);
    px_discovery_fini(&found);
    return px_status_while(st, "installing %s", runtime->title);
}

static int wrong(const char *what, const char *word)
{
    fprintf(stderr, "%spolygraphy backends: error: %s%s\n", usage, what, word);
    return EXIT_USAGE;
}

/* "install" and what follows it. */
static int parse_install(int argc, const char *const *argv)
{
    const char *name = NULL, *package = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--package") == 0) {
            if (i + 1 == argc || argv[i + 1][0] == '\0')
                return wrong("argument --package: expected one argument", "");
            package = argv[++i];
        } else if (strncmp(argv[i], "--package=", 10) == 0 && argv[i][10] != '\0') {
            package = argv[i] + 10;
        } else if (argv[i][0] == '-') {
            return wrong("unrecognized arguments: ", argv[i]);
        } else if (name != NULL) {
            return wrong("one backend at a time; unexpected: ", argv[i]);
        } else {
            name = argv[i];
        }
    }
    if (name == NULL)
        return wrong("install needs the name of a backend", "");
    const px_runtime *runtime = px_runtime_find(name);
    if (runtime == NULL)
        return wrong("nothing to install under the name ", name);
    /* pip would take a word that starts with a dash for an option. */
    if (package != NULL && package[0] == '-')
        return wrong("argument --package: not a package: ", package);
    return report(install(runtime, package != NULL ? package : runtime->package));
}

int px_cmd_backends(pgy_context *cx, int argc, const char *const *argv)
{
    if (argc < 2)
        return list(cx);
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
        printf("%s%s", usage, help);
        return 0;
    }
    if (strcmp(argv[1], "install") == 0)
        return parse_install(argc - 1, argv + 1);
    return wrong("unrecognized arguments: ", argv[1]);
}
