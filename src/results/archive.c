/* results/archive.c - results and inputs as .npz, .npy and .bin.
 *
 * A .npz member of results is named RUNNER/ITERATION/OUTPUT, where "/" in the runner's name is
 * written %2F and "%" %25; of inputs NAME, or ITERATION/NAME when there are several iterations.
 * The ".npy" that ends every member's name is not shown by numpy.load. A .npy or .bin file holds
 * one array; its name is the file's.
 */
#include "results/load.h"

#include "base/log.h"
#include "data/npy.h"

#include <inttypes.h>

/* --- names --- */

static const char *base_name(const char *path)
{
    const char *const slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* The digits at the start of `s` if a slash follows; moves behind it. */
static bool take_index(px_str *s, int64_t *out)
{
    size_t n = 0;
    int64_t v = 0;

    while (n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9' && n < 9)
        v = v * 10 + (s->ptr[n++] - '0');
    if (n == 0 || n + 1 >= s->len || s->ptr[n] != '/')
        return false;
    *out = v;
    *s = (px_str){s->ptr + n + 1, s->len - n - 1};
    return true;
}

static void put_escaped(px_buf *b, const char *name)
{
    for (; *name != 0; name++) {
        if (*name == '/')
            px_buf_puts(b, "%2F");
        else if (*name == '%')
            px_buf_puts(b, "%25");
        else
            px_buf_putc(b, *name);
    }
}

static void put_unescaped(px_buf *b, px_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        const px_str rest = {name.ptr + i, name.len - i};
        if (px_str_starts(rest, "%2F") || px_str_starts(rest, "%25")) {
            px_buf_putc(b, name.ptr[i + 2] == 'F' ? '/' : '%');
            i += 2;
        } else {
            px_buf_putc(b, name.ptr[i]);
        }
    }
}

/* A member's name taken apart; `runner` is empty where none is written. */
typedef struct place {
    px_buf runner;
    int64_t index;
    px_str name;
} place;

static place place_of(px_str member, bool with_runner)
{
    place p = {.name = member};
    const char *const slash = memchr(member.ptr, '/', member.len);

    if (px_str_ends(p.name, ".npy"))
        p.name.len -= 4;
    if (take_index(&p.name, &p.index) || !with_runner || slash == NULL)
        return p;
    const size_t n = (size_t)(slash - member.ptr);
    px_str rest = {slash + 1, p.name.len > n + 1 ? p.name.len - n - 1 : 0};
    if (take_index(&rest, &p.index)) {
        put_unescaped(&p.runner, (px_str){member.ptr, n});
        p.name = rest;
    }
    return p;
}

/* --- reading --- */

/* Iterations are numbered without gaps in the files written here; a number beyond the members that
 * there are is not genuine. */
static pgy_status *check_index(const px_source *source, const px_zip *zip, const place *p)
{
    if (p->index < (int64_t)zip->n)
        return NULL;
    return PX_FAIL(PGY_ERR_MODEL,
                   "%s: the member %.*s belongs to iteration %" PRId64
                   ", but the archive has only %zu members",
                   source->path, PX_STR_ARG(p->name), p->index, zip->n);
}

static pgy_status *find_run(px_results *results, size_t first, const char *name, px_run **out)
{
    for (size_t i = first; i < results->n; i++)
        if (strcmp(results->at[i].runner_name, name) == 0) {
            *out = &results->at[i];
            return NULL;
        }
    return px_results_add_run(results, name, out);
}

static pgy_status *read_npz(px_source *source, px_results *results, px_run *feeds)
{
    pgy_status *st = NULL;
    px_zip zip = {0};
    place p = {0};
    const size_t first = results != NULL ? results->n : 0;
    const size_t first_feed = feeds != NULL ? feeds->n : 0;

    PX_TRY(px_zip_list(source->path, px_source_text(source), &zip));
    for (size_t i = 0; i < zip.n; i++) {
        px_run *run = feeds;
        px_iteration *it;
        px_lazy *value;
        p = place_of(zip.at[i].name, results != NULL);
        PX_TRY(check_index(source, &zip, &p));
        PX_TRY(px_buf_status(&p.runner));
        if (results != NULL)
            PX_TRY(find_run(results, first,
                            p.runner.len > 0 ? px_buf_cstr(&p.runner) : base_name(source->path),
                            &run));
        PX_TRY(px_run_reach(run, p.index + (int64_t)first_feed, &it));
        PX_TRY(px_lazy_of_member(source, &zip.at[i], &value));
        PX_TRY(px_iteration_set(it, p.name, value));
        px_buf_fini(&p.runner);
    }
done:
    px_buf_fini(&p.runner);
    px_zip_fini(&zip);
    return st;
}

/* NAME.DTYPE.1x3x4.bin says what the bytes are; without that they are uint8. Cuts *stem to NAME. */
static bool parse_stem(px_str *stem, pgy_dtype *out_dtype, int *out_rank, int64_t *dims)
{
    size_t shape_at = stem->len, dtype_at;
    int rank = 0;

    while (shape_at > 0 && stem->ptr[shape_at - 1] != '.')
        shape_at--;
    if (shape_at == 0)
        return false;
    for (dtype_at = shape_at - 1; dtype_at > 0 && stem->ptr[dtype_at - 1] != '.'; dtype_at--)
        ;
    if (dtype_at == 0)
        return false;
    const pgy_dtype dtype =
        px_dtype_from_name((px_str){stem->ptr + dtype_at, shape_at - 1 - dtype_at});
    if (dtype == PGY_DTYPE_UNKNOWN || dtype == PGY_DTYPE_STRING)
        return false;
    bool needs_digit = true;
    for (size_t i = shape_at; i < stem->len; i++) {
        const char c = stem->ptr[i];
        if (c == 'x' && !needs_digit) {
            needs_digit = true;
        } else if (c >= '0' && c <= '9') {
            if (needs_digit && rank == PX_MAX_RANK)
                return false;
            if (needs_digit)
                dims[rank++] = 0;
            needs_digit = false;
            if (dims[rank - 1] > INT64_MAX / 10 - 10)
                return false;
            dims[rank - 1] = dims[rank - 1] * 10 + (c - '0');
        } else {
            return false;
        }
    }
    if (needs_digit && rank > 0)
        return false;
    *out_dtype = dtype;
    *out_rank = rank;
    stem->len = dtype_at - 1;
    return true;
}

/* Raw bytes: all that is known may stand in the file's name. */
static pgy_status *read_bin(pgy_context *cx, px_source *source, px_str *inout_name, px_lazy **out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    pgy_dtype dtype = PGY_DTYPE_U8;
    int64_t dims[PX_MAX_RANK] = {(int64_t)source->file.size};
    int rank = 1;
    size_t size;

    if (parse_stem(inout_name, &dtype, &rank, dims) &&
        (!px_shape_size(dtype, rank, dims, &size) || size != source->file.size))
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "%s: the file has %zu bytes, which does not fit the type and shape in its "
                       "name",
                       source->path, source->file.size));
    PX_TRY(px_tensor_new_raw(dtype, rank, dims, &t));
    px_source_copy(cx, source->file.data, t->size, t->data);
    PX_TRY(px_lazy_of_tensor(t, out));
done:
    pgy_tensor_free(t);
    return st;
}

/* .npy and .bin. */
static pgy_status *read_single(pgy_context *cx, px_source *source, px_run *run)
{
    pgy_status *st = NULL;
    px_lazy *value = NULL;
    px_iteration *it;
    px_str name = px_str_of(base_name(source->path));

    name.len -= strlen(px_path_ext(source->path));
    if (px_file_kind_of(source->path) == PX_FILE_NPY)
        PX_TRY(px_lazy_of_npy(source, px_source_text(source), &value));
    else
        PX_TRY(read_bin(cx, source, &name, &value));
    PX_TRY(px_run_reach(run, (int64_t)run->n, &it));
    PX_TRY(px_iteration_set(it, name, value));
    value = NULL;
done:
    px_lazy_free(value);
    return st;
}

pgy_status *px_array_results_read(pgy_context *cx, px_source *source, px_results *results)
{
    pgy_status *st = NULL;
    px_run *run;

    if (px_file_kind_of(source->path) == PX_FILE_NPZ)
        return read_npz(source, results, NULL);
    PX_TRY(px_results_add_run(results, base_name(source->path), &run));
    PX_TRY(read_single(cx, source, run));
done:
    return st;
}

pgy_status *px_array_feeds_read(pgy_context *cx, px_source *source, px_run *feeds)
{
    if (px_file_kind_of(source->path) == PX_FILE_NPZ)
        return read_npz(source, NULL, feeds);
    return read_single(cx, source, feeds);
}

/* --- writing --- */

static void writer_put(void *arg, const void *bytes, size_t size)
{
    px_writer_put(arg, bytes, size);
}

static void crc_put(void *arg, const void *bytes, size_t size)
{
    uint32_t *const crc = arg;

    *crc = px_zip_crc(*crc, bytes, size);
}

static void zip_put(void *arg, const void *bytes, size_t size)
{
    px_zip_put(arg, bytes, size);
}

/* The elements are gone through twice: a member's checksum stands in front of it. */
static pgy_status *put_member(pgy_context *cx, px_zip_writer *zip, px_lazy *value, px_str name)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    uint32_t crc = 0;
    size_t size;

    if (name.len > UINT16_MAX)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED, "The name %.60s... is too long for a .npz archive",
                       name.ptr));
    PX_TRY(px_lazy_get(cx, value, &t));
    PX_TRY(px_npy_size(t, &size));
    PX_TRY(px_npy_write(t, crc_put, &crc));
    px_zip_begin(zip, name, size, crc, 0);
    PX_TRY(px_npy_write(t, zip_put, zip));
done:
    pgy_tensor_free(t);
    return st;
}

static bool looks_numbered(const char *name)
{
    px_str s = px_str_of(name);
    int64_t index;

    return take_index(&s, &index);
}

static pgy_status *put_run(pgy_context *cx, px_zip_writer *zip, const px_run *run)
{
    pgy_status *st = NULL;
    px_buf name = {0};
    bool numbered = run->n > 1 || run->runner_name != NULL;

    for (size_t i = 0; i < run->n; i++)
        for (size_t k = 0; k < run->at[i].n_outputs; k++)
            numbered = numbered || looks_numbered(run->at[i].outputs[k].name);
    for (size_t i = 0; i < run->n; i++)
        for (size_t k = 0; k < run->at[i].n_outputs; k++) {
            const px_result_output *const o = &run->at[i].outputs[k];
            px_buf_fini(&name);
            if (run->runner_name != NULL) {
                put_escaped(&name, run->runner_name);
                px_buf_putc(&name, '/');
            }
            if (numbered)
                px_buf_printf(&name, "%zu/", i);
            px_buf_printf(&name, "%s.npy", o->name);
            PX_TRY(px_buf_status(&name));
            PX_TRY(put_member(cx, zip, o->value, px_buf_str(&name)));
        }
done:
    px_buf_fini(&name);
    return st;
}

static pgy_status *write_npz(pgy_context *cx, const px_run *runs, size_t n, const char *path)
{
    pgy_status *st = NULL;
    px_writer w = {.fd = -1};
    px_zip_writer zip = {.put = writer_put, .arg = &w};
    uint64_t size = 0;

    PX_TRY(px_writer_open(path, &w));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < runs[i].n; k++)
            size += px_iteration_size(&runs[i].at[k]);
    px_writer_watch(&w, cx, size);
    for (size_t i = 0; i < n; i++)
        PX_TRY(put_run(cx, &zip, &runs[i]));
    PX_TRY(px_zip_finish(&zip));
    PX_TRY(px_writer_commit(&w));
done:
    px_buf_fini(&zip.directory);
    px_writer_abort(&w);
    return st;
}

/* Exactly one array, or an error that says how many there are. */
static pgy_status *write_single(pgy_context *cx, const px_run *runs, size_t n, const char *path)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    px_writer w = {.fd = -1};
    size_t n_arrays = 0;
    px_lazy *only = NULL;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < runs[i].n; k++) {
            n_arrays += runs[i].at[k].n_outputs;
            if (runs[i].at[k].n_outputs > 0)
                only = runs[i].at[k].outputs[0].value;
        }
    if (n_arrays != 1)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "Cannot save to %s: a %s file holds one array, but there are %zu. Choose a "
                       "name that ends in .npz or .json",
                       path, px_path_ext(path), n_arrays));
    PX_TRY(px_lazy_get(cx, only, &t));
    if (px_file_kind_of(path) == PX_FILE_BIN && t->dtype == PGY_DTYPE_STRING)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "Cannot save text to %s: raw bytes cannot hold it. Choose .npy or .json",
                       path));
    PX_TRY(px_writer_open(path, &w));
    px_writer_watch(&w, cx, t->size);
    if (px_file_kind_of(path) == PX_FILE_NPY)
        PX_TRY(px_npy_write(t, writer_put, &w));
    else
        px_writer_put(&w, t->data, t->size);
    PX_TRY(px_writer_commit(&w));
done:
    px_writer_abort(&w);
    pgy_tensor_free(t);
    return st;
}

pgy_status *px_array_results_write(pgy_context *cx, const px_results *results, const char *path)
{
    if (px_file_kind_of(path) == PX_FILE_NPZ)
        return write_npz(cx, results->at, results->n, path);
    return write_single(cx, results->at, results->n, path);
}

pgy_status *px_array_feeds_write(pgy_context *cx, const px_run *feeds, const char *path)
{
    if (px_file_kind_of(path) == PX_FILE_NPZ)
        return write_npz(cx, feeds, 1, path);
    return write_single(cx, feeds, 1, path);
}
