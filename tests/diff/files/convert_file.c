/* Loads a file of results or inputs and saves it under another name: the files test's subject.
 *
 *   convert_file results|inputs IN OUT
 *   convert_file make OUT.json      one array of each element type, as inputs
 */
#include "base/tensor.h"
#include "data/feed.h"
#include "results/results.h"

static pgy_status *save_feeds(pgy_context *cx, const px_run *feeds, const char *out)
{
    pgy_status *st = NULL;
    px_feeds_writer *w = NULL;
    px_feed feed = {0};

    PX_TRY(px_feeds_writer_open(cx, out, feeds->as_torch, &w));
    for (size_t i = 0; i < feeds->n; i++) {
        PX_TRY(px_iteration_get_feed(cx, &feeds->at[i], &feed));
        const pgy_feed view = px_feed_view(&feed);
        PX_TRY(px_feeds_writer_add(w, &view));
    }
    PX_TRY(px_feeds_writer_commit(w));
done:
    px_feed_fini(&feed);
    px_feeds_writer_close(w);
    return st;
}

static pgy_status *convert(pgy_context *cx, const char *what, const char *in, const char *out)
{
    pgy_status *st = NULL;
    px_results results = {0};
    px_run feeds = {0};

    if (strcmp(what, "results") == 0) {
        PX_TRY(px_results_load(cx, in, &results));
        PX_TRY(px_results_save(cx, &results, out));
    } else {
        PX_TRY(px_feeds_load(cx, in, &feeds));
        PX_TRY(save_feeds(cx, &feeds, out));
    }
done:
    px_results_fini(&results);
    px_run_fini(&feeds);
    return st;
}

static pgy_status *make(pgy_context *cx, const char *out)
{
    pgy_status *st = NULL;
    px_feed feed = {0};
    px_feeds_writer *w = NULL;
    pgy_tensor *wide = NULL, *t = NULL;
    const pgy_string words[] = {{"", 0}, {"a", 1}, {"\xe6\x97\xa5\xe6\x9c\xac", 6}, {"x y", 3}};

    PX_TRY(pgy_tensor_new(PGY_DTYPE_F64, 2, (int64_t[]){2, 2}, &wide));
    for (int i = 0; i < 4; i++)
        ((double *)wide->data)[i] = i;
    for (int d = 1; d < PGY_DTYPE_COUNT; d++) {
        if (d == PGY_DTYPE_STRING)
            PX_TRY(px_tensor_new_strings(1, (int64_t[]){4}, words, &t));
        else if (px_dtype_is_complex((pgy_dtype)d))
            PX_TRY(pgy_tensor_new((pgy_dtype)d, 1, (int64_t[]){4}, &t));
        else
            PX_TRY(pgy_tensor_cast(wide, (pgy_dtype)d, &t));
        PX_TRY(px_feed_add(&feed, pgy_dtype_name((pgy_dtype)d), t));
    }
    const pgy_feed view = px_feed_view(&feed);
    PX_TRY(px_feeds_writer_open(cx, out, false, &w));
    PX_TRY(px_feeds_writer_add(w, &view));
    PX_TRY(px_feeds_writer_commit(w));
done:
    px_feeds_writer_close(w);
    pgy_tensor_free(wide);
    px_feed_fini(&feed);
    return st;
}

int main(int argc, char **argv)
{
    pgy_context *cx = NULL;
    pgy_status *st = pgy_context_new(&cx);

    if (st == NULL && argc == 4)
        st = convert(cx, argv[1], argv[2], argv[3]);
    else if (st == NULL && argc == 3)
        st = make(cx, argv[2]);
    if (st != NULL)
        fprintf(stderr, "%s\n", pgy_status_message(st));
    const int rc = st != NULL;
    pgy_status_free(st);
    pgy_context_free(cx);
    return rc;
}
