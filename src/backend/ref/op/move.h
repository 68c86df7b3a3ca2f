/* backend/ref/op/move.h - moving elements that nobody looks into, for the operators that only
 * rearrange, and small tools for hostile shapes.
 *
 * An operator's row serves every later version until the next row: versions of the standard that
 * only widen the types need no row of their own.
 */
#ifndef PX_BACKEND_REF_OP_MOVE_H
#define PX_BACKEND_REF_OP_MOVE_H

#include "backend/ref/ref.h"

/* Tile interleaves repeats and dims. */
#define PX_MOVE_MAX_RANK (2 * PX_MAX_RANK)

/* Bytes of one stored element. */
size_t px_move_elem(const pgy_tensor *t);
/* dims[from] * ... * dims[to - 1]; INT64_MAX when that does not fit. */
int64_t px_move_span(const int64_t *dims, int from, int to);
/* Row-major strides in elements. */
void px_move_strides(int rank, const int64_t *dims, int64_t *strides);
/* Writes the element at `value` `count` times. */
void px_move_fill(void *dst, const void *value, size_t elem, int64_t count);
/* Fills `dst`, dense with shape `dims`, from elements of `src` that lie `strides` (in elements, may
 * be 0 or negative) apart. Runs that are contiguous on both sides are copied as blocks. */
void px_move_strided(pgy_context *cx, void *dst, const void *src, size_t elem, int rank,
                     const int64_t *dims, const int64_t *strides);

/* A tensor that is no output yet (an item of a sequence). Strings are collected as borrowed
 * pgy_string first (zeroed, in scratch), and px_move_new_done makes the tensor own their bytes. */
PX_MUST_USE pgy_status *px_move_new(px_ref_call *c, pgy_dtype declared, int rank,
                                    const int64_t *dims, px_ref_value *out, void **out_data);
PX_MUST_USE pgy_status *px_move_new_done(px_ref_value *v, void *data);

/* Output `i` gets copies of the bytes that its strings point at, for a kernel that frees those
 * before it returns (the frame copies afterwards). Does nothing to other types. */
PX_MUST_USE pgy_status *px_move_own_strings(px_ref_call *c, size_t i);

/* One tensor of `n` > 0 items laid along `axis`: an axis of their own, or one that they have when
 * `is_new` is false. Reversed: the last item first. */
PX_MUST_USE pgy_status *px_move_join(px_ref_call *c, const px_ref_value *items, size_t n,
                                     int64_t axis, bool is_new, bool is_reversed,
                                     px_ref_value *out);
/* Positions [at, at + n) of a tensor along `axis`; with `keep` false n is 1 and the axis goes. */
PX_MUST_USE pgy_status *px_move_part(px_ref_call *c, const px_ref_value *x, int axis, int64_t at,
                                     int64_t n, bool keep, px_ref_value *out);

/* A scratch array; NOMEM when memory is out or the size overflows. */
#define PX_MOVE_SCRATCH(c, p, n) px_move_scratch((c), (void **)&(p), (n), sizeof *(p))
PX_MUST_USE pgy_status *px_move_scratch(px_ref_call *c, void **out, int64_t n, size_t elem);

/* px_ref_out for a kernel that writes doubles: an error when `declared` is no float type, which
 * happens when a model gives integers where px_ref_in_f64 converts them. */
PX_MUST_USE pgy_status *px_move_out_f64(px_ref_call *c, size_t i, pgy_dtype declared, int rank,
                                        const int64_t *dims, void **out_data);
/* NOMEM when an array of that shape would not fit into the interpreter's memory. */
PX_MUST_USE pgy_status *px_move_check_room(px_ref_call *c, int rank, const int64_t *dims,
                                           size_t elem);

/* Fails unless lo <= n_in given inputs' rank <= hi. */
PX_MUST_USE pgy_status *px_move_in_rank(px_ref_call *c, size_t i, int lo, int hi,
                                        const pgy_tensor **out);
/* One integer from an input of exactly one element. */
PX_MUST_USE pgy_status *px_move_in_int(px_ref_call *c, size_t i, int64_t *out);
/* One number from an input of exactly one element. */
PX_MUST_USE pgy_status *px_move_in_number(px_ref_call *c, size_t i, double *out);
/* Input `i`'s axes (or attribute `name` when `i` is SIZE_MAX) made non-negative for `rank`, each at
 * most once. `*out_given` is false, and nothing else set, when they are left out. */
PX_MUST_USE pgy_status *px_move_axes(px_ref_call *c, size_t i, const char *name, int rank,
                                     bool *out_given, int *out, size_t *out_n);
/* A `dtype`-like attribute: `otherwise` when absent, an error for no known element type. */
PX_MUST_USE pgy_status *px_move_attr_dtype(px_ref_call *c, const char *name, pgy_dtype otherwise,
                                           pgy_dtype *out);

/* Sorts `order` (indices) stably; `less(arg, a, b)` compares two of them. `tmp` has n places. */
void px_move_sort(int64_t *order, int64_t *tmp, int64_t n,
                  bool (*less)(const void *arg, int64_t a, int64_t b), const void *arg);
/* -1, 0, 1 for two elements of the same stored dtype; NaN is equal to NaN and above all else. */
int px_move_compare(pgy_dtype stored, const void *a, const void *b);

#endif
