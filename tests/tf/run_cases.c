/* tf/run_cases.c - the standard's node cases as TensorFlow graphs: run_cases [--verbose] AT_LEAST
 *
 * Cases are those of PX_NODE_TESTS. One that the builder refuses is passed over; every other must
 * give the standard's outputs, and at least AT_LEAST must pass. All run in one process: loading
 * TensorFlow takes longer than all of them.
 */
#include "../onnx_nodes/node_data.h"

#include "backend/outputs.h"
#include "backend/registry.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_INPUTS = 16 };

typedef struct tally {
    int passed, failed, refused;
    bool is_verbose;
} tally;

/* Cases that TensorFlow itself computes otherwise, and why that is nobody's fault. */
static const char *excuse(const char *name)
{
    static const struct {
        const char *name, *why;
    } list[] = {
        {"test_training_dropout", "random"},
        {"test_einsum_inner_prod", "TensorFlow's Einsum wants no repeated letters"},
        {NULL, NULL},
    };
    for (size_t i = 0; list[i].name != NULL; i++)
        if (strncmp(name, list[i].name, strlen(list[i].name)) == 0)
            return list[i].why;
    return NULL;
}

static pgy_status *read_feeds(px_ref_pool *pool, const px_onnx_graph *graph, const char *dir,
                              const pgy_io *io, size_t n, pgy_tensor **feeds)
{
    pgy_status *st = NULL;
    px_buf path = {0};
    px_ref_value v = {0};
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < graph->n_inputs; i++) {
            if (!px_str_is(graph->inputs[i].name, io[k].name))
                continue;
            path.len = 0;
            px_buf_printf(&path, "%s/input_%zu.pb", dir, i);
            PX_TRY(node_value_read(pool, px_buf_cstr(&path), &graph->inputs[i].type, &v));
            PX_TRY(pgy_tensor_cast(v.t, v.dtype, &feeds[k]));
            px_ref_value_free(&v);
        }
done:
    px_ref_value_free(&v);
    px_buf_fini(&path);
    return st;
}

static pgy_status *compare(px_ref_pool *pool, const px_onnx_graph *graph, const char *dir,
                           const pgy_outputs *out, px_buf *why)
{
    static const node_tolerance tolerance = {.rtol = 1e-3, .atol = 1e-5}; /* float32's, as ORT's */
    pgy_status *st = NULL;
    px_buf path = {0};
    px_ref_value want = {0}, got = {0};
    for (size_t i = 0; i < out->n && why->len == 0; i++) {
        pgy_tensor *t = out->at[i].tensor;
        path.len = 0;
        px_buf_printf(&path, "%s/output_%zu.pb", dir, i);
        PX_TRY(node_value_read(pool, px_buf_cstr(&path), &graph->outputs[i].type, &want));
        got = (px_ref_value){.kind = PX_REF_TENSOR, .dtype = pgy_tensor_dtype(t)};
        PX_TRY(pgy_tensor_cast(t, px_ref_storage(got.dtype), &got.t));
        node_value_diff(&got, &want, &tolerance, why);
        px_ref_value_free(&want);
        px_ref_value_free(&got);
    }
done:
    px_ref_value_free(&want);
    px_ref_value_free(&got);
    px_buf_fini(&path);
    return st;
}

static pgy_status *run_case(pgy_context *cx, void *lib, const char *dir, px_buf *why, bool *opened)
{
    pgy_status *st = NULL;
    pgy_model *model = NULL;
    void *session = NULL;
    const pgy_io *io = NULL;
    size_t n = 0;
    pgy_tensor *feeds[MAX_INPUTS] = {0};
    const char *names[MAX_INPUTS];
    pgy_outputs out = {0};
    px_onnx_model *onnx = NULL;
    px_ref_pool pool = {.limit_size = UINT64_MAX};
    char *path = px_path_join(dir, "model.onnx"), *set = px_path_join(dir, "test_data_set_0");

    PX_TRY(px_model_open(cx, path, PGY_MODEL_ONNX, &model));
    PX_TRY(px_model_onnx(model, &onnx));
    PX_TRY(px_tf_ops.open(cx, lib, model, NULL, &session));
    PX_TRY(px_tf_ops.inputs(session, &io, &n));
    *opened = n <= MAX_INPUTS;
    if (!*opened)
        goto done;
    PX_TRY(read_feeds(&pool, &onnx->graph, set, io, n, feeds));
    for (size_t i = 0; i < n; i++)
        names[i] = io[i].name;
    PX_TRY(px_tf_ops.infer(session, &(pgy_feed){n, names, feeds}, &out));
    PX_TRY(compare(&pool, &onnx->graph, set, &out, why));
done:
    px_outputs_clear(&out);
    for (size_t i = 0; i < MAX_INPUTS; i++)
        pgy_tensor_free(feeds[i]);
    if (session != NULL)
        px_tf_ops.close(session);
    pgy_model_close(model);
    px_ref_pool_fini(&pool);
    px_mem_free(path);
    px_mem_free(set);
    return st;
}

static void case_done(pgy_context *cx, void *lib, const char *dir, tally *t)
{
    const char *slash = strrchr(dir, '/'), *name = slash != NULL ? slash + 1 : dir;
    px_buf why = {0};
    bool opened = false;
    if (excuse(name) != NULL)
        return;
    pgy_status *st = run_case(cx, lib, dir, &why, &opened);
    if (st != NULL && !opened) {
        t->refused++;
        if (t->is_verbose)
            printf("REFUSED %s: %s\n", name, pgy_status_message(st));
    } else if (st != NULL || why.len > 0) {
        t->failed++;
        printf("FAIL    %s: %s\n", name, st != NULL ? pgy_status_message(st) : px_buf_cstr(&why));
    } else {
        t->passed++;
    }
    pgy_status_free(st);
    px_buf_fini(&why);
}

static void folder_done(pgy_context *cx, void *lib, const char *dir, tally *t)
{
    char **names = NULL;
    size_t n = 0;
    pgy_status_free(px_path_list(dir, NULL, &names, &n));
    for (size_t i = 0; i < n; i++) {
        char *path = px_path_join(dir, names[i]), *model = px_path_join(path, "model.onnx");
        if (px_path_exists(model))
            case_done(cx, lib, path, t);
        px_mem_free(model);
        px_mem_free(path);
        px_mem_free(names[i]);
    }
    px_mem_free(names);
}

int main(int argc, char **argv)
{
    pgy_context *cx = NULL;
    void *lib = NULL;
    tally t = {.is_verbose = argc > 2};
    const char *list = getenv("PX_NODE_TESTS");
    const int at_least = argc > 1 ? (int)strtol(argv[argc - 1], NULL, 10) : 1;
    pgy_status_free(pgy_context_new(&cx));
    pgy_status *st = px_tf_ops.load(cx, NULL, &lib);
    if (st != NULL || list == NULL || list[0] == '\0') {
        printf("SKIPPED: %s\n", st != NULL ? pgy_status_message(st) : "PX_NODE_TESTS is not set");
        pgy_status_free(st);
        if (lib != NULL)
            px_tf_ops.unload(lib);
        pgy_context_free(cx);
        return 77;
    }
    while (*list != '\0') {
        const size_t len = strcspn(list, ":");
        char *dir = px_mem_strndup(list, len);
        folder_done(cx, lib, dir, &t);
        px_mem_free(dir);
        list += len + (list[len] == ':');
    }
    printf("%d passed, %d failed, %d refused\n", t.passed, t.failed, t.refused);
    fflush(stdout);
    px_tf_ops.unload(lib);
    pgy_context_free(cx);
    return t.failed > 0 || t.passed < at_least;
}
