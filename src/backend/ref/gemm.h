/* backend/ref/gemm.h - the float64 matrix product behind px_ref_gemm, with packed operands.
 *
 * C = A * B, A with m rows, B with n columns, k in between. Operands are packed into panels:
 *     A: ceil(m / mr) panels, panel p holds rows [p*mr, p*mr + mr) as [k][mr]
 *     B: ceil(n / nr) panels, panel p holds columns [p*nr, p*nr + nr) as [k][nr]
 * with zeros where the matrix ends. A micro-kernel multiplies one panel of each over PX_GEMM_KC
 * steps of k into an mr x nr tile. The blocks of k are summed in ascending order, so the result
 * depends on neither the thread count nor on how C was cut.
 */
#ifndef PX_BACKEND_REF_GEMM_H
#define PX_BACKEND_REF_GEMM_H

#include "base/px.h"
#include "base/tensor.h"
#include "base/thread.h"

#define PX_GEMM_KC 256
#define PX_GEMM_MAX_MR 8
#define PX_GEMM_MAX_NR 24

/* c[i*ldc + j] = (or +=, when `add`) sum over k of a[k*mr + i] * b[k*nr + j], all mr x nr. */
typedef void (*px_gemm_tile_fn)(int64_t k, const double *a, const double *b, double *c, int64_t ldc,
                                bool add);

/* y[i] += a * x[i * stride] for i < n. */
typedef void (*px_gemm_axpy_fn)(int64_t n, double a, const double *x, int64_t stride, double *y);

/* y[i] = x[i] for i < n, from floats at any address. */
typedef void (*px_gemm_widen_fn)(int64_t n, const void *x, double *y);

/* Four lines of k numbers, each dense and `line` numbers behind the one before, into columns:
 * panel[p*tile + i] = number p of line i. Numbers are doubles, or floats at any address. */
typedef void (*px_gemm_lines_fn)(int64_t k, const void *at, bool is_f32, int64_t line, int tile,
                                 double *panel);

typedef struct px_gemm_isa {
    const char *name;
    int mr, nr;
    px_gemm_tile_fn tile;
    px_gemm_axpy_fn axpy;
    px_gemm_widen_fn widen;
    px_gemm_lines_fn lines; /* NULL: plain loops do */
} px_gemm_isa;

/* The fastest for this processor, as base/cpu.h reports it. */
const px_gemm_isa *px_gemm_isa_get(void);

/* px_gemm_wide: scalar code with the largest tile, AVX-512's, so that every processor can test what
 * surrounds such tiles. It gives px_gemm_scalar's bits. */
extern const px_gemm_isa px_gemm_scalar, px_gemm_wide;
void px_gemm_axpy_scalar(int64_t n, double a, const double *x, int64_t stride, double *y);
void px_gemm_widen_scalar(int64_t n, const void *x, double *y);
#if defined(__x86_64__)
extern const px_gemm_isa px_gemm_avx2, px_gemm_avx512;
#elif defined(__aarch64__)
extern const px_gemm_isa px_gemm_neon;
#endif

/* Where the columns of B come from: fills one panel [k][nr] for columns [j, j + n), n <= nr, and
 * zeroes the rest. Called from several threads. */
typedef void (*px_gemm_pack_fn)(const void *source, const px_gemm_isa *isa, int64_t j, int64_t n,
                                double *panel);

/* A matrix where it lies: element (i, j) is number i * row + j * col of an array of doubles, or of
 * floats, which may have any address: weights as the model's file has them. */
typedef struct px_gemm_matrix {
    const void *at;
    bool is_f32;
    int64_t row, col;
    int64_t k; /* as a source of columns: its rows */
} px_gemm_matrix;

void px_gemm_pack_matrix(const void *source, const px_gemm_isa *isa, int64_t j, int64_t n,
                         double *panel);

/* Doubles of a packed A with m rows, or of a packed B with n columns; false on overflow. */
bool px_gemm_packed_count(int64_t lines, int tile, int64_t k, size_t *out);
/* Packs all of A: element (i, k) is a[i * row + k * col]. */
void px_gemm_pack_a(pgy_context *cx, const px_gemm_isa *isa, int64_t m, int64_t k, const double *a,
                    int64_t row, int64_t col, double *packed);
/* Packs all of B. Floats stay floats, in panels of the same form: `packed` has room for as many
 * doubles or floats as px_gemm_packed_count says. */
void px_gemm_pack_b(pgy_context *cx, const px_gemm_isa *isa, int64_t n, const px_gemm_matrix *b,
                    void *packed);

typedef struct px_gemm_job {
    const px_gemm_isa *isa;
    int64_t m, n, k;
    const double *a;     /* packed, or NULL: then each task packs its share of `rows` */
    px_gemm_matrix rows; /* A */
    const void *b;       /* packed, or NULL: then `pack` makes it chunk by chunk */
    bool b_is_f32;       /* `b` is packed floats */
    px_gemm_pack_fn pack;
    const void *source;
    double alpha, beta;      /* beta 0 ignores what C holds */
    const double *row_start; /* NULL, or what row i's elements start from (then beta is 0) */
    double *c;
    int64_t ldc;
} px_gemm_job;

/* Errors: NOMEM. */
PX_MUST_USE pgy_status *px_gemm_run(pgy_context *cx, const px_gemm_job *job);

/* px_ref_gemm of operands where they lie. `a` is doubles. */
PX_MUST_USE pgy_status *px_gemm_product(pgy_context *cx, int64_t m, int64_t n, int64_t k,
                                        double alpha, const px_gemm_matrix *a,
                                        const px_gemm_matrix *b, double beta, double *c,
                                        int64_t ldc);

#endif
