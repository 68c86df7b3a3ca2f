/* results/save.c - writing results and inputs; the layout is that of Python's json.dumps(indent=4)
 * on the reference's objects, byte for byte.
 */
#include "results/save.h"

#include "base/log.h"
#include "data/base64.h"
#include "data/json.h"
#include "data/npy.h"
#include "data/torch_file.h"
#include "results/load.h"

#include <errno.h>
#include <inttypes.h>

#define CHARACTERS ((size_t)1 << 20) /* written at once; a multiple of 4 */
#define TEXT_LIMIT ((size_t)1 << 16)

/* --- JSON text --- */

static void flush_text(px_json_out *o)
{
    px_writer_put(&o->writer, o->text.ptr, o->text.len);
    o->text.len = 0;
}

void px_out_open(px_json_out *o, char bracket)
{
    px_buf_putc(&o->text, bracket);
    o->level++;
    o->is_open = true;
}

void px_out_close(px_json_out *o, char bracket)
{
    o->level--;
    if (!o->is_open)
        px_json_newline(&o->text, o->level);
    px_buf_putc(&o->text, bracket);
    o->is_open = false;
    if (o->text.len > TEXT_LIMIT)
        flush_text(o);
}

void px_out_item(px_json_out *o, const char *key)
{
    if (!o->is_open)
        px_buf_putc(&o->text, ',');
    o->is_open = false;
    px_json_newline(&o->text, o->level);
    if (key != NULL) {
        px_json_put_string(&o->text, px_str_of(key));
        px_buf_puts(&o->text, ": ");
    }
}

void px_out_string(px_json_out *o, const char *s)
{
    px_json_put_string(&o->text, px_str_of(s));
}

void px_out_class(px_json_out *o, const char *name)
{
    px_out_item(o, "polygraphy_class");
    px_out_string(o, name);
    px_out_close(o, '}');
}

pgy_status *px_out_commit(px_json_out *o)
{
    pgy_status *st = NULL;

    PX_TRY(px_buf_status(&o->text));
    flush_text(o);
    PX_TRY(px_writer_commit(&o->writer));
done:
    px_out_abort(o);
    return st;
}

void px_out_abort(px_json_out *o)
{
    px_writer_abort(&o->writer);
    px_buf_fini(&o->text);
}

/* --- arrays --- */

typedef struct encoder {
    px_writer *writer;
    char *at; /* CHARACTERS */
    size_t n;
    uint8_t carry[3]; /* bytes that do not make a group of three yet */
    size_t n_carry;
} encoder;

static void encoder_flush(encoder *e)
{
    px_writer_put(e->writer, e->at, e->n);
    e->n = 0;
}

static void encode(encoder *e, const uint8_t *bytes, size_t size)
{
    if (e->n + px_base64_encoded_size(size) > CHARACTERS)
        encoder_flush(e);
    px_base64_encode(bytes, size, e->at + e->n);
    e->n += px_base64_encoded_size(size);
}

static void encoder_put(void *arg, const void *bytes, size_t size)
{
    encoder *const e = arg;
    const uint8_t *p = bytes;

    while (size > 0 && (e->n_carry > 0 || size < 3)) {
        e->carry[e->n_carry++] = *p++;
        size--;
        if (e->n_carry == 3) {
            encode(e, e->carry, 3);
            e->n_carry = 0;
        }
    }
    while (size >= 3) {
        const size_t step = PX_MIN(size / 3 * 3, CHARACTERS / 4 * 3);
        encode(e, p, step);
        p += step;
        size -= step;
    }
    if (size > 0)
        encoder_put(e, p, size);
}

static pgy_status *put_base64(px_json_out *o, const pgy_tensor *t, bool as_torch)
{
    pgy_status *st = NULL;
    px_buf image = {0};
    encoder e = {.writer = &o->writer};

    e.at = px_mem_alloc(CHARACTERS);
    if (e.at == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_buf_status(&o->text));
    flush_text(o);
    if (as_torch) {
        PX_TRY(px_torch_write(t, &image));
        encoder_put(&e, image.ptr, image.len);
    } else {
        PX_TRY(px_npy_write(t, encoder_put, &e));
    }
    if (e.n_carry > 0)
        encode(&e, e.carry, e.n_carry);
    encoder_flush(&e);
done:
    px_mem_free(e.at);
    px_buf_fini(&image);
    return st;
}

pgy_status *px_out_array(px_json_out *o, const pgy_tensor *t, bool as_torch)
{
    pgy_status *st = NULL;
    const bool torch = as_torch && px_torch_has_dtype(t->dtype);

    px_out_open(o, '{');
    px_out_item(o, torch ? "tensor" : "array");
    px_buf_putc(&o->text, '"');
    PX_TRY(put_base64(o, t, torch));
    px_buf_putc(&o->text, '"');
    if (!torch && px_npy_stored_dtype(t->dtype) != t->dtype) {
        /* Ours alone; the reference ignores the key and sees the stored type. */
        px_out_item(o, "dtype");
        px_out_string(o, pgy_dtype_name(t->dtype));
    }
    px_out_class(o, torch ? "Tensor" : "ndarray");
done:
    return st;
}

/* --- results --- */

static pgy_status *put_output(pgy_context *cx, px_json_out *o, const px_result_output *output,
                              bool as_torch)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;

    PX_TRY(px_lazy_get(cx, output->value, &t));
    px_out_item(o, output->name);
    px_out_open(o, '{');
    px_out_item(o, "values");
    PX_TRY(px_out_array(o, t, as_torch));
    px_out_class(o, "LazyArray");
done:
    pgy_tensor_free(t);
    return px_status_while(st, "saving the output %s", output->name);
}

static pgy_status *put_iteration(pgy_context *cx, px_json_out *o, const px_iteration *it,
                                 bool as_torch)
{
    pgy_status *st = NULL;

    px_out_item(o, NULL);
    px_out_open(o, '{');
    px_out_item(o, "outputs");
    px_out_open(o, '{');
    for (size_t i = 0; i < it->n_outputs; i++)
        PX_TRY(put_output(cx, o, &it->outputs[i], as_torch));
    px_out_close(o, '}');
    px_out_item(o, "runtime");
    if (it->runtime_s < 0)
        px_buf_puts(&o->text, "null");
    else
        px_json_put_double(&o->text, it->runtime_s);
    px_out_item(o, "runner_name");
    px_out_string(o, it->runner_name != NULL ? it->runner_name : "");
    px_out_class(o, "IterationResult");
done:
    return st;
}

static uint64_t size_of(const px_results *results)
{
    uint64_t size = 0;
    for (size_t r = 0; r < results->n; r++)
        for (size_t i = 0; i < results->at[r].n; i++)
            size += px_iteration_size(&results->at[r].at[i]);
    return size;
}

static pgy_status *save_results_json(pgy_context *cx, const px_results *results, const char *path)
{
    pgy_status *st = NULL;
    px_json_out o = {0};

    PX_TRY(px_writer_open(path, &o.writer));
    px_writer_watch(&o.writer, cx, 4 * size_of(results) / 3);
    px_out_open(&o, '{');
    px_out_item(&o, "lst");
    px_out_open(&o, '[');
    for (size_t i = 0; i < results->n; i++) {
        const px_run *const run = &results->at[i];
        px_out_item(&o, NULL);
        px_out_open(&o, '[');
        px_out_item(&o, NULL);
        px_out_string(&o, run->runner_name);
        px_out_item(&o, NULL);
        px_out_open(&o, '[');
        for (size_t k = 0; k < run->n; k++)
            PX_TRY(put_iteration(cx, &o, &run->at[k], run->as_torch));
        px_out_close(&o, ']');
        px_out_close(&o, ']');
    }
    px_out_close(&o, ']');
    px_out_class(&o, "RunResults");
    PX_TRY(px_out_commit(&o));
done:
    px_out_abort(&o);
    return st;
}

pgy_status *px_results_save(pgy_context *cx, const px_results *results, const char *path)
{
    px_log(cx, PGY_LOG_INFO, PX_AT_JSON, "Saving inference results to %s", path);
    if (px_file_kind_of(path) != PX_FILE_JSON)
        return px_array_results_write(cx, results, path);
    return save_results_json(cx, results, path);
}

/* "DIR/0000000007.json". */
static char *iteration_path(const char *dir, int64_t index, const char *ending)
{
    px_buf name = {0};

    px_buf_printf(&name, "%010" PRId64 "%s", index, ending);
    char *const path = name.failed ? NULL : px_path_join(dir, px_buf_cstr(&name));
    px_buf_fini(&name);
    return path;
}

pgy_status *px_results_save_iteration(pgy_context *cx, const px_results *results, const char *dir,
                                      int64_t index)
{
    char *const path = iteration_path(dir, index, ".json");

    if (path == NULL)
        return px_status_nomem();
    pgy_status *const st = px_results_save(cx, results, path);
    px_mem_free(path);
    return st;
}

pgy_status *px_save_dir_check(const char *what, const char *dir)
{
    pgy_status *st = NULL;
    char **names = NULL;
    size_t n = 0;

    if (!px_path_exists(dir))
        return NULL;
    if (!px_path_is_dir(dir))
        return PX_FAIL(
            PGY_ERR_USAGE,
            "Cannot save %s to '%s': a file already exists there, but an extensionless "
            "path is a directory of per-iteration files. Use a different path, or remove "
            "the file first.",
            what, dir);
    PX_TRY(px_path_list(dir, NULL, &names, &n));
    if (n > 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "Cannot save %s to '%s': the directory is not empty. Per-iteration files "
                       "require an empty or new directory (so nothing is overwritten). Use a "
                       "different path, or remove its contents first.",
                       what, dir));
done:
    for (size_t i = 0; i < n; i++)
        px_mem_free(names[i]);
    px_mem_free(names);
    return st;
}

/* --- inputs --- */

static pgy_status *put_feed(px_json_out *o, const pgy_feed *feed, bool as_torch)
{
    pgy_status *st = NULL;

    px_out_open(o, '{');
    for (size_t i = 0; i < feed->n; i++) {
        px_out_item(o, feed->names[i]);
        PX_TRY(px_status_while(px_out_array(o, feed->tensors[i], as_torch), "saving the input %s",
                               feed->names[i]));
    }
    px_out_close(o, '}');
done:
    return st;
}

/* JSON is written as feeds come; the other formats need to know their number first, so the feeds
 * wait in the spool. */
struct px_feeds_writer {
    pgy_context *cx;
    px_json_out out;
    bool as_torch;
    px_results kept;
    char *path;
};

pgy_status *px_feeds_writer_open(pgy_context *cx, const char *path, bool as_torch,
                                 px_feeds_writer **out)
{
    pgy_status *st = NULL;
    px_feeds_writer *w = NULL;

    px_log(cx, PGY_LOG_INFO, PX_AT_JSON, "Saving inference input data to %s", path);
    PX_TRY(PX_ALLOC(w, 1));
    w->out.writer.fd = -1;
    w->cx = cx;
    w->as_torch = as_torch;
    w->kept.limit = 1;
    w->path = px_mem_strdup(path);
    if (w->path == NULL)
        PX_TRY(px_status_nomem());
    if (px_file_kind_of(path) == PX_FILE_JSON) {
        PX_TRY(px_writer_open(path, &w->out.writer));
        px_out_open(&w->out, '[');
    } else {
        px_run *run;
        PX_TRY(px_results_add_run(&w->kept, "", &run));
        px_mem_free(run->runner_name); /* what tells inputs from results */
        run->runner_name = NULL;
    }
    *out = w;
    w = NULL;
done:
    px_feeds_writer_close(w);
    return st;
}

pgy_status *px_feeds_writer_add(px_feeds_writer *w, const pgy_feed *feed)
{
    if (px_file_kind_of(w->path) != PX_FILE_JSON)
        return px_run_add_feed(w->cx, &w->kept, &w->kept.at[0], feed);
    px_out_item(&w->out, NULL);
    return put_feed(&w->out, feed, w->as_torch);
}

pgy_status *px_feeds_writer_commit(px_feeds_writer *w)
{
    if (px_file_kind_of(w->path) != PX_FILE_JSON)
        return px_array_feeds_write(w->cx, &w->kept.at[0], w->path);
    px_out_close(&w->out, ']');
    return px_out_commit(&w->out);
}

void px_feeds_writer_close(px_feeds_writer *w)
{
    if (w == NULL)
        return;
    px_out_abort(&w->out);
    px_results_fini(&w->kept);
    px_mem_free(w->path);
    px_mem_free(w);
}

pgy_status *px_feeds_save_iteration(pgy_context *cx, const pgy_feed *feed, const char *dir,
                                    int64_t index, bool as_torch)
{
    pgy_status *st = NULL;
    px_json_out o = {.writer.fd = -1};
    char *const path = iteration_path(dir, index, ".json");

    if (path == NULL)
        PX_TRY(px_status_nomem());
    px_log(cx, PGY_LOG_INFO, PX_AT_JSON, "Saving inference input data to %s", path);
    PX_TRY(px_writer_open(path, &o.writer));
    PX_TRY(put_feed(&o, feed, as_torch));
    PX_TRY(px_out_commit(&o));
done:
    px_mem_free(path);
    px_out_abort(&o);
    return st;
}

/* True when DIR/NAME.bin lies outside of DIR: an absolute name, or more ".." than folders. */
static bool leads_out(const char *name)
{
    int depth = 0;

    if (name[0] == '/')
        return true;
    while (name != NULL) {
        const char *const end = strchr(name, '/');
        const px_str part = {name, end != NULL ? (size_t)(end - name) : strlen(name)};
        if (px_str_is(part, "..") && end != NULL) /* the last part becomes "...bin", a file */
            depth--;
        else if (part.len > 0 && !px_str_is(part, "."))
            depth++;
        if (depth < 0)
            return true;
        name = end != NULL ? end + 1 : NULL;
    }
    return false;
}

static pgy_status *save_blob(const char *folder, const char *name, const pgy_tensor *t)
{
    pgy_status *st = NULL;
    px_buf file = {0};
    char *path = NULL;

    if (leads_out(name))
        PX_TRY(
            PX_FAIL(PGY_ERR_USAGE,
                    "Cannot save raw input tensor named '%s': the name resolves to a path outside "
                    "of '%s'.",
                    name, folder));
    if (t->dtype == PGY_DTYPE_STRING)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "Cannot save the input %s as raw bytes: it holds text. Use --save-inputs",
                       name));
    px_buf_printf(&file, "%s.bin", name);
    PX_TRY(px_buf_status(&file));
    path = px_path_join(folder, px_buf_cstr(&file));
    if (path == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_file_write(path, t->data, t->size));
done:
    px_buf_fini(&file);
    px_mem_free(path);
    return st;
}

pgy_status *px_feed_save_blobs(pgy_context *cx, const pgy_feed *feed, const char *dir,
                               int64_t index)
{
    pgy_status *st = NULL;
    char *const folder = iteration_path(dir, index, "");

    if (folder == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_path_make_dirs(folder));
    for (size_t i = 0; i < feed->n; i++)
        PX_TRY(save_blob(folder, feed->names[i], feed->tensors[i]));
done:
    px_mem_free(folder);
    return st;
}
