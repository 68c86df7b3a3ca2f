/* onnx_nodes/run_nodes.c - runs the standard's node cases on the reference interpreter.
 *
 *   run_nodes [--quiet] [--no-fork] [--typed] [--only TEXT]... [--rtol X] [--atol X]
 *             [--repeat N] [--limit SECONDS] [--if-there FOLDER] [FOLDER]...
 *
 * FOLDER is a case (it has a model.onnx) or a folder of cases; without one, PX_NODE_TESTS lists
 * them, separated by colons; a folder given with --if-there may be missing. Prints PASS, FAIL,
 * MISSING (an operator has no kernel), CRASH or EXCUSED and the reason for each case, each run in a
 * child of its own. Exits with 0 when all pass, 77 when there is nothing to run. --repeat runs each
 * data set that often and prints the shortest time. A case that takes longer than --limit counts as
 * a crash.
 */
#include "node_data.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef enum verdict {
    PASS = 0,
    FAIL = 1,
    MISSING = 2,
    CRASH = 3,
    EXCUSED = 4, /* would fail, for a reason that is not ours */
    N_VERDICTS = 5
} verdict;

static const char *const verdict_names[N_VERDICTS] = {"PASS", "FAIL", "MISSING", "CRASH",
                                                      "EXCUSED"};

typedef struct options {
    bool quiet, no_fork, typed;
    int repeat, limit_s;
    node_tolerance tolerance;
    const char *only[32];
    size_t n_only;
    int n[N_VERDICTS];
} options;

/* Cases whose elements come from a generator that the standard leaves open. */
static bool is_random(const char *name)
{
    static const char *const words[] = {"bernoulli", "random", "multinomial", "training_dropout"};
    for (size_t i = 0; i < PX_COUNTOF(words); i++)
        if (strstr(name, words[i]))
            return true;
    return false;
}

/* Cases that hang on how float32 rounds a tie between two operators. */
static bool needs_typed(const char *name)
{
    return strcmp(name, "test_dynamicquantizelinear_expanded") == 0;
}

/* Why a case that does not pass counts for nothing; NULL for all others. */
static const char *excuse(const char *name)
{
    static const struct {
        const char *name, *why;
    } list[] = {
        {"test_adam_multiple",
         "its outputs were made with an epsilon that its model does not have"},
        {"test_gradient_of_add",
         "Gradient asks for differentiation, which inference has no use for"},
        {"test_gradient_of_add_and_mul", "Gradient, as above"},
        {"test_dft_inverse", "wants 1.9e-07 where 0 is right, and allows 1e-07"},
        {"test_dft_inverse_opset19", "wants 1.9e-07 where 0 is right, and allows 1e-07"},
        {"test_attention_4d_causal_bf16",
         "its outputs were made with sums rounded to bfloat16: two units off the nearest"},
        {"test_attention_4d_causal_bf16_expanded", "bfloat16 sums, as above"},
        {"test_attention_4d_causal_padded_kv_bf16", "bfloat16 sums, as above"},
        {"test_attention_4d_causal_padded_kv_bf16_expanded", "bfloat16 sums, as above"},
    };
    for (size_t i = 0; i < PX_COUNTOF(list); i++)
        if (strcmp(name, list[i].name) == 0)
            return list[i].why;
    return NULL;
}

static ptrdiff_t input_position(const px_ref_plan *plan, px_str name)
{
    for (size_t i = 0; i < plan->n_inputs; i++)
        if (px_str_eq(plan->input_names[i], name))
            return (ptrdiff_t)i;
    return -1;
}

static pgy_status *read_inputs(px_ref_session *s, const char *dir, px_ref_value *in)
{
    pgy_status *st = NULL;
    const px_onnx_graph *graph = &s->model->graph;
    px_buf path = {0};
    for (size_t i = 0; i < graph->n_inputs; i++) {
        const ptrdiff_t at = input_position(s->plan, graph->inputs[i].name);
        path.len = 0;
        px_buf_printf(&path, "%s/input_%zu.pb", dir, i);
        if (at >= 0 && px_path_exists(px_buf_cstr(&path)))
            PX_TRY(node_value_read(&s->pool, px_buf_cstr(&path), &graph->inputs[i].type, &in[at]));
    }
done:
    px_buf_fini(&path);
    return st;
}

/* `why` stays empty when every output is as wanted. */
static pgy_status *run_set(const options *o, px_ref_session *s, const char *dir, bool shape_only,
                           px_buf *why)
{
    pgy_status *st = NULL;
    const px_onnx_graph *graph = &s->model->graph;
    px_ref_value *in = NULL, *out = NULL, want = {0};
    px_buf path = {0};

    PX_TRY(PX_ALLOC(in, s->plan->n_inputs + 1));
    PX_TRY(PX_ALLOC(out, s->plan->n_outputs + 1));
    PX_TRY(read_inputs(s, dir, in));
    uint64_t best_ns = UINT64_MAX;
    for (int i = 0; i < PX_MAX(o->repeat, 1); i++) {
        for (size_t k = 0; k < s->plan->n_outputs; k++)
            px_ref_value_free(&out[k]);
        const uint64_t start_ns = px_time_ns();
        PX_TRY(px_ref_session_run(s, in, out));
        best_ns = PX_MIN(best_ns, px_time_ns() - start_ns);
    }
    if (o->repeat > 0)
        printf("%9.3f ms  %s\n", (double)best_ns / 1e6, dir);
    for (size_t i = 0; i < s->plan->n_outputs && why->len == 0; i++) {
        path.len = 0;
        px_buf_printf(&path, "%s/output_%zu.pb", dir, i);
        if (!px_path_exists(px_buf_cstr(&path)))
            continue;
        PX_TRY(node_value_read(&s->pool, px_buf_cstr(&path), &graph->outputs[i].type, &want));
        px_ref_value_round(&out[i]);
        if (out[i].kind == PX_REF_TENSOR && out[i].t->dtype == PGY_DTYPE_F64)
            px_ref_round(out[i].dtype, out[i].t->data, out[i].t->count);
        node_value_diff(&out[i], &want, shape_only ? NULL : &o->tolerance, why);
        if (why->len > 0)
            px_buf_printf(why, " (output %zu '%.*s' of %s)", i,
                          PX_STR_ARG(s->plan->output_names[i]), dir);
        px_ref_value_free(&want);
    }
done:
    for (size_t i = 0; in && i < s->plan->n_inputs; i++)
        px_ref_value_free(&in[i]);
    for (size_t i = 0; out && i < s->plan->n_outputs; i++)
        px_ref_value_free(&out[i]);
    px_ref_value_free(&want);
    px_mem_free(in);
    px_mem_free(out);
    px_buf_fini(&path);
    return st;
}

static pgy_status *run_sets(const options *o, px_ref_session *s, const char *dir, const char *name,
                            px_buf *why)
{
    pgy_status *st = NULL;
    px_buf path = {0};
    bool any = false;
    for (int set = 0; set < 64 && why->len == 0; set++) {
        path.len = 0;
        px_buf_printf(&path, "%s/test_data_set_%d", dir, set);
        if (!px_path_is_dir(px_buf_cstr(&path)))
            break;
        any = true;
        PX_TRY(run_set(o, s, px_buf_cstr(&path), is_random(name), why));
    }
    if (!any)
        px_buf_puts(why, "the case has no test_data_set_0");
done:
    px_buf_fini(&path);
    return st;
}

static verdict run_case(const options *o, const char *dir, const char *name, px_buf *why)
{
    pgy_status *st = NULL;
    pgy_context *cx = NULL;
    px_onnx_model *model = NULL;
    px_ref_session *session = NULL;
    px_file file = {0};
    char *path = px_path_join(dir, "model.onnx");

    PX_TRY(pgy_context_new(&cx));
    PX_TRY(px_file_map(path, &file));
    PX_TRY(px_onnx_parse((px_str){(const char *)file.data, file.size}, dir, &model));
    PX_TRY(px_ref_session_open(
        cx, model, &(px_ref_options){.is_typed = o->typed || needs_typed(name)}, &session));
    PX_TRY(run_sets(o, session, dir, name, why));
done:;
    verdict v = why->len > 0 ? FAIL : PASS;
    if (st) {
        px_buf_puts(why, pgy_status_message(st));
        v = strstr(pgy_status_message(st), "has no operator") ? MISSING : FAIL;
    }
    if (v != PASS && excuse(name)) {
        why->len = 0;
        px_buf_puts(why, excuse(name));
        v = EXCUSED;
    }
    pgy_status_free(st);
    px_ref_session_close(session);
    px_onnx_free(model);
    px_file_unmap(&file);
    pgy_context_free(cx);
    px_mem_free(path);
    return v;
}

static void report(options *o, verdict v, const char *name, const char *why)
{
    if (v != PASS || !o->quiet)
        printf("%-7s %s%s%s\n", verdict_names[v], name, why[0] ? ": " : "", why);
    fflush(stdout);
}

static void case_done(options *o, const char *dir)
{
    const char *slash = strrchr(dir, '/');
    const char *name = slash ? slash + 1 : dir;
    bool wanted = o->n_only == 0;
    for (size_t i = 0; i < o->n_only; i++)
        wanted |= strstr(name, o->only[i]) != NULL;
    if (!wanted)
        return;
    px_buf why = {0};
    verdict v = CRASH;
    const pid_t child = o->no_fork ? 0 : fork();
    if (child == 0) {
        if (!o->no_fork)
            alarm((unsigned)o->limit_s);
        v = run_case(o, dir, name, &why);
        report(o, v, name, px_buf_cstr(&why));
        px_buf_fini(&why);
        if (!o->no_fork)
            _exit(v);
    } else {
        int status = 0;
        waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) < N_VERDICTS) {
            v = (verdict)WEXITSTATUS(status);
        } else {
            px_buf_printf(&why, "signal %d, exit status %d",
                          WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                          WIFEXITED(status) ? WEXITSTATUS(status) : 0);
            report(o, v, name, px_buf_cstr(&why));
            px_buf_fini(&why);
        }
    }
    o->n[v]++;
}

static bool folder_done(options *o, const char *dir)
{
    char *model = px_path_join(dir, "model.onnx");
    char **names = NULL;
    size_t n = 0;
    const bool is_case = px_path_exists(model);

    px_mem_free(model);
    if (is_case) {
        case_done(o, dir);
        return true;
    }
    pgy_status *st = px_path_list(dir, NULL, &names, &n);
    if (st) {
        fprintf(stderr, "%s\n", pgy_status_message(st));
        pgy_status_free(st);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        char *path = px_path_join(dir, names[i]);
        model = px_path_join(path, "model.onnx");
        if (px_path_exists(model))
            case_done(o, path);
        px_mem_free(model);
        px_mem_free(path);
        px_mem_free(names[i]);
    }
    px_mem_free(names);
    return true;
}

int main(int argc, char **argv)
{
    /* The tolerances of the standard's own runner. */
    options o = {.tolerance = {.rtol = 1e-3, .atol = 1e-7}};
    bool any = false, ok = true, may_look = true;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quiet") == 0)
            o.quiet = true;
        else if (strcmp(argv[i], "--no-fork") == 0)
            o.no_fork = true;
        else if (strcmp(argv[i], "--typed") == 0)
            o.typed = true;
        else if (strcmp(argv[i], "--if-there") == 0 && i + 1 < argc) {
            if (px_path_is_dir(argv[++i]))
                ok &= folder_done(&o, argv[i]);
            any = px_path_is_dir(argv[i]);
            may_look = false;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc && o.n_only < PX_COUNTOF(o.only))
            o.only[o.n_only++] = argv[++i];
        else if (strcmp(argv[i], "--rtol") == 0 && i + 1 < argc)
            o.tolerance.rtol = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--atol") == 0 && i + 1 < argc)
            o.tolerance.atol = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc)
            o.repeat = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--limit") == 0 && i + 1 < argc)
            o.limit_s = (int)strtol(argv[++i], NULL, 10);
        else {
            ok &= folder_done(&o, argv[i]);
            any = true;
        }
    }
    const char *list = any || !may_look ? NULL : getenv("PX_NODE_TESTS");
    while (list && *list) {
        const size_t len = strcspn(list, ":");
        char *dir = px_mem_strndup(list, len);
        ok &= folder_done(&o, dir);
        any = true;
        px_mem_free(dir);
        list += len + (list[len] == ':');
    }
    if (!any) {
        printf("SKIPPED: there are no cases; set PX_NODE_TESTS to the folders of node cases "
               "(libonnx-testdata has "
               "them)\n");
        return 77;
    }
    printf("%d passed, %d failed, %d without a kernel, %d crashed, %d excused\n", o.n[PASS],
           o.n[FAIL], o.n[MISSING], o.n[CRASH], o.n[EXCUSED]);
    if (o.n[PASS] == 0) {
        printf("No case was run: PX_NODE_TESTS names no folder of node cases\n");
        return 1;
    }
    return ok && o.n[FAIL] + o.n[MISSING] + o.n[CRASH] == 0 ? 0 : 1;
}
