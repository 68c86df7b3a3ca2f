/* Libraries for --ref-ops that are wrong in one way each; the way is a macro (CMakeLists.txt). */
#include <polygraphy/ref_ops.h>

/* The interpreter takes nothing from a library but this function. */
const pgy_ref_ops *pgy_ref_ops_get(void);

static int run(const pgy_ref_host *host, pgy_ref_call *call)
{
    const int64_t dims[] = {4};
    const int64_t negative[] = {-4};
#if defined(FAILS)
    return host->fail(call, "only odd numbers can be doubled");
#elif defined(FAILS_SILENTLY)
    return 7;
#elif defined(FILLS_TWICE)
    host->output(call, 0, PGY_DTYPE_F32, 1, dims);
    return host->output(call, 0, PGY_DTYPE_F32, 1, dims) == NULL;
#elif defined(FILLS_OTHER)
    return host->output(call, 3, PGY_DTYPE_F32, 1, dims) == NULL;
#elif defined(BAD_SHAPE)
    return host->output(call, 0, PGY_DTYPE_F32, 1, negative) == NULL;
#endif
    return (dims[0] + negative[0]) != 0;
}

#if defined(UNSOUND)
#define MAX_IN 0
#else
#define MAX_IN 1
#endif
#if defined(OTHER_ABI)
#define ABI (PGY_REF_OPS_ABI + 1)
#else
#define ABI PGY_REF_OPS_ABI
#endif

static const pgy_ref_op ops[] = {{"test.polygraphy", "Double", 1, 1, MAX_IN, 1, 1, run}};
static const pgy_ref_ops exported = {ABI, sizeof(pgy_ref_op), 1, ops};

#if defined(NO_SYMBOL)
__attribute__((visibility("hidden")))
#endif
const pgy_ref_ops *
pgy_ref_ops_get(void)
{
#if defined(NO_OPS)
    return NULL;
#endif
    return &exported;
}
