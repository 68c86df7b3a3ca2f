/* data/match_shape.c - see match_shape.h. */
#include "data/match_shape.h"

#include "base/log.h"
#include "data/metadata.h"

/* --- transposition --- */

typedef struct walk {
    int rank;
    int64_t dims[PX_MAX_RANK];    /* of the result */
    int64_t strides[PX_MAX_RANK]; /* of the source, in elements, per axis of the result */
} walk;

/* Drops axes of length 1 and joins axes that are neighbours in both arrays. */
static void simplify(walk *w)
{
    int n = 0;

    for (int i = 0; i < w->rank; i++) {
        if (w->dims[i] == 1)
            continue;
        if (n > 0 && w->strides[n - 1] == w->dims[i] * w->strides[i]) {
            w->dims[n - 1] *= w->dims[i];
            w->strides[n - 1] = w->strides[i];
        } else {
            w->dims[n] = w->dims[i];
            w->strides[n++] = w->strides[i];
        }
    }
    w->rank = n;
}

#define GATHER(name, type)                                                                         \
    static void name(const void *src, int64_t stride, void *dst, int64_t n)                        \
    {                                                                                              \
        const type *const from = src;                                                              \
        type *const to = dst;                                                                      \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] = from[i * stride];                                                              \
    }

typedef struct wide {
    uint64_t a, b;
} wide;

GATHER(gather_8, uint8_t)
GATHER(gather_16, uint16_t)
GATHER(gather_32, uint32_t)
GATHER(gather_64, uint64_t)
GATHER(gather_128, wide)

typedef void (*gather_fn)(const void *src, int64_t stride, void *dst, int64_t n);

static gather_fn gather_of(size_t item)
{
    switch (item) {
    case 1:
        return gather_8;
    case 2:
        return gather_16;
    case 4:
        return gather_32;
    case 8:
        return gather_64;
    default:
        return gather_128;
    }
}

/* `w` has at least one axis and every dim is at least 2. */
static void copy_walk(const walk *w, size_t item, const char *src, char *dst)
{
    const gather_fn gather = gather_of(item);
    const int last = w->rank - 1;
    int64_t index[PX_MAX_RANK] = {0};
    int64_t offset = 0;

    for (;;) {
        gather(src + offset * (int64_t)item, w->strides[last], dst, w->dims[last]);
        dst += w->dims[last] * (int64_t)item;
        int axis = last - 1;
        for (; axis >= 0; axis--) {
            offset += w->strides[axis];
            if (++index[axis] < w->dims[axis])
                break;
            offset -= w->strides[axis] * w->dims[axis];
            index[axis] = 0;
        }
        if (axis < 0)
            return;
    }
}

/* Sub-byte elements go through one byte each. */
static pgy_status *transpose_packed(pgy_tensor *t, const int *perm, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *bytes = NULL, *moved = NULL;
    const pgy_dtype wide_type = px_dtype_is_float(t->dtype)    ? PGY_DTYPE_F32
                                : px_dtype_is_signed(t->dtype) ? PGY_DTYPE_I8
                                                               : PGY_DTYPE_U8;

    PX_TRY(pgy_tensor_cast(t, wide_type, &bytes));
    PX_TRY(px_tensor_transpose(bytes, perm, &moved));
    PX_TRY(pgy_tensor_cast(moved, t->dtype, out));
done:
    pgy_tensor_free(bytes);
    pgy_tensor_free(moved);
    return st;
}

/* What an element takes; a moved array of strings is copied by its owner afterwards. */
static pgy_status *transpose_items(pgy_tensor *t, const walk *w, const int64_t *dims,
                                   pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *moved = NULL;
    pgy_string *strings = NULL;

    if (t->dtype == PGY_DTYPE_STRING) {
        PX_TRY(PX_ALLOC(strings, (size_t)t->count));
        copy_walk(w, sizeof *strings, t->data, (char *)strings);
        PX_TRY(px_tensor_new_strings(t->rank, dims, strings, out));
    } else {
        PX_TRY(px_tensor_new_raw(t->dtype, t->rank, dims, &moved));
        copy_walk(w, (size_t)pgy_dtype_bits(t->dtype) / 8, t->data, moved->data);
        *out = moved;
    }
done:
    px_mem_free(strings);
    return st;
}

pgy_status *px_tensor_transpose(pgy_tensor *t, const int *perm, pgy_tensor **out)
{
    int64_t strides[PX_MAX_RANK];
    int64_t dims[PX_MAX_RANK] = {0};
    walk w = {.rank = t->rank};
    int64_t stride = 1;

    for (int i = t->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= t->dims[i];
    }
    for (int i = 0; i < t->rank; i++) {
        dims[i] = w.dims[i] = t->dims[perm[i]];
        w.strides[i] = strides[perm[i]];
    }
    if (t->count > 0)
        simplify(&w);
    if (t->count == 0 || w.rank == 0 || (w.rank == 1 && w.strides[0] == 1))
        return pgy_tensor_reshape(t, t->rank, dims, out);
    if (pgy_dtype_bits(t->dtype) < 8)
        return transpose_packed(t, perm, out);
    return transpose_items(t, &w, dims, out);
}

/* --- the procedure --- */

typedef struct target {
    int rank;
    int64_t dims[PX_MAX_RANK];
    const pgy_io *input; /* that wants the shape, or NULL */
    bool resolved;       /* a dynamic dim was filled in: messages then show a list */
} target;

static void print_target(px_buf *b, const target *to)
{
    if (to->resolved)
        px_shape_print_list(b, to->rank, to->dims);
    else if (to->input != NULL)
        px_io_print_bounded(b, to->input);
    else
        px_shape_print(b, to->rank, to->dims);
}

static void resolve(const pgy_tensor *t, target *to)
{
    int n_dynamic = 0, where = 0;
    int64_t known = 1;

    for (int i = 0; i < to->rank; i++) {
        if (to->dims[i] < 0) {
            n_dynamic++;
            where = i;
        } else if (__builtin_mul_overflow(known, to->dims[i], &known)) {
            known = INT64_MAX;
        }
    }
    if (n_dynamic == 1) {
        to->dims[where] = known == 0 ? 0 : t->count / known;
        to->resolved = true;
    } else if (n_dynamic > 1 && t->rank == to->rank) {
        for (int i = 0; i < to->rank; i++)
            if (to->dims[i] < 0)
                to->dims[i] = t->dims[i];
        to->resolved = true;
    }
}

/* Replaces *inout by its reshape when the element counts agree. */
static pgy_status *try_reshape(pgy_context *cx, const target *to, pgy_tensor **inout)
{
    pgy_status *st = NULL;
    pgy_tensor *shaped = NULL;
    px_buf text = {0}, from = {0};
    int64_t count;

    if (px_shape_eq((*inout)->rank, (*inout)->dims, to->rank, to->dims))
        return NULL;
    px_shape_print(&from, (*inout)->rank, (*inout)->dims);
    if (!px_shape_count(to->rank, to->dims, &count) || count != (*inout)->count) {
        print_target(&text, to);
        px_log(cx, PGY_LOG_WARNING, PX_AT_UTIL,
               "Could not reshape array from shape: %s to %s. Skipping reshape.",
               px_buf_cstr(&from), px_buf_cstr(&text));
        goto done;
    }
    PX_TRY(pgy_tensor_reshape(*inout, to->rank, to->dims, &shaped));
    px_shape_print(&text, to->rank, to->dims);
    px_log(cx, PGY_LOG_INFO, PX_AT_UTIL, "Reshaped array from shape: %s to: %s", px_buf_cstr(&from),
           px_buf_cstr(&text));
    pgy_tensor_free(*inout);
    *inout = shaped;
done:
    px_buf_fini(&text);
    px_buf_fini(&from);
    return st;
}

/* For each wanted dim the first unused axis of that length. False when some dim has none. */
static bool find_permutation(const pgy_tensor *t, const target *to, int *perm)
{
    bool used[PX_MAX_RANK] = {false};

    for (int i = 0; i < to->rank; i++) {
        int axis = 0;
        while (axis < t->rank && (used[axis] || t->dims[axis] != to->dims[i]))
            axis++;
        if (axis == t->rank)
            return false;
        used[axis] = true;
        perm[i] = axis;
    }
    return true;
}

static pgy_status *try_permute(pgy_context *cx, const target *to, pgy_tensor **inout)
{
    pgy_status *st = NULL;
    pgy_tensor *moved = NULL;
    px_buf from = {0}, text = {0};
    int perm[PX_MAX_RANK];

    if (px_shape_eq((*inout)->rank, (*inout)->dims, to->rank, to->dims))
        return NULL;
    px_shape_print(&from, (*inout)->rank, (*inout)->dims);
    print_target(&text, to);
    if (!find_permutation(*inout, to, perm)) {
        px_log(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_UTIL,
               "Array of shape: %s cannot be permuted to: %s", px_buf_cstr(&from),
               px_buf_cstr(&text));
        goto done;
    }
    PX_TRY(px_tensor_transpose(*inout, perm, &moved));
    px_buf_fini(&text);
    px_shape_print(&text, to->rank, to->dims);
    px_buf_puts(&text, " using permutation [");
    for (int i = 0; i < to->rank; i++)
        px_buf_printf(&text, "%s%d", i > 0 ? ", " : "", perm[i]);
    px_buf_putc(&text, ']');
    px_log(cx, PGY_LOG_INFO, PX_AT_UTIL, "Permuted array of shape: %s to: %s", px_buf_cstr(&from),
           px_buf_cstr(&text));
    pgy_tensor_free(*inout);
    *inout = moved;
done:
    px_buf_fini(&text);
    px_buf_fini(&from);
    return st;
}

static pgy_status *match(pgy_context *cx, pgy_tensor *t, target *to, pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *x = pgy_tensor_ref(t);

    if (!px_shape_eq(t->rank, t->dims, to->rank, to->dims)) {
        resolve(t, to);
        if (x->rank != to->rank)
            PX_TRY(try_reshape(cx, to, &x));
        if (x->rank == to->rank)
            PX_TRY(try_permute(cx, to, &x));
        PX_TRY(try_reshape(cx, to, &x));
    }
    *out = x;
    x = NULL;
done:
    pgy_tensor_free(x);
    return st;
}

pgy_status *px_match_shape(pgy_context *cx, pgy_tensor *t, int rank, const int64_t *dims,
                           pgy_tensor **out)
{
    target to = {.rank = rank};

    if (rank > 0)
        memcpy(to.dims, dims, (size_t)rank * sizeof *dims);
    return match(cx, t, &to, out);
}

pgy_status *px_match_input_shape(pgy_context *cx, pgy_tensor *t, const pgy_io *input,
                                 pgy_tensor **out)
{
    target to = {.rank = PX_MIN(input->rank, PX_MAX_RANK), .input = input};

    for (int i = 0; i < to.rank; i++)
        to.dims[i] = input->dims[i];
    return match(cx, t, &to, out);
}

bool px_shape_fits(int rank, const int64_t *dims, int wanted_rank, const int64_t *wanted)
{
    if (rank != wanted_rank)
        return wanted_rank < 0;
    for (int i = 0; i < rank; i++)
        if (wanted[i] >= 0 && wanted[i] != dims[i])
            return false;
    return true;
}
