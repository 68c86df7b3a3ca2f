/* backend/ref/op/winograd.c - blocking and threads of Winograd convolution.
 *
 * Tiles are numbered through all images of the batch. A chunk of them is transformed at once, small
 * enough for the last-level cache. Then tasks, each some output channels of some tiles, transform
 * their weights for KC input channels at a time, where the file has them, multiply the 37 planes
 * and, after the last channel, transform back. Transformed weights never exist but for one block in
 * each task: that they are transformed again for the next tiles costs a few percent.
 *
 * Of a product either operand can be the rows: the one is taken that leaves less of its panels
 * empty. A 7 x 7 image has four tiles, which fill 4 rows and not 12 columns. The sums are the same.
 */
#include "backend/ref/op/winograd.h"

#include <stdatomic.h>

enum {
    EDGE = PX_WINOGRAD_OUT,
    IN_EDGE = PX_WINOGRAD_IN,
    PLANES = PX_WINOGRAD_PLANES,
    LANES = PX_WINOGRAD_LANES,
    KC = 64,
    CHUNK_COUNT = 1024 * 1024, /* doubles of transformed input */
    MIN_TILES = 16,            /* of a chunk, however many channels there are */
    TASK_TILES = 48,
    TASK_CHANNELS = 24,
    LINE = 8 /* doubles of a cache line: planes lie that much off a power of two */
};

/* How a run is cut. */
typedef struct layout {
    int64_t tiles_x, tiles_y; /* of one image */
    int64_t n_tiles;          /* of all */
    bool tiles_are_rows;
    int tile_lanes, channel_lanes;     /* lines of one panel */
    int64_t chunk;                     /* tiles */
    int64_t task_tiles, task_channels; /* multiples of the panels */
    int64_t strip_row;                 /* doubles of a row of a strip */
    int64_t v_plane, u_plane, m_plane; /* doubles from plane to plane */
    int64_t slot_count;                /* doubles of a thread's work space */
    int n_slots;
} layout;

typedef struct run {
    const px_winograd *wg;
    layout l;
    int64_t group;
    int64_t first, n; /* tiles of the chunk */
    double *v;        /* its transform: panels of tiles, as gemm.h has them, plane by plane */
    double *slots;
    atomic_int *is_taken; /* of each slot */
    atomic_bool is_not_finite;
} run;

static int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

/* Equal parts of at most `most`, rounded up to panels. */
static int64_t part_of(int64_t n, int64_t most, int64_t lanes)
{
    const int64_t parts = (n + most - 1) / most;
    return round_up((n + parts - 1) / parts, lanes);
}

static int64_t odd_plane(int64_t count)
{
    return round_up(count, LINE * 2) + LINE;
}

static void layout_init(layout *l, const px_winograd *wg, int threads)
{
    const px_conv *cv = wg->cv;
    const int mr = wg->isa->mr, nr = wg->isa->nr;

    *l = (layout){.tiles_y = (cv->w.out[0] + EDGE - 1) / EDGE,
                  .tiles_x = (cv->w.out[1] + EDGE - 1) / EDGE,
                  .n_slots = threads};
    l->n_tiles = cv->batch * l->tiles_y * l->tiles_x;
    l->tiles_are_rows = round_up(l->n_tiles, mr) * round_up(cv->group_out, nr) <
                        round_up(l->n_tiles, nr) * round_up(cv->group_out, mr);
    l->tile_lanes = l->tiles_are_rows ? mr : nr;
    l->channel_lanes = l->tiles_are_rows ? nr : mr;
    l->chunk =
        part_of(l->n_tiles, PX_MAX(CHUNK_COUNT / (PLANES * cv->group_in), (int64_t)MIN_TILES),
                l->tile_lanes);
    l->task_tiles = part_of(PX_MIN(l->chunk, l->n_tiles), TASK_TILES, l->tile_lanes);
    l->task_channels = round_up(TASK_CHANNELS, l->channel_lanes);
    /* Fewer channels first: that transforms no weight twice. */
    const int64_t wanted = threads > 1 ? (int64_t)threads * 2 : 1;
    while ((l->chunk / l->task_tiles) * (cv->group_out / l->task_channels) < wanted &&
           l->task_channels > l->channel_lanes)
        l->task_channels = round_up(l->task_channels / 2, l->channel_lanes);
    l->strip_row = l->tiles_x * EDGE + IN_EDGE - EDGE;
    l->v_plane = odd_plane(round_up(l->chunk, l->tile_lanes) * cv->group_in);
    l->u_plane = odd_plane(l->task_channels * KC);
    l->m_plane = odd_plane(l->task_channels * l->task_tiles);
    const int64_t strips = l->chunk / l->tiles_x + 2;
    l->slot_count =
        round_up(PX_MAX(strips * IN_EDGE * l->strip_row, PLANES * (l->u_plane + l->m_plane)), LINE);
}

/* A work space that no other thread has. */
static double *slot_take(const run *r, int *out)
{
    for (int i = 0;; i = (i + 1) % r->l.n_slots)
        if (atomic_exchange(&r->is_taken[i], 1) == 0) {
            *out = i;
            return r->slots + i * r->l.slot_count;
        }
}

static void slot_give(const run *r, int slot)
{
    atomic_store(&r->is_taken[slot], 0);
}

/* Four lanes of each plane into panels whose lines are not a multiple of four. */
static void scatter(const double *from, int64_t plane, int64_t line, int64_t n_lines, int lanes,
                    int64_t k, int64_t at, double *packed)
{
    for (int64_t i = line; i < PX_MIN(line + LANES, n_lines); i++)
        for (int p = 0; p < PLANES; p++)
            packed[p * plane + (i / lanes * k + at) * lanes + i % lanes] =
                from[p * LANES + i - line];
}

/* --- input --- */

/* The rows of one channel that the chunk's rows of tiles read, six for each, zeros around. */
static void strips_fill(const run *r, const double *x, int64_t image_step, double *strips)
{
    const px_ref_window *w = &r->wg->cv->w;
    const layout *l = &r->l;
    const int64_t width = l->strip_row;
    const int64_t left = PX_MIN(w->pad[1], width), n = PX_MIN(w->in[1], width - left);
    const int64_t end = (r->first + r->n - 1) / l->tiles_x;

    for (int64_t g = r->first / l->tiles_x; g <= end; g++) {
        const double *image = x + g / l->tiles_y * image_step;
        for (int i = 0; i < IN_EDGE; i++, strips += width) {
            const int64_t y = g % l->tiles_y * EDGE + i - w->pad[0];
            if (y < 0 || y >= w->in[0]) {
                memset(strips, 0, (size_t)width * sizeof *strips);
                continue;
            }
            memset(strips, 0, (size_t)left * sizeof *strips);
            memcpy(strips + left, image + y * w->in[1], (size_t)n * sizeof *strips);
            memset(strips + left + n, 0, (size_t)(width - left - n) * sizeof *strips);
        }
    }
}

/* Transforms input channels [begin, end) of the chunk. */
static void input_range(void *arg, int64_t begin, int64_t end)
{
    run *r = arg;
    const layout *l = &r->l;
    const px_conv *cv = r->wg->cv;
    const int64_t image_step = cv->groups * cv->group_in * cv->w.n_in;
    const int64_t n_lines = round_up(r->n, l->tile_lanes);
    int slot = 0;
    double *strips = slot_take(r, &slot), lanes[PLANES * LANES];
    bool finite = true;

    for (int64_t c = begin; c < end; c++) {
        int64_t tile = r->first, x = r->first % l->tiles_x, strip = 0;
        strips_fill(r, cv->x + (r->group * cv->group_in + c) * cv->w.n_in, image_step, strips);
        for (int64_t i = 0; i < n_lines; i += LANES) {
            const double *from[LANES];
            for (int lane = 0; lane < LANES; lane++) {
                from[lane] = strips + strip * IN_EDGE * l->strip_row + x * EDGE;
                if (tile + 1 >= r->first + r->n)
                    continue; /* lanes behind the last tile repeat it */
                tile++;
                if (++x == l->tiles_x) {
                    x = 0;
                    strip++;
                }
            }
            if (l->tile_lanes % LANES == 0) {
                double *out = r->v + (i / l->tile_lanes * cv->group_in + c) * l->tile_lanes +
                              i % l->tile_lanes;
                finite &= r->wg->transforms->input(from, l->strip_row, out, l->v_plane);
            } else {
                finite &= r->wg->transforms->input(from, l->strip_row, lanes, LANES);
                scatter(lanes, l->v_plane, i, n_lines, l->tile_lanes, cv->group_in, c, r->v);
            }
        }
    }
    if (!finite)
        atomic_store(&r->is_not_finite, true);
    slot_give(r, slot);
}

/* --- products --- */

/* A task: output channels [o0, o1) of tiles [t0, t1) of the chunk. */
typedef struct task {
    int64_t o0, o1, t0, t1;
    double *u, *m;
} task;

/* Kernel 0 of output channel o of the group, from input channel `c` on. */
static const void *kernel_at(const run *r, int64_t o, int64_t c)
{
    const px_conv *cv = r->wg->cv;
    const int64_t at = ((r->group * cv->group_out + o) * cv->group_in + c) * 9;
    return r->wg->is_f32 ? (const void *)((const px_any_float *)r->wg->weights + at)
                         : (const void *)((const double *)r->wg->weights + at);
}

/* Transforms the task's weights for input channels [c, c + kc) into panels. */
static bool weights_block(const run *r, const task *t, int64_t c, int64_t kc)
{
    const layout *l = &r->l;
    const px_winograd_isa *isa = r->wg->transforms;
    const int64_t n = round_up(t->o1 - t->o0, l->channel_lanes);
    const int64_t at_once = l->channel_lanes % LANES == 0 ? kc : 1;
    double lanes[PLANES * LANES];
    bool finite = true;

    for (int64_t i = 0; i < n; i += LANES) {
        const void *from[LANES], *next[LANES];
        /* The next channels, or the first ones of the next block. */
        const int64_t ahead = i + LANES < n ? i + LANES : 0;
        const int64_t next_c = ahead > 0 || c + kc == r->wg->cv->group_in ? c : c + kc;
        for (int lane = 0; lane < LANES; lane++)
            next[lane] = kernel_at(r, PX_MIN(t->o0 + ahead + lane, t->o1 - 1), next_c);
        for (int64_t k = 0; k < kc; k += at_once) {
            for (int lane = 0; lane < LANES; lane++)
                from[lane] = kernel_at(r, PX_MIN(t->o0 + i + lane, t->o1 - 1), c + k);
            if (at_once == 1) {
                finite &= isa->weights(from, r->wg->is_f32, 1, LANES, lanes, LANES, next);
                scatter(lanes, l->u_plane, i, n, l->channel_lanes, kc, k, t->u);
                continue;
            }
            double *out =
                t->u + i / l->channel_lanes * kc * l->channel_lanes + i % l->channel_lanes;
            finite &=
                isa->weights(from, r->wg->is_f32, kc, l->channel_lanes, out, l->u_plane, next);
        }
    }
    return finite;
}

/* Adds the products of input channels [c, c + kc) to m, or starts it with them. */
static void multiply_block(const run *r, const task *t, int64_t c, int64_t kc)
{
    const layout *l = &r->l;
    const px_gemm_isa *isa = r->wg->isa;
    const int64_t k = r->wg->cv->group_in;
    const int64_t n_tiles = round_up(t->t1 - t->t0, l->tile_lanes);
    const int64_t n_channels = round_up(t->o1 - t->o0, l->channel_lanes);
    const int64_t rows = l->tiles_are_rows ? n_tiles : n_channels;
    const int64_t cols = l->tiles_are_rows ? n_channels : n_tiles;

    for (int p = 0; p < PLANES; p++) {
        const double *v = r->v + p * l->v_plane + t->t0 * k + c * l->tile_lanes;
        const double *u = t->u + p * l->u_plane;
        double *m = t->m + p * l->m_plane;
        for (int64_t j = 0; j < cols; j += isa->nr)
            for (int64_t i = 0; i < rows; i += isa->mr) {
                const double *a = l->tiles_are_rows ? v + i * k : u + i * kc;
                const double *b = l->tiles_are_rows ? u + j * kc : v + j * k;
                isa->tile(kc, a, b, m + i * cols + j, cols, c > 0);
            }
    }
}

/* --- output --- */

/* The sum that defines an output, without the bias: each kernel element over all channels, then
 * those nine, in ascending order. */
static double output_directly(const run *r, int64_t o, int64_t image, int64_t y, int64_t x)
{
    static const double zero = 0;
    const px_conv *cv = r->wg->cv;
    const px_ref_window *w = &cv->w;
    const void *kernels = kernel_at(r, o, 0);
    const double *from[9];
    int64_t step[9];
    double sums[9] = {0}, sum = 0;

    for (int t = 0; t < 9; t++) {
        const int64_t i = y + t / 3 - w->pad[0], j = x + t % 3 - w->pad[1];
        const bool is_inside = i >= 0 && i < w->in[0] && j >= 0 && j < w->in[1];
        const int64_t plane = (image * cv->groups + r->group) * cv->group_in;
        from[t] = is_inside ? cv->x + plane * w->n_in + i * w->in[1] + j : &zero;
        step[t] = is_inside ? w->n_in : 0;
    }
    for (int64_t c = 0; c < cv->group_in; c++)
        for (int t = 0; t < 9; t++) {
            const double g = r->wg->is_f32 ? ((const px_any_float *)kernels)[c * 9 + t]
                                           : ((const double *)kernels)[c * 9 + t];
            sums[t] += g * from[t][c * step[t]];
        }
    for (int t = 0; t < 9; t++)
        sum += sums[t];
    return sum;
}

/* Where tile `t` of the chunk lies in output channel `o`. */
typedef struct place {
    int64_t image, y, x, o;
} place;

static place place_of(const run *r, int64_t t, int64_t o)
{
    const layout *l = &r->l;
    const int64_t tile = r->first + t, row = tile / l->tiles_x;
    return (place){.image = row / l->tiles_y,
                   .y = row % l->tiles_y * EDGE,
                   .x = tile % l->tiles_x * EDGE,
                   .o = o};
}

static px_winograd_dest dest_of(const run *r, const place *p)
{
    const px_conv *cv = r->wg->cv;
    const int64_t *out = cv->w.out;
    const int64_t channel = r->group * cv->group_out + p->o;
    const int64_t plane = p->image * cv->groups * cv->group_out + channel;
    return (px_winograd_dest){.at = cv->out + plane * cv->w.n_out + p->y * out[1] + p->x,
                              .row = out[1],
                              .rows = (int)PX_MIN((int64_t)EDGE, out[0] - p->y),
                              .cols = (int)PX_MIN((int64_t)EDGE, out[1] - p->x),
                              .bias = cv->bias ? cv->bias[channel] : 0};
}

/* Replaces what is not sure in a lane's tile. */
static void output_check(const run *r, const place *p, const px_winograd_dest *d, double bound,
                         double *y)
{
    for (int i = 0; i < d->rows; i++)
        for (int j = 0; j < d->cols; j++)
            if (!px_winograd_is_sure(y[i * EDGE + j], bound))
                y[i * EDGE + j] = output_directly(r, p->o, p->image, p->y + i, p->x + j);
}

/* Transforms the task's products back and stores them. */
static void output_block(const run *r, const task *t)
{
    const layout *l = &r->l;
    const px_winograd_isa *isa = r->wg->transforms;
    const int64_t n_tiles = t->t1 - t->t0, n_channels = t->o1 - t->o0;
    const int64_t rows = l->tiles_are_rows ? n_tiles : n_channels;
    const int64_t cols = l->tiles_are_rows ? n_channels : n_tiles;
    const int64_t step = round_up(cols, r->wg->isa->nr);
    double y[LANES * EDGE * EDGE] __attribute__((aligned(64)));

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j += LANES) {
            const double *m = t->m + i * step + j;
            const bool sure = isa->output(m, l->m_plane, y);
            px_winograd_dest dest[LANES] = {{0}};
            for (int lane = 0; lane < LANES && j + lane < cols; lane++) {
                const int64_t tile = t->t0 + (l->tiles_are_rows ? i : j + lane);
                const int64_t o = t->o0 + (l->tiles_are_rows ? j + lane : i);
                const place p = place_of(r, tile, o);
                dest[lane] = dest_of(r, &p);
                if (!sure)
                    output_check(r, &p, &dest[lane], m[36 * l->m_plane + lane], y + lane * 16);
            }
            isa->store(y, dest);
        }
}

static void task_range(void *arg, int64_t begin, int64_t end)
{
    run *r = arg;
    const layout *l = &r->l;
    const px_conv *cv = r->wg->cv;
    const int64_t n_parts = (cv->group_out + l->task_channels - 1) / l->task_channels;
    int slot = 0;
    double *work = slot_take(r, &slot);

    for (int64_t i = begin; i < end && !atomic_load(&r->is_not_finite); i++) {
        task t = {.o0 = i % n_parts * l->task_channels,
                  .t0 = i / n_parts * l->task_tiles,
                  .u = work,
                  .m = work + PLANES * l->u_plane};
        bool finite = true;
        t.o1 = PX_MIN(t.o0 + l->task_channels, cv->group_out);
        t.t1 = PX_MIN(t.t0 + l->task_tiles, r->n);
        for (int64_t c = 0; c < cv->group_in; c += KC) {
            const int64_t kc = PX_MIN((int64_t)KC, cv->group_in - c);
            finite &= weights_block(r, &t, c, kc);
            multiply_block(r, &t, c, kc);
        }
        if (finite)
            output_block(r, &t);
        else
            atomic_store(&r->is_not_finite, true);
    }
    slot_give(r, slot);
}

/* --- the whole --- */

bool px_winograd_pays(const px_conv *cv)
{
    const px_ref_window *w = &cv->w;
    if (w->rank != 2 || cv->group_in < 16 || cv->group_out < 16)
        return false;
    for (int d = 0; d < 2; d++)
        if (w->kernel[d] != 3 || w->stride[d] != 1 || w->dilation[d] != 1 || w->pad[d] < 0)
            return false;
    /* Multiplications of a pair of channels, and the time of the transforms in such (measured). */
    const double tiles =
        (double)cv->batch * (double)((w->out[0] + 3) / 4) * (double)((w->out[1] + 3) / 4);
    const double direct = 9.0 * (double)cv->batch * (double)w->n_out;
    const double transforms =
        180 + 400 * tiles * (1.0 / (double)cv->group_in + 1.0 / (double)cv->group_out);
    return PLANES * tiles + transforms < direct;
}

bool px_winograd_work(pgy_context *cx, const px_winograd *wg, size_t *out)
{
    const double most = 0x1p56;
    layout l;
    layout_init(&l, wg, cx ? px_context_threads(cx) : 1);
    if ((double)PLANES * (double)l.v_plane + (double)l.n_slots * (double)l.slot_count > most)
        return false;
    *out = (size_t)(PLANES * l.v_plane + l.n_slots * (l.slot_count + LINE));
    return true;
}

bool px_winograd_run(pgy_context *cx, const px_winograd *wg, double *work)
{
    const px_conv *cv = wg->cv;
    run r = {.wg = wg, .v = work};

    layout_init(&r.l, wg, cx ? px_context_threads(cx) : 1);
    r.slots = work + PLANES * r.l.v_plane;
    r.is_taken = (atomic_int *)(r.slots + r.l.n_slots * r.l.slot_count);
    for (int i = 0; i < r.l.n_slots; i++)
        atomic_init(&r.is_taken[i], 0);
    atomic_init(&r.is_not_finite, false);
    for (r.group = 0; r.group < cv->groups; r.group++)
        for (r.first = 0; r.first < r.l.n_tiles; r.first += r.l.chunk) {
            r.n = PX_MIN(r.l.chunk, r.l.n_tiles - r.first);
            const int64_t parts = (cv->group_out + r.l.task_channels - 1) / r.l.task_channels;
            const int64_t pieces = (r.n + r.l.task_tiles - 1) / r.l.task_tiles;
            px_parallel_for(cx, cv->group_in, 1, input_range, &r);
            px_parallel_for(cx, parts * pieces, 1, task_range, &r);
            if (atomic_load(&r.is_not_finite))
                return false;
        }
    return true;
}
