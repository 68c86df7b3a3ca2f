/* runner/save_inputs.c - see save_inputs.h. */
#include "runner/save_inputs.h"

#include "base/file.h"
#include "base/log.h"

static const char *blob_dir(const px_runner_args *args)
{
    return args->save_input_blob.value ? args->save_input_blob.value : ".";
}

bool px_saves_inputs(const px_runner_args *args)
{
    return args->save_inputs.given || args->save_input_blob.given;
}

pgy_status *px_input_saver_open(pgy_context *cx, const px_runner_args *args, bool as_torch,
                                bool streams, px_input_saver *out)
{
    pgy_status *st = NULL;
    const px_opt_str *path = &args->save_inputs;
    px_input_saver s = {.cx = cx, .args = args, .as_torch = as_torch};

    s.as_folder = streams && path->given && px_path_ext(path->value)[0] == '\0';
    if (s.as_folder)
        PX_TRY(px_save_dir_check("inference input data", path->value));
    else if (path->given)
        PX_TRY(px_feeds_writer_open(cx, path->value, as_torch, &s.writer));
    if (args->save_input_blob.given)
        px_log(cx, PGY_LOG_INFO, PX_AT_JSON, "Saving raw inference input tensors to: %s",
               blob_dir(args));
    *out = s;
done:
    return st;
}

pgy_status *px_input_saver_add(px_input_saver *s, int64_t i, const pgy_feed *feed)
{
    pgy_status *st = NULL;
    if (s->as_folder)
        PX_TRY(px_feeds_save_iteration(s->cx, feed, s->args->save_inputs.value, i, s->as_torch));
    else if (s->writer != NULL)
        PX_TRY(px_feeds_writer_add(s->writer, feed));
    if (s->args->save_input_blob.given)
        PX_TRY(px_feed_save_blobs(s->cx, feed, blob_dir(s->args), i));
done:
    return st;
}

pgy_status *px_input_saver_commit(px_input_saver *s)
{
    return s->writer != NULL ? px_feeds_writer_commit(s->writer) : NULL;
}

void px_input_saver_close(px_input_saver *s)
{
    px_feeds_writer_close(s->writer);
    s->writer = NULL;
}
