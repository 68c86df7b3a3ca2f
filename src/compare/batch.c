/* compare/batch.c - see batch.h. */
#include "compare/batch.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/progress.h"
#include "compare/compare.h"
#include "data/feed.h"
#include "data/metadata.h"

#include <math.h>

typedef struct batch {
    const px_loop *loop;
    px_runner *runner;
    const px_compare_args *args;
    px_batch_check check;
    const pgy_io *inputs; /* the session's */
    size_t n_inputs;
    int64_t size; /* of the iteration at hand */
    int64_t n_done, n_all;
} batch;

/* --- the batch dimension --- */

static bool is_open(const pgy_io *io)
{
    return io->rank > 0 && io->dims[0] < 0;
}

pgy_status *px_batch_check_inputs(const pgy_io *inputs, size_t n)
{
    px_buf text = {0};
    for (size_t i = 0; i < n; i++)
        if (is_open(&inputs[i]))
            return NULL;
    px_metadata_print(&text, inputs, n);
    pgy_status *st =
        PX_FAIL(PGY_ERR_USAGE,
                "--check-batch-invariance: the model's batch is fixed, no input leaves its first "
                "dimension open: %s. Export it with a dynamic batch, or leave out the option.",
                px_buf_cstr(&text));
    px_buf_fini(&text);
    return st;
}

/* Size of the batch, on which all inputs that have one agree. */
static pgy_status *find_size(batch *b, const px_feed *feed)
{
    pgy_status *st = px_batch_check_inputs(b->inputs, b->n_inputs);
    const pgy_io *first = NULL;
    for (size_t i = 0; st == NULL && i < b->n_inputs; i++) {
        const pgy_io *io = &b->inputs[i];
        if (!is_open(io))
            continue;
        const int64_t size = feed->tensors[i]->dims[0];
        if (first != NULL && size != b->size)
            return PX_FAIL(PGY_ERR_USAGE,
                           "--check-batch-invariance: inputs '%s' and '%s' leave their first "
                           "dimension open, but it is %lld in one and %lld in the other; give "
                           "both one batch, such as with --input-shapes.",
                           first->name, io->name, (long long)b->size, (long long)size);
        b->size = size;
        first = first != NULL ? first : io;
    }
    if (st == NULL && b->size < 2)
        return PX_FAIL(PGY_ERR_USAGE,
                       "--check-batch-invariance: the batch of input '%s' is %lld; give at least "
                       "2 elements, such as with --input-shapes %s:[4,...].",
                       first->name, (long long)b->size, first->name);
    return st;
}

static void release(void *owner)
{
    pgy_tensor_free(owner);
}

/* Rows [first, first + n) of `t`, which has one; shares the bytes. */
static pgy_status *rows_of(pgy_tensor *t, int64_t first, int64_t n, pgy_tensor **out)
{
    int64_t dims[PX_MAX_RANK], count;
    size_t row = t->dims[0] > 0 ? t->size / (size_t)t->dims[0] : 0;
    memcpy(dims, t->dims, (size_t)t->rank * sizeof *dims);
    dims[0] = n;
    if (!px_shape_count(t->rank, dims, &count))
        return px_status_nomem(); /* cannot be: it is less than there is */
    if (pgy_dtype_bits(t->dtype) < 8 && (count * pgy_dtype_bits(t->dtype)) % 8 != 0)
        return PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "--check-batch-invariance: elements of a batch of %s share bytes and cannot "
                       "be told apart",
                       pgy_dtype_name(t->dtype));
    pgy_tensor *owner = pgy_tensor_ref(t);
    pgy_status *st = pgy_tensor_wrap(t->dtype, t->rank, dims, (char *)t->data + (size_t)first * row,
                                     release, owner, out);
    if (st != NULL)
        pgy_tensor_free(owner);
    return st;
}

/* --- runs --- */

static pgy_status *infer(batch *b, int64_t i, const px_feed *feed, pgy_outputs *out)
{
    pgy_status *st = NULL;
    const pgy_feed view = px_feed_view(feed);
    px_runner_set_iteration(b->runner, i);
    PX_TRY(px_runner_infer(b->runner, &view, out));
    px_progress(b->loop->cx, "Checking batches", (uint64_t)++b->n_done, (uint64_t)b->n_all);
done:
    return st;
}

/* The feed with element `k` alone where there is a batch. */
static pgy_status *element_of(const batch *b, const px_feed *feed, int64_t k, px_feed *out)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < feed->n; i++) {
        pgy_tensor *t = NULL;
        if (is_open(&b->inputs[i]))
            PX_TRY(rows_of(feed->tensors[i], k, 1, &t));
        else
            t = pgy_tensor_ref(feed->tensors[i]);
        PX_TRY(px_feed_add(out, feed->names[i], t));
    }
done:
    return st;
}

/* --- judging --- */

static pgy_status *output_of(px_batch_check *check, const char *name, px_batch_output **out)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < check->n; i++) {
        if (strcmp(check->at[i].name, name) == 0) {
            *out = &check->at[i];
            return NULL;
        }
    }
    PX_TRY(PX_RESERVE(check, 1));
    char *copy = px_mem_strdup(name);
    if (copy == NULL)
        PX_TRY(px_status_nomem());
    check->at[check->n] = (px_batch_output){.name = copy};
    *out = &check->at[check->n++];
done:
    return st;
}

/* Is the output of `alone` one part of `size` of the output of `all`? */
static bool has_batch(const pgy_tensor *all, const pgy_tensor *alone, int64_t size)
{
    if (all->dtype != alone->dtype || all->rank != alone->rank || all->rank == 0)
        return false;
    return alone->dims[0] > 0 && all->dims[0] / alone->dims[0] == size &&
           all->dims[0] % alone->dims[0] == 0 &&
           px_shape_eq(all->rank - 1, all->dims + 1, alone->rank - 1, alone->dims + 1);
}

static double worst(double a, double b)
{
    return isnan(a) || a > b ? a : b;
}

static void add_bits(px_batch_output *o, const px_bits *bits, int64_t i, int64_t k)
{
    if (bits->same)
        return;
    if (o->n_bits++ == 0 || bits->max_ulp > o->worst.max_ulp) {
        o->worst = *bits;
        o->worst_iteration = i;
        o->worst_element = k;
    }
}

static pgy_status *compare(batch *b, px_batch_output *o, int64_t i, int64_t k, pgy_tensor *part,
                           pgy_tensor *alone)
{
    pgy_status *st = NULL;
    px_output_result r = {0};
    px_bits bits;
    PX_TRY(px_bits_compare(part, alone, &bits));
    PX_TRY(px_compare_quietly(b->loop->cx, b->args, o->name, part, alone, &r));
    add_bits(o, &bits, i, k);
    o->atol = r.atol;
    o->rtol = r.rtol;
    if (!r.bare) {
        const double abs = r.stats.of[PX_OF_ABS].max, rel = r.stats.of[PX_OF_REL].max;
        o->max_abs = o->has_numbers ? worst(o->max_abs, abs) : abs;
        o->max_rel = o->has_numbers ? worst(o->max_rel, rel) : rel;
        o->has_numbers = true;
    }
    o->n++;
    o->n_failed += r.bare ? !bits.same : !r.passed;
done:
    px_mem_free(r.dims);
    return st;
}

static pgy_status *judge(batch *b, int64_t i, int64_t k, const pgy_outputs *all,
                         const pgy_outputs *alone)
{
    pgy_status *st = NULL;
    pgy_tensor *part = NULL;
    for (size_t n = 0; n < PX_MIN(all->n, alone->n); n++) {
        px_batch_output *o;
        pgy_tensor *whole = all->at[n].tensor, *one = alone->at[n].tensor;
        PX_TRY(output_of(&b->check, all->at[n].name, &o));
        if (!has_batch(whole, one, b->size)) {
            o->is_left_out = true;
            continue;
        }
        PX_TRY(rows_of(whole, k * one->dims[0], one->dims[0], &part));
        PX_TRY(compare(b, o, i, k, part, one));
        pgy_tensor_free(part);
        part = NULL;
    }
done:
    pgy_tensor_free(part);
    return st;
}

/* --- all of it --- */

static pgy_status *check_iteration(batch *b, int64_t i)
{
    pgy_status *st = NULL;
    px_feed feed = {0}, element = {0};
    pgy_outputs all = {0}, alone = {0};
    PX_TRY(px_loop_feed(b->loop, b->runner, i, &feed));
    PX_TRY(find_size(b, &feed));
    b->n_all = px_feeds_source_count(b->loop->source) * (1 + b->size);
    PX_TRY(infer(b, i, &feed, &all));
    for (int64_t k = 0; k < b->size; k++) {
        px_feed_clear(&element);
        px_outputs_clear(&alone);
        PX_TRY(element_of(b, &feed, k, &element));
        st = infer(b, i, &element, &alone);
        PX_TRY(px_status_while(st, "running element %lld of %lld as a batch of one", (long long)k,
                               (long long)b->size));
        PX_TRY(judge(b, i, k, &all, &alone));
    }
    b->check.n_elements += b->size;
done:
    px_outputs_clear(&all);
    px_outputs_clear(&alone);
    px_feed_fini(&element);
    px_feed_fini(&feed);
    return st;
}

static pgy_status *check_all(batch *b)
{
    pgy_status *st = NULL;
    PX_TRY(px_runner_activate(b->runner));
    PX_TRY(px_runner_inputs(b->runner, &b->inputs, &b->n_inputs));
    for (int64_t i = 0; i < px_feeds_source_count(b->loop->source); i++)
        PX_TRY(check_iteration(b, i));
done:
    return st;
}

pgy_status *px_batch_check_run(const px_loop *loop, px_runner *runner, const px_compare_args *args,
                               px_batch_check *out)
{
    pgy_status *st = NULL;
    size_t n_judged = 0;
    batch b = {.loop = loop, .runner = runner, .args = args, .check.is_invariant = true};
    px_log_mute(loop->cx, +1);
    st = check_all(&b);
    px_log_mute(loop->cx, -1);
    px_progress_end(loop->cx, "Checking batches");
    PX_TRY(st);
    for (size_t i = 0; i < b.check.n; i++) {
        b.check.is_invariant &= b.check.at[i].n_failed == 0;
        n_judged += b.check.at[i].n > 0;
    }
    if (n_judged == 0 && b.check.n_elements > 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "--check-batch-invariance: no output has a dimension that grows with the "
                       "batch, so there is nothing to compare."));
    *out = b.check;
    b.check = (px_batch_check){0};
done:
    px_runner_deactivate(runner);
    px_batch_check_fini(&b.check);
    return st;
}

void px_batch_check_fini(px_batch_check *check)
{
    for (size_t i = 0; i < check->n; i++)
        px_mem_free(check->at[i].name);
    px_mem_free(check->at);
    *check = (px_batch_check){0};
}

void px_batch_output_print(px_buf *b, const px_batch_output *o)
{
    px_buf_printf(b, "'%s': ", o->name);
    if (o->n == 0) {
        px_buf_puts(b, "left out, since it does not grow with the batch");
        return;
    }
    px_buf_puts(b, o->n_failed > 0 ? "FAILED" : "PASSED");
    if (o->n_bits == 0) {
        px_buf_printf(b, " | %lld element(s), the same to the last bit", (long long)o->n);
        return;
    }
    px_buf_printf(b, " | %lld of %lld element(s) beyond tolerance, %lld of other bits",
                  (long long)o->n_failed, (long long)o->n, (long long)o->n_bits);
    if (o->has_numbers) {
        px_buf_puts(b, "; max abs ");
        px_fmt_g(b, o->max_abs, 4);
        px_buf_puts(b, ", max rel ");
        px_fmt_g(b, o->max_rel, 4);
        px_buf_puts(b, " (atol ");
        px_fmt_g(b, o->atol, 4);
        px_buf_puts(b, ", rtol ");
        px_fmt_g(b, o->rtol, 4);
        px_buf_putc(b, ')');
    }
    px_buf_printf(b, "; worst: element %lld of iteration %lld, ", (long long)o->worst_element,
                  (long long)o->worst_iteration);
    px_bits_print(b, &o->worst);
}
