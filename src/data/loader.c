/* data/loader.c - which shape, which range, which generator; see loader.h.
 *
 * The texts and the order of the messages are the reference's.
 */
#include "data/loader.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/tensor.h"
#include "data/metadata.h"
#include "data/rng_torch.h"

#include <inttypes.h>
#include <math.h>

#define DEFAULT_SEED 1
#define DEFAULT_INT_MIN 1
#define DEFAULT_INT_MAX 25
#define DEFAULT_FLOAT_MIN (-1.0)
#define DEFAULT_FLOAT_MAX 1.0

struct px_loader {
    pgy_context *cx;
    const px_data_args *args;
    const px_opt_shapes *shapes;
    const pgy_io *inputs;
    size_t n;
    bool torch;
    px_rng_mt rng;
};

/* --- feeds --- */

pgy_status *px_feed_add(px_feed *feed, const char *name, pgy_tensor *take_tensor)
{
    pgy_status *st = NULL;
    size_t cap = feed->cap;
    char *copy = NULL;

    PX_TRY(px_mem_reserve((void **)&feed->names, &cap, feed->n, 1, sizeof *feed->names));
    cap = feed->cap;
    PX_TRY(px_mem_reserve((void **)&feed->tensors, &cap, feed->n, 1, sizeof *feed->tensors));
    feed->cap = cap;
    copy = px_mem_strdup(name);
    if (copy == NULL)
        PX_TRY(px_status_nomem());
    feed->names[feed->n] = copy;
    feed->tensors[feed->n++] = take_tensor;
    take_tensor = NULL;
done:
    pgy_tensor_free(take_tensor);
    return st;
}

void px_feed_clear(px_feed *feed)
{
    for (size_t i = 0; i < feed->n; i++) {
        px_mem_free(feed->names[i]);
        pgy_tensor_free(feed->tensors[i]);
    }
    feed->n = 0;
}

void px_feed_fini(px_feed *feed)
{
    px_feed_clear(feed);
    px_mem_free(feed->names);
    px_mem_free(feed->tensors);
    *feed = (px_feed){0};
}

/* --- opening --- */

static bool is_dynamic(int rank, const int64_t *dims)
{
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0)
            return true;
    return false;
}

pgy_status *px_loader_open(pgy_context *cx, const px_data_args *args, const px_opt_shapes *shapes,
                           const pgy_io *inputs, size_t n, px_loader **out)
{
    pgy_status *st = NULL;
    px_loader *loader = NULL;
    const px_opt_str *const module = &args->data_loader_backend_module;

    PX_TRY(PX_ALLOC(loader, 1));
    loader->cx = cx;
    loader->args = args;
    loader->shapes = shapes;
    loader->inputs = inputs;
    loader->n = n;
    loader->torch = module->given && module->value != NULL && strcmp(module->value, "torch") == 0;
    *out = loader;
    loader = NULL;
done:
    px_loader_close(loader);
    return st;
}

pgy_status *px_loader_for(const px_loader *loader, const pgy_io *inputs, size_t n, px_loader **out)
{
    px_loader *copy = px_mem_alloc(sizeof *copy);

    if (copy == NULL)
        return px_status_nomem();
    *copy = *loader;
    copy->inputs = inputs;
    copy->n = n;
    *out = copy;
    return NULL;
}

void px_loader_close(px_loader *loader)
{
    px_mem_free(loader);
}

int64_t px_loader_count(const px_loader *loader)
{
    const px_opt_int *const n = &loader->args->iterations;

    return n->given ? PX_MAX(n->value, 0) : 1;
}

/* --- shapes --- */

static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?[]!") != NULL;
}

static bool names_input(const px_opt_shape *shape, const pgy_io *input)
{
    return strcmp(shape->name, input->name) == 0 ||
           px_str_fnmatch(px_str_of(shape->name), px_str_of(input->name));
}

static void warn_unmatched_shapes(const px_loader *loader)
{
    for (size_t i = 0; loader->shapes != NULL && i < loader->shapes->n; i++) {
        const char *const name = loader->shapes->at[i].name;
        const char *similar = NULL;
        bool found = false;
        for (size_t k = 0; k < loader->n; k++) {
            found = found || names_input(&loader->shapes->at[i], &loader->inputs[k]);
            if (similar == NULL &&
                px_str_overlap_nocase(px_str_of(name), px_str_of(loader->inputs[k].name)))
                similar = loader->inputs[k].name;
        }
        if (found)
            continue;
        if (is_pattern(name))
            px_log(loader->cx, PGY_LOG_WARNING, PX_AT_DATA,
                   "Input tensor wildcard: %s | Metadata was provided, but none of the matched "
                   "inputs exist in one or more runners.",
                   name);
        else
            px_log(loader->cx, PGY_LOG_WARNING, PX_AT_DATA,
                   "Input tensor: %s | Metadata was provided, but the input does not exist in one "
                   "or more runners.%s%s%s",
                   name, similar != NULL ? "\nMaybe you meant to set: " : "",
                   similar != NULL ? similar : "", similar != NULL ? "?" : "");
    }
}

/* The shape the user gave for this input: the last name or pattern that matches. */
static const px_opt_shape *user_shape(const px_loader *loader, const pgy_io *input)
{
    const px_opt_shape *found = NULL;

    for (size_t i = 0; loader->shapes != NULL && i < loader->shapes->n; i++)
        if (!loader->shapes->at[i].is_auto && names_input(&loader->shapes->at[i], input))
            found = &loader->shapes->at[i];
    return found;
}

/* A 1-D integer input with as many elements as the user's shape has dims holds that shape. */
static bool is_shape_tensor(const pgy_io *input, const px_opt_shape *user)
{
    return input->rank == 1 && input->dims[0] == user->rank &&
           (px_dtype_is_int(input->dtype) || input->dtype == PGY_DTYPE_UNKNOWN) &&
           !is_dynamic(user->rank, user->dims);
}

static bool can_override(const pgy_io *input, const px_opt_shape *user)
{
    if (input->rank < 0)
        return true;
    if (input->rank != user->rank)
        return false;
    for (int i = 0; i < user->rank; i++)
        if (input->dims[i] >= 0 && input->dims[i] != user->dims[i])
            return false;
    return true;
}

/* Why the user's shape is not used, if it is not; *out_use tells. */
static pgy_status *judge_user_shape(const px_loader *loader, const pgy_io *input,
                                    const px_opt_shape *user, bool *out_use)
{
    pgy_status *st = NULL;
    px_buf model = {0}, given = {0};

    *out_use = false;
    px_io_print_bounded(&model, input);
    px_opt_shape_print_bounded(&given, user);
    PX_TRY(px_buf_status(&model));
    PX_TRY(px_buf_status(&given));
    if (is_dynamic(user->rank, user->dims))
        px_log(loader->cx, PGY_LOG_WARNING, PX_AT_DATA,
               "Input tensor: %s [shape=%s] | Provided input shape: %s is dynamic.\n"
               "Dynamic shapes cannot be used to generate inference data. Will use default shape "
               "instead.\nTo avoid this, please provide a fixed shape to the data loader. ",
               input->name, px_buf_cstr(&model), px_buf_cstr(&given));
    else if (!can_override(input, user) && !is_shape_tensor(input, user))
        px_log_once(loader->cx, PGY_LOG_WARNING, PX_AT_DATA,
                    "Input tensor: %s [shape=%s] | Cannot use provided custom shape: %s to "
                    "override tensor shape. Will use default shape instead.",
                    input->name, px_buf_cstr(&model), px_buf_cstr(&given));
    else
        *out_use = true;
done:
    px_buf_fini(&model);
    px_buf_fini(&given);
    return st;
}

/* Dynamic dims become 1, with a warning. A shape that the model does not state is that of a scalar:
 * so the reference has it from ONNX Runtime. */
static pgy_status *default_shape(const px_loader *loader, const pgy_io *input, int64_t *dims)
{
    pgy_status *st = NULL;
    px_buf model = {0}, chosen = {0};

    if (input->rank > PX_MAX_RANK)
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "Input tensor: %s | It has %d dimensions; at most %d are supported",
                       input->name, input->rank, PX_MAX_RANK);
    for (int i = 0; i < input->rank; i++)
        dims[i] = input->dims[i] < 0 ? 1 : input->dims[i];
    if (is_dynamic(input->rank, input->dims)) {
        px_io_print_bounded(&model, input);
        px_shape_print_list(&chosen, input->rank, dims);
        PX_TRY(px_buf_status(&model));
        PX_TRY(px_buf_status(&chosen));
        px_log_once(loader->cx, PGY_LOG_WARNING, PX_AT_DATA,
                    "Input tensor: %s [shape=%s] | Will generate data of shape: %s.\n"
                    "If this is incorrect, please provide a custom data loader.",
                    input->name, px_buf_cstr(&model), px_buf_cstr(&chosen));
    }
done:
    px_buf_fini(&model);
    px_buf_fini(&chosen);
    return st;
}

/* --- ranges --- */

/* Wide enough for every bound of every integer type. */
__extension__ typedef __int128 wide_int;

typedef struct range {
    double lo, hi;      /* for floats */
    px_cast low, high;  /* as given */
    const char *option; /* that set it */
} range;

static px_cast cast_int(int64_t v)
{
    return (px_cast){.kind = PX_CAST_INT, .i = v, .f = (double)v};
}

static px_cast cast_float(double v)
{
    return (px_cast){.kind = PX_CAST_FLOAT, .f = v};
}

static range range_of(const px_loader *loader, const pgy_io *input)
{
    const px_data_args *const a = loader->args;
    const px_val_range *found = NULL;
    range r = {.low = cast_float(0), .high = cast_float(1), .option = "--val-range"};

    for (size_t i = 0; i < a->n_ranges; i++) {
        if (strcmp(a->ranges[i].input, input->name) == 0) {
            found = &a->ranges[i];
            break;
        }
        if (a->ranges[i].input[0] == 0)
            found = &a->ranges[i];
    }
    if (found != NULL) {
        r.low = found->low;
        r.high = found->high;
    }
    if (px_dtype_is_int(input->dtype) && (a->int_min.given || a->int_max.given)) {
        r.low = cast_int(a->int_min.given ? a->int_min.value : DEFAULT_INT_MIN);
        r.high = cast_int(a->int_max.given ? a->int_max.value : DEFAULT_INT_MAX);
        r.option = "--int-min/--int-max";
    }
    const bool floating = !px_dtype_is_int(input->dtype) && input->dtype != PGY_DTYPE_BOOL;
    if (floating && (a->float_min.given || a->float_max.given)) {
        r.low = cast_float(a->float_min.given ? a->float_min.value : DEFAULT_FLOAT_MIN);
        r.high = cast_float(a->float_max.given ? a->float_max.value : DEFAULT_FLOAT_MAX);
        r.option = "--float-min/--float-max";
    }
    r.lo = r.low.f;
    r.hi = r.high.f;
    return r;
}

static void print_bound(px_buf *b, const px_cast *v)
{
    if (v->kind == PX_CAST_INT)
        px_buf_printf(b, "%" PRId64, v->i);
    else
        px_fmt_repr_f64(b, v->f);
}

static pgy_status *bad_range(const pgy_io *input, const range *r, const char *why)
{
    pgy_status *st;
    px_buf low = {0}, high = {0};

    print_bound(&low, &r->low);
    print_bound(&high, &r->high);
    st = PX_FAIL(PGY_ERR_USAGE, "%s: the range [%s, %s] cannot be used for input %s of type %s: %s",
                 r->option, px_buf_cstr(&low), px_buf_cstr(&high), input->name,
                 pgy_dtype_name(input->dtype), why);
    px_buf_fini(&low);
    px_buf_fini(&high);
    return st;
}

/* Python's int(): truncation. False for an infinity, a NaN, or what no type here can hold. */
static bool whole(const px_cast *v, wide_int *out)
{
    if (v->kind == PX_CAST_INT) {
        *out = v->i;
        return true;
    }
    if (!(fabs(v->f) < 0x1p100))
        return false;
    *out = (wide_int)v->f;
    /* 2^64 - 1 and its neighbours are no doubles: the nearest one means the largest uint64. */
    if (v->f == 0x1p64)
        *out -= 1;
    return true;
}

static pgy_status *int_bounds(const pgy_io *input, const range *r, uint64_t *out_lo,
                              uint64_t *out_hi)
{
    wide_int lo, hi;
    const int bits = pgy_dtype_bits(input->dtype);
    const bool is_signed = px_dtype_is_signed(input->dtype);
    const wide_int min = is_signed ? -((wide_int)1 << (bits - 1)) : 0;
    const wide_int max = ((wide_int)1 << (is_signed ? bits - 1 : bits)) - 1;

    if (!whole(&r->low, &lo) || !whole(&r->high, &hi))
        return bad_range(input, r, "both bounds must be finite numbers that fit the type");
    if (lo < min || hi > max || lo > max || hi < min)
        return bad_range(input, r, "a bound lies outside of what the type can hold");
    if (lo > hi)
        return bad_range(input, r, "the lower bound is above the upper one");
    *out_lo = (uint64_t)lo;
    *out_hi = (uint64_t)hi;
    return NULL;
}

static pgy_status *bool_bounds(const pgy_io *input, const range *r, uint64_t *out_lo,
                               uint64_t *out_hi)
{
    *out_lo = r->lo != 0; /* NaN is true, as in Python */
    *out_hi = r->hi != 0;
    return *out_lo > *out_hi ? bad_range(input, r, "it goes from True down to False") : NULL;
}

/* --- drawing --- */

static void draw_integers(px_loader *loader, pgy_tensor *t, uint64_t lo, uint64_t hi)
{
    if (loader->torch)
        px_rng_torch_integers(&loader->rng, lo, hi, t->dtype, t->data, t->count);
    else
        px_rng_mt_integers(&loader->rng, lo, hi, t->dtype, t->data, t->count);
}

static pgy_status *fill_integers(px_loader *loader, const pgy_io *input, const range *r,
                                 pgy_tensor *t)
{
    pgy_status *st = NULL;
    uint64_t lo = 0, hi = 0;

    if (t->dtype == PGY_DTYPE_BOOL) {
        PX_TRY(bool_bounds(input, r, &lo, &hi));
        px_log_once(loader->cx, PGY_LOG_VERBOSE, PX_AT_DATA,
                    "Input tensor: %s | Generating input data in range: [%s, %s]", input->name,
                    lo ? "True" : "False", hi ? "True" : "False");
    } else {
        PX_TRY(int_bounds(input, r, &lo, &hi));
        if (px_dtype_is_signed(t->dtype))
            px_log_once(loader->cx, PGY_LOG_VERBOSE, PX_AT_DATA,
                        "Input tensor: %s | Generating input data in range: [%" PRId64 ", %" PRId64
                        "]",
                        input->name, (int64_t)lo, (int64_t)hi);
        else
            px_log_once(loader->cx, PGY_LOG_VERBOSE, PX_AT_DATA,
                        "Input tensor: %s | Generating input data in range: [%" PRIu64 ", %" PRIu64
                        "]",
                        input->name, lo, hi);
    }
    draw_integers(loader, t, lo, hi);
done:
    return st;
}

static pgy_status *fill_floats(px_loader *loader, const pgy_io *input, const range *r,
                               pgy_tensor *t)
{
    pgy_status *st = NULL;
    px_buf low = {0}, high = {0};

    px_fmt_repr_f64(&low, r->lo);
    px_fmt_repr_f64(&high, r->hi);
    PX_TRY(px_buf_status(&low));
    PX_TRY(px_buf_status(&high));
    px_log_once(loader->cx, PGY_LOG_VERBOSE, PX_AT_DATA,
                "Input tensor: %s | Generating input data in range: [%s, %s]", input->name,
                px_buf_cstr(&low), px_buf_cstr(&high));
    if (loader->torch)
        px_rng_torch_rand(&loader->rng, t->dtype, t->data, t->count);
    else
        px_rng_mt_uniform(&loader->rng, r->lo, r->hi, t->dtype, t->data, t->count);
done:
    px_buf_fini(&low);
    px_buf_fini(&high);
    return st;
}

/* The values of `user` as numpy prints them: right-aligned to the widest, "[ 2 10]". */
static void print_values(px_buf *b, const px_opt_shape *user)
{
    int width = 1;

    for (int i = 0; i < user->rank; i++)
        width = PX_MAX(width, snprintf(NULL, 0, "%" PRId64, user->dims[i]));
    px_buf_putc(b, '[');
    for (int i = 0; i < user->rank; i++)
        px_buf_printf(b, "%s%*" PRId64, i > 0 ? " " : "", width, user->dims[i]);
    px_buf_putc(b, ']');
}

static pgy_status *make_shape_tensor(const px_loader *loader, const pgy_io *input,
                                     const px_opt_shape *user, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *values = NULL;
    px_buf text = {0};
    const int64_t count = user->rank;
    const pgy_dtype dtype = input->dtype == PGY_DTYPE_UNKNOWN ? PGY_DTYPE_I64 : input->dtype;

    PX_TRY(px_tensor_new_raw(PGY_DTYPE_I64, 1, &count, &values));
    if (count > 0)
        memcpy(values->data, user->dims, values->size);
    print_values(&text, user);
    PX_TRY(px_buf_status(&text));
    px_log_once(loader->cx, PGY_LOG_INFO, PX_AT_DATA,
                "Assuming %s is a shape tensor. Setting input values to: %s. If these values are "
                "not correct, please set it correctly in 'input_metadata' or by providing "
                "--input-shapes",
                input->name, px_buf_cstr(&text));
    PX_TRY(pgy_tensor_cast(values, dtype, out));
done:
    pgy_tensor_free(values);
    px_buf_fini(&text);
    return st;
}

/* Out of memory says nothing of its cause, and here the cause is a shape. */
static pgy_status *make_room(const pgy_io *input, pgy_dtype dtype, int rank, const int64_t *dims,
                             pgy_tensor **out)
{
    pgy_status *st = px_tensor_new_raw(dtype, rank, dims, out);
    px_buf text = {0};
    if (st == NULL || pgy_status_code(st) != PGY_ERR_NOMEM)
        return px_status_while(st, "making room for the data of input %s", input->name);
    px_shape_print_list(&text, rank, dims);
    if (!text.failed) {
        pgy_status_free(st);
        st = PX_FAIL(PGY_ERR_NOMEM,
                     "Input tensor: %s | There is not enough memory for data of shape %s and type "
                     "%s. Give a smaller shape with --input-shapes",
                     input->name, px_buf_cstr(&text), pgy_dtype_name(dtype));
    }
    px_buf_fini(&text);
    return st;
}

static pgy_status *make_input(px_loader *loader, const pgy_io *input, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    const px_opt_shape *user = user_shape(loader, input);
    const pgy_dtype dtype = input->dtype == PGY_DTYPE_UNKNOWN ? PGY_DTYPE_F64 : input->dtype;
    int64_t own[PX_MAX_RANK];
    const int64_t *dims = own;
    int rank = PX_MAX(input->rank, 0);
    bool use = false;

    if (dtype == PGY_DTYPE_STRING || px_dtype_is_complex(dtype))
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "Input tensor: %s | No data can be generated for type %s. Give it with "
                       "--load-inputs or --data-loader-script",
                       input->name, pgy_dtype_name(dtype)));
    if (user != NULL)
        PX_TRY(judge_user_shape(loader, input, user, &use));
    if (use && is_shape_tensor(input, user)) {
        PX_TRY(make_shape_tensor(loader, input, user, out));
        goto done;
    }
    if (use) {
        rank = user->rank;
        dims = user->dims;
    } else {
        PX_TRY(default_shape(loader, input, own));
    }
    PX_TRY(make_room(input, dtype, rank, dims, &t));
    const range r = range_of(loader, input);
    if (px_dtype_is_int(dtype) || dtype == PGY_DTYPE_BOOL)
        PX_TRY(fill_integers(loader, input, &r, t));
    else
        PX_TRY(fill_floats(loader, input, &r, t));
    *out = t;
    t = NULL;
done:
    pgy_tensor_free(t);
    return st;
}

/* Python's set of the given names; its order is not defined there. */
static void print_set(px_buf *b, const char *const *names, size_t n)
{
    px_buf_putc(b, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            px_buf_puts(b, ", ");
        px_buf_repr(b, px_str_of(names[i]));
    }
    px_buf_putc(b, '}');
}

static bool is_input(const px_loader *loader, const char *name)
{
    for (size_t i = 0; i < loader->n; i++)
        if (strcmp(loader->inputs[i].name, name) == 0)
            return true;
    return false;
}

static pgy_status *warn_extra_ranges(const px_loader *loader)
{
    pgy_status *st = NULL;
    const px_data_args *const a = loader->args;
    const char **names = NULL; /* three lists one after the other */
    size_t n_extra = 0;
    px_buf extra = {0}, asked = {0}, all = {0};

    PX_TRY(PX_ALLOC(names, 2 * a->n_ranges + loader->n + 1));
    for (size_t i = 0; i < a->n_ranges; i++)
        if (a->ranges[i].input[0] != 0 && !is_input(loader, a->ranges[i].input))
            names[n_extra++] = a->ranges[i].input;
    if (n_extra == 0)
        goto done;
    print_set(&extra, names, n_extra);
    names[0] = "";
    for (size_t i = 0; i < loader->n; i++)
        names[i + 1] = loader->inputs[i].name;
    print_set(&asked, names, loader->n + 1);
    for (size_t i = 0; i < a->n_ranges; i++)
        names[i] = a->ranges[i].input;
    print_set(&all, names, a->n_ranges);
    px_log(loader->cx, PGY_LOG_WARNING, PX_AT_DATA,
           "Extra items in val_range: %s.\nNote: items requested were: %s, but all items are: %s",
           px_buf_cstr(&extra), px_buf_cstr(&asked), px_buf_cstr(&all));
done:
    px_buf_fini(&extra);
    px_buf_fini(&asked);
    px_buf_fini(&all);
    px_mem_free(names);
    return st;
}

static pgy_status *seed_generator(px_loader *loader, int64_t index)
{
    const int64_t first = loader->args->seed.given ? loader->args->seed.value : DEFAULT_SEED;
    int64_t seed;

    if (__builtin_add_overflow(first, index, &seed) ||
        (!loader->torch && (seed < 0 || seed > UINT32_MAX)))
        return PX_FAIL(PGY_ERR_USAGE,
                       "--seed: iteration %" PRId64 " needs the seed %" PRId64 " + %" PRId64
                       ", but a seed must lie between 0 and 4294967295",
                       index, first, index);
    px_log(loader->cx, PGY_LOG_VERBOSE, PX_AT_DATA, "Generating data using numpy seed: %" PRId64,
           seed);
    px_rng_mt_seed(&loader->rng, (uint32_t)seed); /* torch takes the low 32 bits */
    return NULL;
}

pgy_status *px_loader_feed(px_loader *loader, int64_t index, px_feed *out)
{
    pgy_status *st = NULL;
    px_feed feed = {0};

    PX_TRY(seed_generator(loader, index));
    warn_unmatched_shapes(loader);
    for (size_t i = 0; i < loader->n; i++) {
        pgy_tensor *t = NULL;
        PX_TRY(make_input(loader, &loader->inputs[i], &t));
        PX_TRY(px_feed_add(&feed, loader->inputs[i].name, t));
    }
    PX_TRY(warn_extra_ranges(loader));
    px_feed_fini(out);
    *out = feed;
    feed = (px_feed){0};
done:
    px_feed_fini(&feed);
    return st;
}
