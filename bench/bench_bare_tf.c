/* bench/bench_bare_tf.c - the least that a C program must do with TensorFlow's library: what the
 * command's whole process is measured against.
 *
 *     bench_bare_tf LIBTENSORFLOW_CC [GRAPH INPUT OUTPUT DIM...]
 *
 * Loads the library, the framework library beside it first, and prints its version. With a frozen
 * graph: one session with default options and one inference on float32 zeros too.
 */
#include "backend/tf/abi.h"

#include <dlfcn.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIMS = 8 };

static px_tf_api api;
static px_tf_status *status;

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void checked(void)
{
    check(api.GetCode(status) == PX_TF_OK, api.Message(status));
}

static void bind(void *lib, const char *name, void *slot)
{
    void *const symbol = dlsym(lib, name);
    check(symbol != NULL, name);
    memcpy(slot, &symbol, sizeof symbol);
}

static void load(const char *path)
{
    char framework[4096], copy[4096];
    snprintf(copy, sizeof copy, "%s", path);
    snprintf(framework, sizeof framework, "%s/libtensorflow_framework.so.2", dirname(copy));
    void *lib = dlopen(framework, RTLD_LAZY | RTLD_LOCAL);
    check(lib != NULL, "no framework library");
    lib = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    check(lib != NULL, "no library");
#define BIND(result, name, args) bind(lib, "TF_" #name, &api.name);
    PX_TF_SYMBOLS(BIND)
#undef BIND
}

static void ignore(void *data, size_t size, void *user)
{
}

static void run(const char *path, const char *input, const char *output, char **dims, int rank)
{
    static char bytes[1 << 20];
    int64_t shape[MAX_DIMS], count = 1;
    FILE *const file = fopen(path, "rb");
    check(file != NULL && rank <= MAX_DIMS, path);
    const px_tf_buffer graph_def = {.data = bytes, .length = fread(bytes, 1, sizeof bytes, file)};
    fclose(file);
    for (int i = 0; i < rank; i++) {
        shape[i] = strtol(dims[i], NULL, 10);
        count *= shape[i];
    }
    float *const zeros = calloc((size_t)count, sizeof *zeros);
    px_tf_graph *const graph = api.NewGraph();
    px_tf_import *const how = api.NewImportGraphDefOptions();
    api.GraphImportGraphDef(graph, &graph_def, how, status);
    checked();
    px_tf_options *const options = api.NewSessionOptions();
    px_tf_run *const session = api.NewSession(graph, options, status);
    checked();
    px_tf_tensor *out = NULL, *const in =
                                  api.NewTensor(PX_TF_FLOAT, shape, rank, zeros,
                                                (size_t)count * sizeof *zeros, ignore, NULL);
    const px_tf_port from = {api.GraphOperationByName(graph, input), 0},
                     to = {api.GraphOperationByName(graph, output), 0};
    api.SessionRun(session, NULL, &from, &in, 1, &to, &out, 1, NULL, 0, NULL, status);
    checked();
    printf("%g\n", (double)*(float *)api.TensorData(out));
    api.DeleteTensor(out);
    api.DeleteTensor(in);
    api.CloseSession(session, status);
    api.DeleteSession(session, status);
    api.DeleteSessionOptions(options);
    api.DeleteImportGraphDefOptions(how);
    api.DeleteGraph(graph);
    free(zeros);
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc < 5) {
        fprintf(stderr, "usage: %s LIBTENSORFLOW_CC [GRAPH INPUT OUTPUT DIM...]\n", argv[0]);
        return 2;
    }
    setenv("TF_CPP_MIN_LOG_LEVEL", "2", 0);
    load(argv[1]);
    printf("%s\n", api.Version());
    status = api.NewStatus();
    if (argc > 4)
        run(argv[2], argv[3], argv[4], argv + 5, argc - 5);
    api.DeleteStatus(status);
    return 0;
}
