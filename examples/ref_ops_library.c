/* ref_ops_library.c - an operator of one's own for the reference interpreter.
 *
 *   cc -shared -fPIC -I include examples/ref_ops_library.c -o librefops.so -lm
 *   polygraphy run model.onnx --pluginref --ref-ops ./librefops.so
 *
 * test.polygraphy:Double gives y = 2 x for every number; test.polygraphy:Decay gives
 * y = x exp(-rate t) for an attribute `rate` and an optional second input t (1 when left out).
 */
#include <polygraphy/ref_ops.h>

#include <math.h>

static int run_double(const pgy_ref_host *host, pgy_ref_call *call)
{
    pgy_ref_array x;
    if (!host->input(call, 0, &x))
        return host->fail(call, "x must be a tensor");
    if (x.stored != PGY_DTYPE_F64 && x.stored != PGY_DTYPE_I64)
        return host->fail(call, "x must hold floats or int64");
    void *y = host->output(call, 0, x.declared, x.rank, x.dims);
    if (y == NULL)
        return 1;
    for (int64_t i = 0; i < x.count; i++) {
        if (x.stored == PGY_DTYPE_F64)
            ((double *)y)[i] = 2 * ((const double *)x.data)[i];
        else
            ((int64_t *)y)[i] = 2 * ((const int64_t *)x.data)[i];
    }
    return 0;
}

static int run_decay(const pgy_ref_host *host, pgy_ref_call *call)
{
    pgy_ref_array x, t;
    double time = 1;
    if (!host->input(call, 0, &x) || x.stored != PGY_DTYPE_F64)
        return host->fail(call, "x must be a tensor of floats");
    if (host->input(call, 1, &t)) {
        if (t.stored != PGY_DTYPE_F64 || t.count != 1)
            return host->fail(call, "t must be one float");
        time = *(const double *)t.data;
    }
    const double factor = exp(-host->attr_float(call, "rate", 1.0) * time);
    double *y = (double *)host->output(call, 0, x.declared, x.rank, x.dims);
    if (y == NULL)
        return 1;
    for (int64_t i = 0; i < x.count; i++)
        y[i] = factor * ((const double *)x.data)[i];
    return 0;
}

static const pgy_ref_op ops[] = {
    {"test.polygraphy", "Double", 1, 1, 1, 1, 1, run_double},
    {"test.polygraphy", "Decay", 1, 1, 2, 1, 1, run_decay},
};

static const pgy_ref_ops exported = {PGY_REF_OPS_ABI, sizeof(pgy_ref_op), 2, ops};

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const pgy_ref_ops *
pgy_ref_ops_get(void);

const pgy_ref_ops *pgy_ref_ops_get(void)
{
    return &exported;
}
