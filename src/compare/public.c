/* compare/public.c - the public face of comparison. */
#include "polygraphy/compare.h"

#include "compare/compare.h"

#include <math.h>

struct pgy_verdict {
    px_accuracy accuracy;
    pgy_output_verdict *at;
    size_t n, cap;
};

/* What the option struct points to: one value for all outputs per option, and the function. */
typedef struct option_room {
    struct px_opt_key_value atol, rtol, stat, threshold;
    const char *function;
} option_room;

static px_opt_keyed keyed(struct px_opt_key_value *room, px_cast value)
{
    *room = (struct px_opt_key_value){.key = "", .value = value, .word = ""};
    return (px_opt_keyed){.given = true, .n = 1, .at = room};
}

static bool is_function(const char *name)
{
    for (int f = 0; f < PX_N_COMPARE_FUNCS; f++)
        if (f < PX_COMPARE_PERCEPTUAL &&
            strcmp(px_compare_func_name((px_compare_func)f), name) == 0)
            return true;
    return false;
}

static pgy_status *add_outputs(pgy_verdict *v, const px_pair_result *pair,
                               const px_func_result *func)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < func->n; i++)
        for (size_t k = 0; k < func->at[i].n; k++) {
            const px_output_result *r = &func->at[i].at[k];
            bool simple = func->func == PX_COMPARE_SIMPLE && !r->bare;
            PX_TRY(PX_RESERVE(v, 1));
            v->at[v->n++] = (pgy_output_verdict){
                .struct_size = sizeof *v->at,
                .runner0 = pair->runner[0],
                .runner1 = pair->runner[1],
                .output = r->name,
                .iteration = i,
                .passed = r->passed,
                .max_abs = simple ? r->stats.of[PX_OF_ABS].max : NAN,
                .max_rel = simple ? r->stats.of[PX_OF_REL].max : NAN,
                .mean_abs = simple ? r->stats.of[PX_OF_ABS].mean : NAN,
                .mean_rel = simple ? r->stats.of[PX_OF_REL].mean : NAN,
                .metric = simple || r->bare ? NAN : r->metric,
                .max_ulp = simple && r->stats.ulp.given ? r->stats.ulp.max : 0,
                .function = px_compare_func_name(func->func),
            };
        }
done:
    return st;
}

/* The command's option struct for these options; values live in `room`. */
static pgy_status *to_args(const pgy_compare_options *o, option_room *room, px_compare_args *out)
{
    room->function = o->function ? o->function : "simple";
    if (!is_function(room->function))
        return PX_FAIL(PGY_ERR_USAGE, "There is no comparison function '%s'", room->function);
    out->compare = (px_opt_strs){.given = true, .n = 1, .at = &room->function};
    out->fail_fast.given = o->fail_fast;
    out->no_shape_check.given = o->any_shape;
    /* Only what applies to the function: the rest would be warned about. */
    if (strcmp(room->function, "simple") == 0) {
        out->atol = keyed(&room->atol, (px_cast){.kind = PX_CAST_FLOAT, .f = o->atol});
        out->rtol = keyed(&room->rtol, (px_cast){.kind = PX_CAST_FLOAT, .f = o->rtol});
        if (o->error_stat != NULL)
            out->check_error_stat =
                keyed(&room->stat, (px_cast){.kind = PX_CAST_TEXT, .text = o->error_stat});
    } else if (!isnan(o->threshold)) {
        px_opt_keyed threshold =
            keyed(&room->threshold, (px_cast){.kind = PX_CAST_FLOAT, .f = o->threshold});
        if (strcmp(room->function, "l2") == 0)
            out->l2_threshold = threshold;
        else if (strcmp(room->function, "cosine_similarity") == 0)
            out->cosine_similarity_threshold = threshold;
        else if (strcmp(room->function, "psnr") == 0)
            out->psnr_threshold = threshold;
        else if (strcmp(room->function, "snr") == 0)
            out->snr_threshold = threshold;
    }
    return NULL;
}

pgy_status *px_compare_verdict(pgy_context *cx, const px_compare_args *args,
                               const pgy_results *results, pgy_verdict **out)
{
    pgy_status *st = NULL;
    pgy_verdict *v = NULL;
    PX_TRY(PX_ALLOC(v, 1));
    PX_TRY(px_compare_results(cx, args, px_results_of(results), NULL, &v->accuracy));
    for (size_t i = 0; i < v->accuracy.n; i++) {
        const px_pair_result *pair = &v->accuracy.at[i];
        for (size_t f = 0; f < pair->n_funcs; f++)
            PX_TRY(add_outputs(v, pair, &pair->funcs[f]));
    }
    *out = v;
    v = NULL;
done:
    pgy_verdict_free(v);
    return st;
}

pgy_status *pgy_compare(pgy_context *cx, const pgy_results *results,
                        const pgy_compare_options *options, pgy_verdict **out)
{
    pgy_status *st = NULL;
    const pgy_compare_options defaults = PGY_COMPARE_OPTIONS_INIT;
    pgy_compare_options o = defaults;
    px_compare_args args = {0};
    option_room room;
    px_arena arena = {0};

    if (options != NULL)
        memcpy(&o, options, PX_MIN(options->struct_size, sizeof o));
    PX_TRY(to_args(&o, &room, &args));
    PX_TRY(px_compare_args_check(cx, &arena, &args));
    PX_TRY(px_compare_verdict(cx, &args, results, out));
done:
    px_arena_fini(&arena);
    return st;
}

bool pgy_verdict_passed(const pgy_verdict *verdict)
{
    return verdict->accuracy.passed;
}

size_t pgy_verdict_count(const pgy_verdict *verdict)
{
    return verdict->n;
}

void pgy_verdict_get(const pgy_verdict *verdict, size_t i, pgy_output_verdict *out)
{
    size_t size = PX_MIN(out->struct_size, sizeof *out);
    memcpy(out, &verdict->at[i], size);
    out->struct_size = size;
}

void pgy_verdict_free(pgy_verdict *verdict)
{
    if (verdict == NULL)
        return;
    px_accuracy_fini(&verdict->accuracy);
    px_mem_free(verdict->at);
    px_mem_free(verdict);
}
