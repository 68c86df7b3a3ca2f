/* backend/ref/op/elem.h - elementwise evaluation that the operator families share.
 *
 * A px_elem describes up to three inputs seen under one broadcast shape. Running it calls a row
 * function for runs of elements that are contiguous in the output and have one fixed step per
 * input, from several threads. A row function may assume nothing else about a run, in particular
 * the output may be one of the inputs (same position read before it is written).
 */
#ifndef PX_BACKEND_REF_OP_ELEM_H
#define PX_BACKEND_REF_OP_ELEM_H

#include "backend/ref/ref.h"

#define PX_ELEM_MAX 3

typedef struct px_elem_run {
    void *out;
    const void *in[PX_ELEM_MAX];
    ptrdiff_t step[PX_ELEM_MAX]; /* in elements; 0 repeats the first one */
    int64_t n;
    const void *arg;
} px_elem_run;
typedef void (*px_elem_row)(const px_elem_run *r);

typedef struct px_elem {
    int rank;
    int64_t dims[PX_MAX_RANK];
    int64_t count;
    size_t n_in;
    const pgy_tensor *t[PX_ELEM_MAX];
    const void *data[PX_ELEM_MAX];
    size_t size[PX_ELEM_MAX]; /* bytes of one element */
    int64_t strides[PX_ELEM_MAX][PX_MAX_RANK];
    pgy_context *cx;
} px_elem;

/* Inputs first .. first + n - 1 of the node under numpy's broadcasting. Errors: MODEL. */
PX_MUST_USE pgy_status *px_elem_init(px_ref_call *c, px_elem *e, size_t first, size_t n);
/* Two inputs as in opsets before 7: the second one's dims stand at attribute `axis` (default:
 * aligned to the end) of the first one's when attribute `broadcast` is 1. */
PX_MUST_USE pgy_status *px_elem_init_legacy(px_ref_call *c, px_elem *e);
/* Output `i` with the broadcast shape; takes over an input's buffer when that is possible. */
PX_MUST_USE pgy_status *px_elem_out(px_ref_call *c, const px_elem *e, size_t i, pgy_dtype declared,
                                    void **out);
/* Calls `row` until all of `out` (elements of `out_size` bytes) is written. */
void px_elem_apply(const px_elem *e, void *out, size_t out_size, px_elem_row row, const void *arg);

/* Storage dtype of an input; all kernels switch on it. */
static inline pgy_dtype px_elem_storage(const px_elem *e, size_t k)
{
    return e->t[k]->dtype;
}

/* MODEL error that names the node and the types when inputs 0 and `k` are stored differently. */
PX_MUST_USE pgy_status *px_elem_same_type(px_ref_call *c, const px_elem *e, size_t k);
/* UNSUPPORTED error: the operator does not take this element type. */
PX_MUST_USE pgy_status *px_elem_bad_type(const px_ref_call *c, size_t input);

/* Output 0 = row(input 0), same type and shape. `rows` holds a function per numeric type, NULL
 * where the operator does not take it. The step of a run is 1. */
PX_MUST_USE pgy_status *px_elem_unary(px_ref_call *c, const px_elem_row *rows, const void *arg);
/* The same for operators on floats alone. */
PX_MUST_USE pgy_status *px_elem_map(px_ref_call *c, px_elem_row row, const void *arg);
/* Index in [0, PX_N_NUMERIC) of a storage dtype for function tables: F64, I8, I16, I32, I64, U8,
 * U16, U32, U64; -1 for others. */
#define PX_N_NUMERIC 9
int px_numeric_index(pgy_dtype storage);

/* The loops. `T` and `R` are the element types, `expr` uses x (and y); steps 1 and 0 get loops of
 * their own that compilers vectorise. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* a loop that calls libm stays scalar */
#define PX_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define PX_INDEPENDENT _Pragma("GCC ivdep")
#endif

#define PX_ROW1(name, T, R, expr)                                                                  \
    static void name(const px_elem_run *r)                                                         \
    {                                                                                              \
        R *o = r->out;                                                                             \
        const T *a = r->in[0];                                                                     \
        const ptrdiff_t sa = r->step[0];                                                           \
        const int64_t n = r->n;                                                                    \
        if (sa == 1) {                                                                             \
            PX_INDEPENDENT                                                                         \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const T x = a[i];                                                                  \
                o[i] = (R)(expr);                                                                  \
            }                                                                                      \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const T x = a[i * sa];                                                             \
                o[i] = (R)(expr);                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

#define PX_ROW2_LOOP(T, R, expr, at_a, at_b)                                                       \
    for (int64_t i = 0; i < n; i++) {                                                              \
        const T x = at_a, y = at_b;                                                                \
        o[i] = (R)(expr);                                                                          \
    }

#define PX_ROW2(name, T, R, expr)                                                                  \
    static void name(const px_elem_run *r)                                                         \
    {                                                                                              \
        R *o = r->out;                                                                             \
        const T *a = r->in[0], *b = r->in[1];                                                      \
        const ptrdiff_t sa = r->step[0], sb = r->step[1];                                          \
        const int64_t n = r->n;                                                                    \
        if (sa == 1 && sb == 1) {                                                                  \
            PX_INDEPENDENT PX_ROW2_LOOP(T, R, expr, a[i], b[i])                                    \
        } else if (sa == 1 && sb == 0) {                                                           \
            const T second = *b;                                                                   \
            PX_INDEPENDENT PX_ROW2_LOOP(T, R, expr, a[i], second)                                  \
        } else if (sa == 0 && sb == 1) {                                                           \
            const T first = *a;                                                                    \
            PX_INDEPENDENT PX_ROW2_LOOP(T, R, expr, first, b[i])                                   \
        } else {                                                                                   \
            PX_ROW2_LOOP(T, R, expr, a[i * sa], b[i * sb])                                         \
        }                                                                                          \
    }

#endif
