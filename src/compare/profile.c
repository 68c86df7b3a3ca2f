/* compare/profile.c - see profile.h. */
#include "compare/profile.h"
#include "base/thread.h"

#include <math.h>

#define TASK ((int64_t)1 << 20)

static void clear(px_profile *p)
{
    for (int i = 0; i < PX_PROFILE_BINS; i++)
        p->bins[i] = (px_profile_bin){-1, -1};
}

pgy_status *px_profiles_of(px_profiles *list, const char *output, px_profile **out)
{
    pgy_status *st = NULL;
    px_profile *fresh = NULL;
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->at[i]->output, output) == 0) {
            *out = list->at[i];
            return NULL;
        }
    }
    PX_TRY(PX_RESERVE(list, 1));
    PX_TRY(PX_ALLOC(fresh, 1));
    clear(fresh);
    fresh->output = px_mem_strdup(output);
    if (fresh->output == NULL)
        PX_TRY(px_status_nomem());
    *out = list->at[list->n++] = fresh;
    fresh = NULL;
done:
    px_mem_free(fresh);
    return st;
}

void px_profiles_fini(px_profiles *list)
{
    for (size_t i = 0; i < list->n; i++) {
        px_mem_free(list->at[i]->output);
        px_mem_free(list->at[i]);
    }
    px_mem_free(list->at);
    *list = (px_profiles){0};
}

static void put(px_profile *io, double abs, double rel)
{
    const float rounded = (float)abs;
    uint32_t bits;
    if (!isfinite(abs))
        return;
    memcpy(&bits, &rounded, sizeof bits);
    px_profile_bin *bin = &io->bins[bits >> 22 & (PX_PROFILE_BINS - 1)];
    /* A relative error that is no number lets nothing pass by it. */
    rel = isnan(rel) ? INFINITY : rel;
    bin->max_abs = abs > bin->max_abs ? abs : bin->max_abs;
    bin->max_rel = rel > bin->max_rel ? rel : bin->max_rel;
}

static double number_at(px_work work, const void *at, int64_t i)
{
    switch (work) {
    case PX_F32:
        return ((const float *)at)[i];
    case PX_F64:
        return ((const double *)at)[i];
    case PX_I32:
        return ((const int32_t *)at)[i];
    case PX_I64:
        return (double)((const int64_t *)at)[i];
    case PX_U64:
        return (double)((const uint64_t *)at)[i];
    default:
        return ((const uint8_t *)at)[i];
    }
}

typedef struct profile_task {
    const px_pair *pair;
    px_profile *parts; /* one a task */
    void *scratch;     /* one a task */
    int64_t first;     /* of the batch, in elements */
    int64_t n;         /* elements of the batch */
} profile_task;

static void profile_range(void *arg, int64_t first, int64_t end)
{
    profile_task *task = arg;
    const px_pair *pair = task->pair;
    const unsigned need = PX_NEED(PX_OF_ABS) | PX_NEED(PX_OF_REL);
    for (int64_t t = first; t < end; t++) {
        px_profile *part = &task->parts[t];
        void *scratch = (char *)task->scratch + (size_t)t * PX_PAIR_SCRATCH;
        const int64_t stop = PX_MIN(task->n, (t + 1) * TASK);
        for (int64_t i = t * TASK; i < stop; i += PX_BLOCK) {
            px_pair_block block;
            px_pair_load(pair, scratch, task->first + i, PX_MIN(PX_BLOCK, stop - i), need, &block);
            for (int64_t k = 0; k < block.n; k++)
                put(part, fabs(number_at(pair->work[PX_OF_ABS], block.at[PX_OF_ABS], k)),
                    fabs(number_at(pair->work[PX_OF_REL], block.at[PX_OF_REL], k)));
        }
    }
}

static void merge(const px_profile *part, px_profile *io)
{
    for (int i = 0; i < PX_PROFILE_BINS; i++) {
        io->bins[i].max_abs = fmax(io->bins[i].max_abs, part->bins[i].max_abs);
        io->bins[i].max_rel = fmax(io->bins[i].max_rel, part->bins[i].max_rel);
    }
}

pgy_status *px_profile_add(pgy_context *cx, const px_pair *pair, px_profile *io)
{
    enum { BATCH = 8 }; /* tasks in memory at a time */
    pgy_status *st = NULL;
    profile_task task = {.pair = pair};
    const int64_t n_tasks = PX_MIN(BATCH, (pair->count + TASK - 1) / TASK);
    if (n_tasks == 0)
        return NULL;
    task.scratch = px_mem_alloc_aligned((size_t)n_tasks * PX_PAIR_SCRATCH);
    if (task.scratch == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(PX_ALLOC(task.parts, (size_t)n_tasks));
    for (task.first = 0; task.first < pair->count; task.first += BATCH * TASK) {
        task.n = PX_MIN(BATCH * TASK, pair->count - task.first);
        for (int64_t t = 0; t < n_tasks; t++)
            clear(&task.parts[t]);
        px_parallel_for(cx, (task.n + TASK - 1) / TASK, 1, profile_range, &task);
        for (int64_t t = 0; t < n_tasks; t++)
            merge(&task.parts[t], io);
    }
done:
    px_mem_free(task.scratch);
    px_mem_free(task.parts);
    return st;
}
