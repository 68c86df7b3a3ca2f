/* compare/sum.c - see sum.h. The recursion halves, so its depth is below 64. */
#include "compare/sum.h"

#include "compare/kernels/kernels.h"

static int64_t half_of(int64_t n)
{
    return n / 2 - n / 2 % 8;
}

static pgy_status *split(px_blocks *blocks, int64_t first, int64_t n)
{
    pgy_status *st = NULL;
    if (n <= PX_BLOCK) {
        PX_TRY(PX_RESERVE(blocks, 1));
        blocks->at[blocks->n++] = first;
        goto done;
    }
    const int64_t half = half_of(n);
    PX_TRY(split(blocks, first, half));
    PX_TRY(split(blocks, first + half, n - half));
done:
    return st;
}

pgy_status *px_blocks_init(px_blocks *blocks, px_cut cut, int64_t count)
{
    pgy_status *st = NULL;
    px_blocks b = {.cut = cut, .count = count};
    if (count > 0 && cut == PX_TREE)
        PX_TRY(split(&b, 0, count));
    for (int64_t i = 0; i < count && cut == PX_CHUNKS; i += PX_BLOCK) {
        PX_TRY(PX_RESERVE(&b, 1));
        b.at[b.n++] = i;
    }
    *blocks = b;
    b = (px_blocks){0};
done:
    px_blocks_fini(&b);
    return st;
}

void px_blocks_fini(px_blocks *blocks)
{
    px_mem_free(blocks->at);
    *blocks = (px_blocks){0};
}

int64_t px_blocks_len(const px_blocks *blocks, size_t i)
{
    return (i + 1 < blocks->n ? blocks->at[i + 1] : blocks->count) - blocks->at[i];
}

static float tree_f32(int64_t n, const float **next)
{
    if (n <= PX_BLOCK)
        return *(*next)++;
    const int64_t half = half_of(n);
    const float left = tree_f32(half, next);
    return left + tree_f32(n - half, next);
}

static double tree_f64(int64_t n, const double **next)
{
    if (n <= PX_BLOCK)
        return *(*next)++;
    const int64_t half = half_of(n);
    const double left = tree_f64(half, next);
    return left + tree_f64(n - half, next);
}

float px_blocks_join_f32(const px_blocks *blocks, const float *sums)
{
    float sum = 0.0f;
    if (blocks->cut == PX_TREE)
        return blocks->count > 0 ? sum + tree_f32(blocks->count, &sums) : sum;
    for (size_t i = 0; i < blocks->n; i++)
        sum += sums[i];
    return sum;
}

double px_blocks_join_f64(const px_blocks *blocks, const double *sums)
{
    double sum = 0.0;
    if (blocks->cut == PX_TREE)
        return blocks->count > 0 ? sum + tree_f64(blocks->count, &sums) : sum;
    for (size_t i = 0; i < blocks->n; i++)
        sum += sums[i];
    return sum;
}
