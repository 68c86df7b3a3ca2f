/* The recorded comparison cases: verdicts, statistics and log text of both references. */
#include "../spec_vectors.h"

#include "base/fmt.h"
#include "compare/func.h"
#include "compare/postprocess.h"

#include <math.h>

/* ---- log ---- */

static void collect(void *user, pgy_severity severity, const char *origin, int indent,
                    const char *message, size_t length)
{
    px_buf *b = user;
    PX_UNUSED(origin);
    if (length >= 12 && memcmp(message, "ULP Distance", 12) == 0)
        return; /* ours */
    const char *prefix = severity >= PGY_LOG_ERROR     ? "[E] "
                         : severity >= PGY_LOG_WARNING ? "[W] "
                                                       : "[I] ";
    px_buf_puts(b, prefix);
    px_buf_pad(b, ' ', (size_t)indent * 4);
    for (size_t i = 0; i < length; i++) {
        px_buf_putc(b, message[i]);
        if (message[i] == '\n')
            px_buf_pad(b, ' ', (size_t)indent * 4 + 4);
    }
    px_buf_putc(b, '\n');
}

static void check_log(spec_file *f, const char *name, const px_json *lines, const px_buf *got)
{
    px_buf wanted = {0};
    for (const px_json *l = lines->first; l != NULL; l = l->next) {
        const char *line = spec_text(f, l);
        if (strncmp(line, "[!]", 3) == 0)
            break; /* the error's own text is checked as an error */
        px_buf_puts(&wanted, line);
        px_buf_putc(&wanted, '\n');
    }
    if (!px_str_eq(px_buf_str(&wanted), px_buf_str(got)))
        fail_msg("%s: log is\n%.*s\nwanted\n%s", name, PX_STR_ARG(px_buf_str(got)),
                 px_buf_cstr(&wanted));
    px_buf_fini(&wanted);
}

/* ---- options ---- */

static void set_cast(spec_file *f, const px_json *v, px_cast *out)
{
    double d;
    if (v->type == PX_JSON_INT) {
        *out = (px_cast){.kind = PX_CAST_INT, .i = spec_int(v), .f = (double)spec_int(v)};
    } else if (px_json_double(v, &d)) {
        *out = (px_cast){.kind = PX_CAST_FLOAT, .f = d};
    } else {
        *out = (px_cast){.kind = PX_CAST_TEXT, .text = spec_text(f, v)};
        if (px_parse_f64(px_str_of(out->text), &out->f)) /* "inf" */
            out->kind = PX_CAST_FLOAT;
    }
}

static void set_keyed(spec_file *f, const px_json *options, const char *name, px_opt_keyed *out)
{
    const px_json *v = px_json_get(options, name);
    if (v == NULL)
        return;
    out->given = true;
    const size_t n = v->type == PX_JSON_OBJECT ? v->n : 1;
    out->at = px_arena_calloc(&f->arena, n, sizeof *out->at);
    for (const px_json *e = v->type == PX_JSON_OBJECT ? v->first : v; e != NULL && out->n < n;
         e = e->next) {
        out->at[out->n].key =
            v->type == PX_JSON_OBJECT ? px_arena_strndup(&f->arena, e->key.ptr, e->key.len) : "";
        set_cast(f, e, &out->at[out->n++].value);
    }
}

static bool is_true(const px_json *options, const char *name)
{
    const px_json *v = px_json_get(options, name);
    return v != NULL && v->type == PX_JSON_TRUE;
}

static void set_args(spec_file *f, const px_json *c, px_compare_args *args)
{
    const px_json *o = px_json_get(c, "options");
    const char *func = spec_text(f, px_json_get(c, "compare"));
    *args = (px_compare_args){.n_funcs = 1};
    args->funcs[0] = strcmp(func, "simple") == 0    ? PX_COMPARE_SIMPLE
                     : strcmp(func, "indices") == 0 ? PX_COMPARE_INDICES
                     : strcmp(func, "l2") == 0      ? PX_COMPARE_L2
                     : strcmp(func, "cosine") == 0  ? PX_COMPARE_COSINE
                     : strcmp(func, "psnr") == 0    ? PX_COMPARE_PSNR
                                                    : PX_COMPARE_SNR;
    set_keyed(f, o, "atol", &args->atol);
    set_keyed(f, o, "rtol", &args->rtol);
    set_keyed(f, o, "check_error_stat", &args->check_error_stat);
    set_keyed(f, o, "error_quantile", &args->error_quantile);
    set_keyed(f, o, "index_tolerance", &args->index_tolerance);
    set_keyed(f, o, "l2_threshold", &args->l2_threshold);
    args->infinities_compare_equal.given = is_true(o, "infinities_compare_equal");
    args->fail_fast.given = is_true(o, "fail_fast");
    const px_json *shapes = px_json_get(o, "check_shapes");
    args->no_shape_check.given = shapes != NULL && shapes->type == PX_JSON_FALSE;
}

/* K, [K, axis], or a dictionary of those. */
static void set_one_top_k(spec_file *f, const char *output, const px_json *v, px_compare_args *args)
{
    px_top_k_arg *t = &args->top_k[args->n_top_k++];
    PX_UNUSED(f);
    *t = (px_top_k_arg){.output = output};
    if (v->type == PX_JSON_ARRAY) {
        t->k = spec_int(v->first);
        t->has_axis = true;
        t->axis = spec_int(v->first->next);
    } else {
        t->k = spec_int(v);
    }
}

static void set_top_k(spec_file *f, const px_json *v, px_compare_args *args)
{
    if (v == NULL || v->type == PX_JSON_NULL)
        return;
    args->top_k = px_arena_calloc(&f->arena, v->n + 1, sizeof *args->top_k);
    if (v->type != PX_JSON_OBJECT) {
        set_one_top_k(f, "", v, args);
        return;
    }
    for (const px_json *e = v->first; e != NULL; e = e->next)
        set_one_top_k(f, px_arena_strndup(&f->arena, e->key.ptr, e->key.len), e, args);
}

/* ---- data ---- */

static void fill_iteration(spec_file *f, const px_json *outputs, px_iteration *it)
{
    *it = (px_iteration){.n_outputs = outputs->n};
    it->outputs = px_arena_calloc(&f->arena, outputs->n + 1, sizeof *it->outputs);
    size_t i = 0;
    for (const px_json *o = outputs->first; o != NULL; o = o->next, i++) {
        pgy_tensor *t = spec_tensor(f, o);
        assert_non_null(t);
        it->outputs[i].name = px_arena_strndup(&f->arena, o->key.ptr, o->key.len);
        assert_ok(px_lazy_of_tensor(t, &it->outputs[i].value));
        pgy_tensor_free(t);
    }
}

static void drop_iteration(px_iteration *it)
{
    for (size_t i = 0; i < it->n_outputs; i++)
        px_lazy_free(it->outputs[i].value);
}

/* ---- checks ---- */

static void check_number(spec_file *f, const char *name, const px_json *stats, const char *key,
                         double got)
{
    const px_json *v = px_json_get(stats, key);
    if (v == NULL || v->type == PX_JSON_NULL)
        return;
    double wanted;
    assert_true(px_parse_f64(px_str_of(spec_text(f, v)), &wanted));
    /* Decibels: numpy's vector library may round a logarithm near 24 the other way (2^-48). */
    const bool decibel = strcmp(key, "psnr") == 0 || strcmp(key, "snr") == 0;
    if (decibel && fabs(wanted - got) <= 0x1p-48)
        return;
    if (!(wanted == got || (isnan(wanted) && isnan(got))))
        fail_msg("%s: %s is %.17g, wanted %.17g", name, key, got, wanted);
}

static void check_stats(spec_file *f, const char *name, const px_json *stats,
                        const px_output_result *r)
{
    const px_stats *abs = &r->stats.of[PX_OF_ABS], *rel = &r->stats.of[PX_OF_REL];
    check_number(f, name, stats, "max_absdiff", abs->max);
    check_number(f, name, stats, "max_reldiff", rel->max);
    check_number(f, name, stats, "mean_absdiff", abs->mean);
    check_number(f, name, stats, "mean_reldiff", rel->mean);
    check_number(f, name, stats, "median_absdiff", abs->median);
    check_number(f, name, stats, "median_reldiff", rel->median);
    check_number(f, name, stats, "quantile_absdiff", abs->quantile);
    check_number(f, name, stats, "quantile_reldiff", rel->quantile);
    check_number(f, name, stats, "l2_norm", r->metric);
    check_number(f, name, stats, "cosine_similarity", r->metric);
    check_number(f, name, stats, "psnr", r->metric);
    check_number(f, name, stats, "snr", r->metric);
}

static void check_result(spec_file *f, const char *name, const px_json *expected,
                         const px_compared_iteration *it)
{
    const px_json *verdicts = px_json_get(expected, "verdicts");
    const px_json *stats = px_json_get(expected, "stats");
    if (it->n != verdicts->n)
        fail_msg("%s: %zu outputs compared, wanted %zu", name, it->n, verdicts->n);
    for (size_t i = 0; i < it->n; i++) {
        const px_json *v = px_json_get(verdicts, it->at[i].name);
        assert_non_null(v);
        if ((v->type == PX_JSON_TRUE) != it->at[i].passed)
            fail_msg("%s: output %s %s", name, it->at[i].name,
                     it->at[i].passed ? "passed" : "failed");
        if (stats != NULL && px_json_get(stats, it->at[i].name) != NULL && !it->at[i].bare)
            check_stats(f, name, px_json_get(stats, it->at[i].name), &it->at[i]);
    }
    const px_json *overall = px_json_get(expected, "overall");
    assert_int_equal(overall->type == PX_JSON_TRUE, it->passed);
}

static void check_postprocessed(spec_file *f, const char *name, const px_json *wanted,
                                const px_iteration *it)
{
    for (const px_json *o = wanted != NULL ? wanted->first : NULL; o != NULL; o = o->next) {
        pgy_tensor *w = spec_tensor(f, o), *got = NULL;
        size_t i = 0;
        while (!px_str_is(o->key, it->outputs[i].name))
            i++;
        assert_ok(px_lazy_get(NULL, it->outputs[i].value, &got));
        if (got->dtype != w->dtype || !px_shape_eq(got->rank, got->dims, w->rank, w->dims) ||
            memcmp(got->data, w->data, w->size) != 0)
            fail_msg("%s: output %s is post-processed wrongly", name, it->outputs[i].name);
        pgy_tensor_free(got);
        pgy_tensor_free(w);
    }
}

static void run_case(spec_file *f, const px_json *c, px_layout layout)
{
    const char *name = spec_text(f, px_json_get(c, "name"));
    const char *log_key = layout == PX_LAYOUT_049 ? "log_0.49.26" : "log_0.53.6";
    const px_json *expected = px_json_get(c, "expected");
    px_compare_args args;
    px_iteration it[2];
    px_buf log = {0};
    pgy_context *cx = NULL;
    px_compared_iteration result = {0};
    if (layout == PX_LAYOUT_049 && px_json_get(c, "expected_0.49.26") != NULL)
        expected = px_json_get(c, "expected_0.49.26");
    set_args(f, c, &args);
    set_top_k(f, px_json_get(c, "postprocess_top_k"), &args);
    fill_iteration(f, px_json_get(c, "outputs0"), &it[0]);
    fill_iteration(f, px_json_get(c, "outputs1"), &it[1]);
    assert_ok(pgy_context_new(&cx));
    px_top_k top_k = {.args = &args, .leak_axis = layout == PX_LAYOUT_049};
    for (int i = 0; i < 2; i++)
        assert_ok(px_top_k_apply(cx, &top_k, &it[i]));
    check_postprocessed(f, name, px_json_get(expected, "postprocessed0"), &it[0]);

    pgy_context_set_log(cx, collect, &log);
    px_comparison comparison = {.cx = cx, .args = &args, .layout = layout};
    px_pair_result pair = {.runner = {"runner0", "runner1"}};
    pgy_status *st = px_compare_outputs(&comparison, &pair, args.funcs[0], &it[0], &it[1], &result);
    const px_json *exception = px_json_get(expected, "exception");
    if (exception == NULL) {
        assert_ok(st);
        check_result(f, name, expected, &result);
    } else {
        const char *message = spec_text(f, px_json_get(exception, "message"));
        if (st == NULL)
            fail_msg("%s: no error, wanted: %s", name, message);
        /* numpy's own sentence about bool is replaced by ours. */
        if (strstr(message, "numpy boolean") == NULL)
            assert_non_null(strstr(pgy_status_message(st), message));
        pgy_status_free(st);
    }
    check_log(f, name, px_json_get(c, log_key), &log);
    px_pair_result owner = {.n_funcs = 1, .funcs = {{.at = NULL}}};
    owner.funcs[0].at = px_mem_calloc(1, sizeof result);
    owner.funcs[0].at[0] = result;
    owner.funcs[0].n = 1;
    px_accuracy accuracy = {.at = px_mem_calloc(1, sizeof owner), .n = 1};
    accuracy.at[0] = owner;
    px_accuracy_fini(&accuracy);
    drop_iteration(&it[0]);
    drop_iteration(&it[1]);
    px_buf_fini(&log);
    pgy_context_free(cx);
}

static void run_all(px_layout layout, int wanted)
{
    spec_file f;
    int n = 0;
    spec_open(&f, "compare-vectors.json");
    for (const px_json *c = px_json_get(f.root, "cases")->first; c != NULL; c = c->next) {
        const char *log_key = layout == PX_LAYOUT_049 ? "log_0.49.26" : "log_0.53.6";
        if (px_json_get(c, log_key) == NULL)
            continue;
        run_case(&f, c, layout);
        n++;
    }
    assert_int_equal(n, wanted);
    spec_close(&f);
}

static void test_older_reference(void **state)
{
    PX_UNUSED(state);
    run_all(PX_LAYOUT_049, 126);
}

static void test_newer_reference(void **state)
{
    PX_UNUSED(state);
    run_all(PX_LAYOUT_053, 185);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_older_reference),
        cmocka_unit_test(test_newer_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
