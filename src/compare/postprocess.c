/* compare/postprocess.c - see postprocess.h.
 *
 * numpy: argsort(-x, kind="stable") along the axis, first K. Sorting happens on ordered keys of -x,
 * with NaN last, in the type of x, so unsigned negation wraps as numpy's does.
 *
 * Mirrors: comparator/postprocess.py PostprocessFunc.top_k.
 */
#include "compare/postprocess.h"

#include "base/log.h"
#include "compare/pair.h"

#include <math.h>

typedef struct entry {
    uint64_t key;
    int64_t at;
} entry;

static int by_key(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Key that orders as -x: descending x, 0 and -0 equal, NaN last. */
static uint64_t negated_key(pgy_dtype dtype, px_work w, const void *x, int64_t i)
{
    if (w == PX_F32 || w == PX_F64) {
        const double v = w == PX_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
        const double negated = v == 0 ? 0.0 : -v;
        uint64_t key;
        px_t_keys(PX_F64, &negated, 1, &key);
        return isnan(v) ? UINT64_MAX : key;
    }
    uint64_t v = w == PX_BOOL  ? ((const uint8_t *)x)[i]
                 : w == PX_I32 ? (uint64_t)(int64_t)((const int32_t *)x)[i]
                               : ((const uint64_t *)x)[i];
    /* Wraps at the width of the type: 0 stays 0 and sorts first for unsigned ones, the lowest
     * signed number stays itself. */
    const int bits = pgy_dtype_bits(dtype);
    v = 0 - v;
    if (bits < 64)
        v &= (UINT64_C(1) << bits) - 1;
    return px_dtype_is_signed(dtype) ? v ^ (UINT64_C(1) << (bits - 1)) : v;
}

static pgy_status *top_k_of(pgy_tensor *t, int64_t k, int axis, pgy_tensor **out)
{
    static const pgy_dtype dtypes[PX_N_WORK] = {PGY_DTYPE_BOOL, PGY_DTYPE_I32, PGY_DTYPE_I64,
                                                PGY_DTYPE_U64,  PGY_DTYPE_F32, PGY_DTYPE_F64};
    pgy_status *st = NULL;
    pgy_tensor *wide = NULL, *made = NULL;
    entry *list = NULL;
    px_work w;
    int64_t dims[PX_MAX_RANK], inner = 1, outer = 1;
    const int64_t length = t->dims[axis];
    if (!px_work_of(t->dtype, &w))
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED, "%s elements have no order", pgy_dtype_name(t->dtype)));
    k = PX_MIN(k, length);
    memcpy(dims, t->dims, (size_t)t->rank * sizeof *dims);
    dims[axis] = k;
    for (int i = 0; i < t->rank; i++) {
        outer *= i < axis ? t->dims[i] : 1;
        inner *= i > axis ? t->dims[i] : 1;
    }
    PX_TRY(pgy_tensor_cast(t, dtypes[w], &wide));
    PX_TRY(pgy_tensor_new(PGY_DTYPE_I64, t->rank, dims, &made));
    PX_TRY(PX_ALLOC(list, (size_t)length));
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            for (int64_t p = 0; p < length; p++)
                list[p] =
                    (entry){negated_key(t->dtype, w, wide->data, (o * length + p) * inner + i), p};
            qsort(list, (size_t)length, sizeof *list, by_key);
            for (int64_t p = 0; p < k; p++)
                ((int64_t *)made->data)[(o * k + p) * inner + i] = list[p].at;
        }
    *out = made;
    made = NULL;
done:
    pgy_tensor_free(wide);
    pgy_tensor_free(made);
    px_mem_free(list);
    return st;
}

static const px_top_k_arg *find(const px_compare_args *args, const char *output)
{
    const px_top_k_arg *fallback = NULL;
    for (size_t i = 0; i < args->n_top_k; i++) {
        if (strcmp(args->top_k[i].output, output) == 0)
            return &args->top_k[i];
        if (args->top_k[i].output[0] == '\0')
            fallback = &args->top_k[i];
    }
    return fallback;
}

static pgy_status *check(const pgy_tensor *t, const px_top_k_arg *arg, int64_t axis,
                         const char *output)
{
    pgy_status *st = NULL;
    if (t->dtype == PGY_DTYPE_BOOL)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "--postprocess top-%lld cannot order output '%s': it is bool",
                       (long long)arg->k, output));
    if (axis < -t->rank || axis >= t->rank)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "--postprocess top-%lld for output '%s': axis %lld is out of bounds for "
                       "array of dimension %d",
                       (long long)arg->k, output, (long long)axis, t->rank));
    if (arg->k < 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "--postprocess top-%lld for output '%s': K must not be "
                       "negative",
                       (long long)arg->k, output));
done:
    return st;
}

pgy_status *px_top_k_apply(pgy_context *cx, px_top_k *top_k, px_iteration *it)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL, *made = NULL;
    px_lazy *value = NULL;
    const px_compare_script *script = top_k->args->script;
    if (top_k->args->postprocess_func_script.given && script != NULL)
        return script->postprocess(script->user, it);
    for (size_t i = 0; i < it->n_outputs; i++) {
        const char *output = it->outputs[i].name;
        const px_top_k_arg *arg = find(top_k->args, output);
        if (arg == NULL || arg->k == 0)
            continue;
        int64_t axis = arg->has_axis ? arg->axis : -1;
        if (top_k->leak_axis && arg->has_axis) {
            top_k->has_axis = true;
            top_k->axis = axis;
        } else if (top_k->leak_axis && top_k->has_axis) {
            axis = top_k->axis;
        }
        PX_TRY(px_lazy_get(cx, it->outputs[i].value, &t));
        PX_TRY(check(t, arg, axis, output));
        PX_TRY(top_k_of(t, arg->k, (int)(axis < 0 ? axis + t->rank : axis), &made));
        PX_TRY(px_lazy_of_tensor(made, &value));
        px_iteration_replace(it, i, value);
        pgy_tensor_free(t);
        pgy_tensor_free(made);
        t = made = NULL;
    }
done:
    pgy_tensor_free(t);
    pgy_tensor_free(made);
    return st;
}

/* Of a script nothing is said. */
static bool says_so(const px_compare_args *args)
{
    return args->n_top_k > 0 && !args->postprocess_func_script.given;
}

void px_top_k_begin(pgy_context *cx, px_top_k *top_k, const px_compare_args *args)
{
    *top_k = (px_top_k){.args = args, .leak_axis = true};
    if (says_so(args))
        px_log(cx, PGY_LOG_START, PX_AT_POSTPROCESS,
               "Applying post-processing to outputs: top_k_impl");
}

void px_top_k_end(pgy_context *cx, const px_top_k *top_k)
{
    if (says_so(top_k->args))
        px_log(cx, PGY_LOG_FINISH, PX_AT_POSTPROCESS, "Finished applying post-processing");
}

pgy_status *px_postprocess_results(pgy_context *cx, const px_compare_args *args,
                                   px_results *results)
{
    pgy_status *st = NULL;
    px_top_k top_k;
    px_top_k_begin(cx, &top_k, args);
    for (size_t r = 0; r < results->n; r++)
        for (size_t i = 0; i < results->at[r].n; i++)
            PX_TRY(px_top_k_apply(cx, &top_k, &results->at[r].at[i]));
    px_top_k_end(cx, &top_k);
done:
    return st;
}
