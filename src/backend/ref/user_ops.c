/* backend/ref/user_ops.c - see user_ops.h.
 *
 * A user's row becomes a px_ref_op whose kernel is one and the same function here; it finds the
 * user's row behind the plan's and calls it with the table of host functions.
 */
#include "backend/ref/user_ops.h"

#include "backend/ref/plan.h"
#include "base/dl.h"
#include "polygraphy/ref_ops.h"

typedef struct user_row {
    px_ref_op op; /* first: the plan holds a pointer to it */
    const pgy_ref_op *user;
} user_row;

struct px_ref_user_ops {
    px_dl *libraries;
    size_t n_libraries;
    struct {
        user_row *at;
        size_t n, cap;
    } rows;
};

struct pgy_ref_call {
    px_ref_call *inner;
    pgy_status *st; /* the first thing that went wrong */
};

/* --- what a kernel calls --- */

static size_t host_n_inputs(const pgy_ref_call *call)
{
    return call->inner->n_in;
}

static size_t host_n_outputs(const pgy_ref_call *call)
{
    return call->inner->n_out;
}

static bool host_input(pgy_ref_call *call, size_t i, pgy_ref_array *out)
{
    const px_ref_call *c = call->inner;
    if (i >= c->n_in || c->in[i].kind != PX_REF_TENSOR)
        return false;
    const pgy_tensor *t = c->in[i].t;
    *out = (pgy_ref_array){.declared = c->in[i].dtype,
                           .stored = t->dtype,
                           .rank = t->rank,
                           .dims = t->dims,
                           .count = t->count,
                           .data = t->data};
    return true;
}

static void keep(pgy_ref_call *call, pgy_status *st)
{
    if (call->st == NULL)
        call->st = st;
    else
        pgy_status_free(st);
}

static void *host_output(pgy_ref_call *call, size_t i, pgy_dtype declared, int rank,
                         const int64_t *dims)
{
    px_ref_call *c = call->inner;
    void *data = NULL;
    int64_t count;
    pgy_status *st = NULL;
    if (i >= c->n_out || c->out[i].kind != PX_REF_NONE)
        st = PX_REF_FAIL(c, PGY_ERR_USAGE, "the kernel fills output %zu, which %s", i,
                         i >= c->n_out ? "the node does not have" : "it has filled before");
    else if (pgy_dtype_bits(declared) == 0 || rank < 0 || rank > PX_MAX_RANK ||
             !px_shape_count(rank, dims, &count))
        st = PX_REF_FAIL(c, PGY_ERR_USAGE,
                         "the kernel gives output %zu an impossible type or shape", i);
    else
        st = px_ref_out(c, i, declared, rank, dims, &data);
    if (st != NULL)
        keep(call, st);
    return st ? NULL : data;
}

static int64_t host_attr_int(const pgy_ref_call *call, const char *name, int64_t otherwise)
{
    return px_ref_attr_i(call->inner, name, otherwise);
}

static double host_attr_float(const pgy_ref_call *call, const char *name, double otherwise)
{
    return px_ref_attr_f(call->inner, name, otherwise);
}

static bool host_attr_string(const pgy_ref_call *call, const char *name, pgy_string *out)
{
    if (px_ref_attr(call->inner, name) == NULL)
        return false;
    const px_str s = px_ref_attr_s(call->inner, name, "");
    *out = (pgy_string){.ptr = s.ptr, .len = s.len};
    return true;
}

static const int64_t *host_attr_ints(const pgy_ref_call *call, const char *name, size_t *out_n)
{
    const int64_t *at = NULL;
    return px_ref_attr_ints(call->inner, name, &at, out_n) ? at : NULL;
}

static const float *host_attr_floats(const pgy_ref_call *call, const char *name, size_t *out_n)
{
    const float *at = NULL;
    return px_ref_attr_floats(call->inner, name, &at, out_n) ? at : NULL;
}

static void *host_scratch(pgy_ref_call *call, size_t size)
{
    void *room = px_arena_calloc(call->inner->scratch, PX_MAX(size, (size_t)1), 1);
    if (room == NULL)
        keep(call, px_status_nomem());
    return room;
}

static int host_fail(pgy_ref_call *call, const char *sentence)
{
    keep(call, PX_REF_FAIL(call->inner, PGY_ERR_MODEL, "%s", sentence));
    return 1;
}

static const pgy_ref_host host = {
    .struct_size = sizeof(pgy_ref_host),
    .n_inputs = host_n_inputs,
    .n_outputs = host_n_outputs,
    .input = host_input,
    .output = host_output,
    .attr_int = host_attr_int,
    .attr_float = host_attr_float,
    .attr_string = host_attr_string,
    .attr_ints = host_attr_ints,
    .attr_floats = host_attr_floats,
    .scratch = host_scratch,
    .fail = host_fail,
};

/* The kernel of every user's row. */
static pgy_status *run_user(px_ref_call *c)
{
    const user_row *row = (const user_row *)c->frame->step->op;
    pgy_ref_call call = {.inner = c};
    const int failed = row->user->run(&host, &call);
    if (call.st == NULL && failed)
        call.st = PX_REF_FAIL(c, PGY_ERR_BACKEND, "the kernel failed with %d", failed);
    for (size_t i = 0; call.st == NULL && i < c->n_out; i++)
        if (px_ref_wants(c, i) && c->out[i].kind == PX_REF_NONE)
            call.st = PX_REF_FAIL(c, PGY_ERR_BACKEND, "the kernel did not fill output %zu", i);
    return call.st;
}

/* --- libraries --- */

static bool is_sound(const pgy_ref_op *op)
{
    return op->domain && op->name && op->name[0] && op->since >= 1 && op->run && op->min_in >= 0 &&
           op->min_out >= 0 && (op->max_in < 0 || op->max_in >= op->min_in) &&
           (op->max_out < 0 || op->max_out >= op->min_out);
}

static pgy_status *add_row(px_ref_user_ops *all, const char *path, const pgy_ref_op *op, size_t i)
{
    pgy_status *st = NULL;
    if (!is_sound(op))
        PX_TRY(
            PX_FAIL(PGY_ERR_BACKEND,
                    "--ref-ops %s: operator %zu ('%s') needs a domain, a name, a version of 1 or "
                    "more, a kernel, and limits that are in order",
                    path, i, op->name ? op->name : ""));
    PX_TRY(PX_RESERVE(&all->rows, 1));
    all->rows.at[all->rows.n++] =
        (user_row){.op = {.domain = strcmp(op->domain, "ai.onnx") == 0 ? "" : op->domain,
                          .name = op->name,
                          .since = op->since,
                          .min_in = op->min_in,
                          .max_in = op->max_in,
                          .min_out = op->min_out,
                          .max_out = op->max_out,
                          .kernel = run_user},
                   .user = op};
done:
    return st;
}

static pgy_status *add_library(px_ref_user_ops *all, const char *path)
{
    pgy_status *st = NULL;
    pgy_ref_ops_fn get = NULL;
    px_dl *dl = &all->libraries[all->n_libraries];

    PX_TRY(px_dl_open(path, false, dl));
    all->n_libraries++;
    st = px_dl_bind(dl, PGY_REF_OPS_SYMBOL, &get, sizeof get);
    if (st != NULL) {
        pgy_status_free(st);
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND,
                       "--ref-ops %s: the library exports no %s; polygraphy/ref_ops.h says what it "
                       "must give",
                       path, PGY_REF_OPS_SYMBOL));
    }
    const pgy_ref_ops *ops = get();
    if (ops == NULL || (ops->n_ops > 0 && ops->ops == NULL))
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "--ref-ops %s: %s gives no operators", path,
                       PGY_REF_OPS_SYMBOL));
    if (ops->abi != PGY_REF_OPS_ABI || ops->op_size < sizeof(pgy_ref_op))
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "--ref-ops %s: built for version %u of the interface (operators of %zu "
                       "bytes), this program has version %u (%zu bytes); build it again with this "
                       "program's polygraphy/ref_ops.h",
                       path, (unsigned)ops->abi, ops->op_size, (unsigned)PGY_REF_OPS_ABI,
                       sizeof(pgy_ref_op)));
    for (size_t i = 0; i < ops->n_ops; i++)
        PX_TRY(
            add_row(all, path, (const pgy_ref_op *)((const char *)ops->ops + i * ops->op_size), i));
done:
    return st;
}

pgy_status *px_ref_user_ops_open(const char *const *paths, size_t n, px_ref_user_ops **out)
{
    pgy_status *st = NULL;
    px_ref_user_ops *all = NULL;
    PX_TRY(PX_ALLOC(all, 1));
    PX_TRY(PX_ALLOC(all->libraries, n));
    for (size_t i = 0; i < n; i++)
        PX_TRY(
            px_status_while(add_library(all, paths[i]), "loading the operators of %s", paths[i]));
    *out = all;
    all = NULL;
done:
    px_ref_user_ops_close(all);
    return st;
}

void px_ref_user_ops_close(px_ref_user_ops *ops)
{
    if (ops == NULL)
        return;
    px_mem_free(ops->rows.at);
    for (size_t i = ops->n_libraries; i-- > 0;)
        px_dl_close(&ops->libraries[i]);
    px_mem_free(ops->libraries);
    px_mem_free(ops);
}

const px_ref_op *px_ref_user_ops_find(const px_ref_user_ops *ops, px_str domain, px_str name,
                                      int64_t opset)
{
    const user_row *best = NULL;
    if (px_str_is(domain, "ai.onnx"))
        domain = PX_STR("");
    for (size_t i = 0; ops && i < ops->rows.n; i++) {
        const user_row *row = &ops->rows.at[i];
        if (row->op.since <= opset && px_str_is(name, row->op.name) &&
            px_str_is(domain, row->op.domain) && (!best || row->op.since >= best->op.since))
            best = row;
    }
    return best ? &best->op : NULL;
}
