/* backend/tf/settings.c - see settings.h. Field numbers are those of config.proto. */
#include "backend/tf/settings.h"

enum { CONFIG_INTRA_THREADS = 2, CONFIG_INTER_THREADS = 5, CONFIG_GPU = 6, CONFIG_GRAPH = 10 };
enum { GPU_FRACTION = 1, GPU_ALLOW_GROWTH = 4 };
enum { GRAPH_OPTIMIZER = 3 };
enum { OPTIMIZER_JIT_LEVEL = 5, JIT_ON_1 = 1 };

/* The reference's default: what it leaves is for others. */
#define GPU_FRACTION_DEFAULT 0.9

pgy_status *px_tf_config_write(const px_tf_args *args, int n_threads, px_pb_out *out)
{
    pgy_status *st = NULL;
    const bool has_fraction = args != NULL && args->gpu_memory_fraction.given;
    const double fraction = has_fraction ? args->gpu_memory_fraction.value : GPU_FRACTION_DEFAULT;
    if (!(fraction > 0 && fraction <= 1))
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "--gpu-memory-fraction %g is no part of the memory: it must be above 0 and "
                       "at most 1.",
                       fraction));
    px_pb_put_varint(out, CONFIG_INTRA_THREADS, (uint64_t)n_threads);
    px_pb_put_varint(out, CONFIG_INTER_THREADS, (uint64_t)n_threads);
    px_pb_mark gpu = px_pb_open(out);
    px_pb_put_f64(out, GPU_FRACTION, fraction);
    if (args != NULL && args->allow_growth.given)
        px_pb_put_varint(out, GPU_ALLOW_GROWTH, 1);
    px_pb_close(out, gpu, CONFIG_GPU);
    if (args != NULL && args->xla.given) {
        px_pb_mark graph = px_pb_open(out), optimizer = px_pb_open(out);
        px_pb_put_varint(out, OPTIMIZER_JIT_LEVEL, JIT_ON_1);
        px_pb_close(out, optimizer, GRAPH_OPTIMIZER);
        px_pb_close(out, graph, CONFIG_GRAPH);
    }
    PX_TRY(px_pb_out_status(out));
done:
    return st;
}
