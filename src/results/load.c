/* results/load.c - files and folders of results and inputs; the JSON forms.
 *
 * A typed object is a dict that names its class under "polygraphy_class", or, in files of old
 * versions, by a key "__polygraphy_encoded_<class>".
 */
#include "results/load.h"

#include "base/log.h"
#include "base/progress.h"
#include "data/base64.h"
#include "data/json.h"
#include "data/torch_file.h"
#include "data/utf.h"

#include <math.h>

#define OLD_MARKER "__polygraphy_encoded_"
#define OLD_MARKER_VALUE "polygraphy_serialized_json_type"

typedef struct reader {
    px_source *source;
    px_arena arena;
    px_json *root;
    size_t forgotten; /* pages of the file before this position have been let go */
} reader;

static pgy_status *wrong(const reader *r, const px_json *v, const char *wanted)
{
    return PX_FAIL(PGY_ERR_MODEL, "%s: expected %s at byte %zu, found %s", r->source->path, wanted,
                   v->at, px_json_type_name(v->type));
}

static pgy_status *missing(const reader *r, const px_json *v, const char *key)
{
    return PX_FAIL(PGY_ERR_MODEL, "%s: the object at byte %zu has no key \"%s\"", r->source->path,
                   v->at, key);
}

/* The class of a typed object; empty for anything else. */
static px_str class_of(const px_json *v)
{
    const px_json *const name = px_json_get(v, "polygraphy_class");

    if (name != NULL && name->type == PX_JSON_STRING)
        return name->text;
    if (v->type != PX_JSON_OBJECT)
        return (px_str){0};
    for (const px_json *m = v->first; m != NULL; m = m->next) {
        const size_t n = sizeof OLD_MARKER - 1;
        if (px_str_starts(m->key, OLD_MARKER) && m->type == PX_JSON_STRING &&
            px_str_is(m->text, OLD_MARKER_VALUE))
            return (px_str){m->key.ptr + n, m->key.len - n};
    }
    return (px_str){0};
}

/* --- arrays --- */

/* An image in memory: .npy, an archive of them (the first counts), or a torch file. */
static pgy_status *read_image(const char *what, px_str image, pgy_tensor **out)
{
    pgy_status *st = NULL;
    px_zip zip = {0};
    uint8_t *member = NULL;

    if (!px_zip_is(image))
        return px_npy_read(what, (const uint8_t *)image.ptr, image.len, out);
    PX_TRY(px_zip_list(what, image, &zip));
    if (zip.n == 0)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "%s: the archive holds no array", what));
    member = px_mem_alloc(zip.at[0].size);
    if (member == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_zip_read(NULL, what, &zip.at[0], member, zip.at[0].size));
    PX_TRY(px_npy_read(what, member, zip.at[0].size, out));
done:
    px_mem_free(member);
    px_zip_fini(&zip);
    return st;
}

/* Base64, or else the bytes themselves as Latin-1 text, which old versions wrote. */
static pgy_status *decode_text(px_str text, px_buf *out)
{
    size_t size, bad;

    if (px_base64_decoded_size(text, &size)) {
        uint8_t *const bytes = px_mem_alloc(size);
        if (bytes == NULL)
            return px_status_nomem();
        const bool good = px_base64_decode(text, 0, bytes, size, &bad);
        if (good)
            px_buf_put(out, bytes, size);
        px_mem_free(bytes);
        if (good)
            return px_buf_status(out);
    }
    while (text.len > 0)
        px_buf_putc(out, (char)px_utf8_next(&text));
    return px_buf_status(out);
}

/* For what cannot be left in the file. */
static pgy_status *read_at_once(reader *r, const px_json *v, bool torch, px_lazy **out)
{
    pgy_status *st = NULL;
    px_buf what = {0}, image = {0};
    px_str text;
    pgy_tensor *t = NULL;

    px_buf_printf(&what, "%s (array at byte %zu)", r->source->path, v->at);
    PX_TRY(px_json_string(&r->arena, v, &text));
    PX_TRY(decode_text(text, &image));
    if (torch)
        PX_TRY(px_torch_read(px_buf_cstr(&what), px_buf_str(&image), &t));
    else
        PX_TRY(read_image(px_buf_cstr(&what), px_buf_str(&image), &t));
    PX_TRY(px_lazy_of_tensor(t, out));
done:
    pgy_tensor_free(t);
    px_buf_fini(&what);
    px_buf_fini(&image);
    return st;
}

/* "k05VTVBZ" is the base64 of a .npy file's magic. */
static pgy_status *read_ndarray(reader *r, const px_json *v, px_lazy **out)
{
    pgy_status *st = NULL;
    const px_json *const array = px_json_get(v, "array");
    const px_json *const dtype_name = px_json_get(v, "dtype");
    pgy_dtype dtype = PGY_DTYPE_UNKNOWN;

    if (array == NULL)
        PX_TRY(missing(r, v, "array"));
    if (array->type != PX_JSON_STRING)
        PX_TRY(wrong(r, array, "a string (base64)"));
    if (dtype_name != NULL && dtype_name->type == PX_JSON_STRING) {
        dtype = px_dtype_from_name(dtype_name->text);
        if (dtype == PGY_DTYPE_UNKNOWN || dtype == PGY_DTYPE_STRING || px_dtype_is_complex(dtype))
            PX_TRY(wrong(r, dtype_name, "the name of a numeric element type"));
    }
    if (!array->escaped && px_str_starts(array->text, "k05VTVBZ"))
        PX_TRY(px_lazy_of_base64(r->source, array->text, dtype, out));
    else
        PX_TRY(read_at_once(r, array, false, out));
done:
    return st;
}

/* The raw buffer seen under its semantic shape, where the counts agree. */
static pgy_status *apply_shape(reader *r, const px_json *v, px_lazy *value)
{
    pgy_status *st = NULL;
    const px_json *const shape = px_json_get(v, "shape");
    int64_t dims[PX_MAX_RANK], count, have;
    int rank = 0;
    const int64_t *stored;
    int stored_rank;

    if (shape == NULL)
        PX_TRY(missing(r, v, "shape"));
    if (shape->type != PX_JSON_ARRAY || shape->n > PX_MAX_RANK)
        PX_TRY(wrong(r, shape, "a list of at most 64 dimensions"));
    for (const px_json *d = shape->first; d != NULL; d = d->next)
        if (!px_json_int(d, &dims[rank++]))
            PX_TRY(wrong(r, d, "a dimension"));
    PX_TRY(px_lazy_describe(value, NULL, &stored_rank, &stored));
    if (px_shape_count(rank, dims, &count) && px_shape_count(stored_rank, stored, &have) &&
        count == have)
        PX_TRY(px_lazy_reshape(value, rank, dims));
done:
    return st;
}

static pgy_status *read_array(reader *r, const px_json *v, px_lazy **out)
{
    pgy_status *st = NULL;
    px_lazy *value = NULL;
    px_str class = class_of(v);

    if (px_str_is(class, "LazyArray") || px_str_is(class, "LazyNumpyArray")) {
        const px_json *const values = px_json_get(v, "values");
        if (values == NULL)
            PX_TRY(missing(r, v, "values"));
        v = values;
        class = class_of(v);
    }
    const px_json *inner = v;
    if (px_str_is(class, "FormattedArray")) {
        inner = px_json_get(v, "array");
        if (inner == NULL)
            PX_TRY(missing(r, v, "array"));
    }
    if (px_str_is(class_of(inner), "ndarray")) {
        PX_TRY(read_ndarray(r, inner, &value));
    } else if (px_str_is(class_of(inner), "Tensor")) {
        const px_json *const tensor = px_json_get(inner, "tensor");
        if (tensor == NULL || tensor->type != PX_JSON_STRING)
            PX_TRY(missing(r, inner, "tensor"));
        PX_TRY(read_at_once(r, tensor, true, &value));
    } else if (class_of(inner).len > 0) {
        PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                       "Could not decode serialized type: %.*s. This could be because a required "
                       "module is missing. (%s, byte %zu)",
                       PX_STR_ARG(class_of(inner)), r->source->path, inner->at));
    } else {
        PX_TRY(wrong(r, inner, "an array object"));
    }
    if (inner != v)
        PX_TRY(apply_shape(r, v, value));
    *out = value;
    value = NULL;
done:
    px_lazy_free(value);
    return st;
}

/* --- dicts of arrays --- */

pgy_status *px_iteration_set(px_iteration *it, px_str name, px_lazy *take_value)
{
    pgy_status *st = NULL;
    px_result_output *grown;
    char *copy = NULL;

    for (size_t i = 0; i < it->n_outputs; i++)
        if (px_str_is(name, it->outputs[i].name)) {
            px_iteration_replace(it, i, take_value);
            return NULL;
        }
    grown = px_mem_realloc(it->outputs, (it->n_outputs + 1) * sizeof *grown);
    if (grown == NULL)
        PX_TRY(px_status_nomem());
    it->outputs = grown;
    copy = px_mem_strndup(name.ptr, name.len);
    if (copy == NULL)
        PX_TRY(px_status_nomem());
    grown[it->n_outputs++] = (px_result_output){copy, take_value};
    take_value = NULL;
done:
    px_lazy_free(take_value);
    return st;
}

static pgy_status *read_arrays(reader *r, const px_json *v, px_iteration *it)
{
    pgy_status *st = NULL;
    px_map places = {0}; /* name -> its member, the last one of that name */

    for (const px_json *m = v->first; m != NULL; m = m->next)
        PX_TRY(px_map_set(&places, m->key, (void *)(uintptr_t)m));
    PX_TRY(PX_ALLOC(it->outputs, places.n));
    for (size_t i = 0; i < places.n; i++) {
        px_result_output *const o = &it->outputs[i];
        PX_TRY(px_status_while(read_array(r, places.at[i].value, &o->value),
                               "reading the array %.*s", PX_STR_ARG(places.at[i].key)));
        it->n_outputs = i + 1;
        o->name = px_mem_strndup(places.at[i].key.ptr, places.at[i].key.len);
        if (o->name == NULL)
            PX_TRY(px_status_nomem());
    }
    /* Each header read brought pages around it along. */
    if (v->at > r->forgotten) {
        px_file_drop(&r->source->file, r->source->file.data + r->forgotten, v->at - r->forgotten);
        r->forgotten = v->at;
    }
done:
    px_map_fini(&places);
    return st;
}

pgy_status *px_run_reach(px_run *run, int64_t index, px_iteration **out)
{
    pgy_status *st = NULL;

    while ((int64_t)run->n <= index) {
        px_iteration it = {.runtime_s = -1};
        PX_TRY(PX_RESERVE(run, 1));
        if (run->runner_name != NULL) {
            it.runner_name = px_mem_strdup(run->runner_name);
            if (it.runner_name == NULL)
                PX_TRY(px_status_nomem());
        }
        run->at[run->n++] = it;
    }
    *out = &run->at[index];
done:
    return st;
}

/* --- results --- */

static pgy_status *read_iteration(reader *r, const px_json *v, px_run *run)
{
    pgy_status *st = NULL;
    px_iteration *it;
    const px_json *const outputs = px_json_get(v, "outputs");
    const px_json *const runtime = px_json_get(v, "runtime");
    const px_json *const runner = px_json_get(v, "runner_name");

    if (!px_str_is(class_of(v), "IterationResult"))
        PX_TRY(wrong(r, v, "an IterationResult"));
    if (outputs == NULL)
        PX_TRY(missing(r, v, "outputs"));
    if (outputs->type != PX_JSON_OBJECT)
        PX_TRY(wrong(r, outputs, "a dict of outputs"));
    PX_TRY(px_run_reach(run, (int64_t)run->n, &it));
    if (runtime != NULL && !px_json_double(runtime, &it->runtime_s))
        it->runtime_s = -1;
    if (!(it->runtime_s >= 0))
        it->runtime_s = -1;
    if (runner != NULL && runner->type == PX_JSON_STRING) {
        px_str name;
        PX_TRY(px_json_string(&r->arena, runner, &name));
        px_mem_free(it->runner_name);
        it->runner_name = px_mem_strndup(name.ptr, name.len);
        if (it->runner_name == NULL)
            PX_TRY(px_status_nomem());
    }
    PX_TRY(read_arrays(r, outputs, it));
done:
    return st;
}

static pgy_status *read_run(reader *r, const px_json *v, px_results *results)
{
    pgy_status *st = NULL;
    px_run *run;
    px_str name;
    char *copy = NULL;

    if (v->type != PX_JSON_ARRAY || v->n != 2)
        PX_TRY(wrong(r, v, "a list [runner name, iterations]"));
    const px_json *const iterations = v->first->next;
    if (v->first->type != PX_JSON_STRING)
        PX_TRY(wrong(r, v->first, "a runner's name"));
    if (iterations->type != PX_JSON_ARRAY)
        PX_TRY(wrong(r, iterations, "a list of IterationResults"));
    PX_TRY(px_json_string(&r->arena, v->first, &name));
    copy = px_mem_strndup(name.ptr, name.len);
    if (copy == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_results_add_run(results, copy, &run));
    for (const px_json *i = iterations->first; i != NULL; i = i->next)
        PX_TRY(read_iteration(r, i, run));
done:
    px_mem_free(copy);
    return st;
}

static pgy_status *reader_open(pgy_context *cx, px_source *source, reader *out)
{
    *out = (reader){.source = source};
    return px_json_parse_file(cx, &out->arena, source->path, &source->file, &out->root);
}

pgy_status *px_json_results_read(pgy_context *cx, px_source *source, px_results *results)
{
    pgy_status *st = NULL;
    reader r = {0};

    PX_TRY(reader_open(cx, source, &r));
    const px_json *const lst = px_json_get(r.root, "lst");
    if (!px_str_is(class_of(r.root), "RunResults"))
        PX_TRY(
            PX_FAIL(PGY_ERR_MODEL,
                    "Provided JSON cannot be decoded into a RunResults.\nNote: %s holds %s%s%.*s. "
                    "It should be what --save-outputs wrote",
                    source->path, px_json_type_name(r.root->type),
                    class_of(r.root).len > 0 ? " of class " : "", PX_STR_ARG(class_of(r.root))));
    if (lst == NULL)
        PX_TRY(missing(&r, r.root, "lst"));
    if (lst->type != PX_JSON_ARRAY)
        PX_TRY(wrong(&r, lst, "a list of runners"));
    for (const px_json *run = lst->first; run != NULL; run = run->next)
        PX_TRY(read_run(&r, run, results));
done:
    px_arena_fini(&r.arena);
    return st;
}

/* --- inputs --- */

static pgy_status *read_feed(reader *r, const px_json *v, px_run *feeds)
{
    pgy_status *st = NULL;
    px_iteration *it;

    if (v->type != PX_JSON_OBJECT || class_of(v).len > 0)
        PX_TRY(
            PX_FAIL(PGY_ERR_MODEL,
                    "%s: expected a dict of input names and arrays at byte %zu, found %s%s%.*s.%s",
                    r->source->path, v->at, px_json_type_name(v->type),
                    class_of(v).len > 0 ? " of class " : "", PX_STR_ARG(class_of(v)),
                    px_str_is(class_of(v), "RunResults")
                        ? " These are results of --save-outputs; inputs come from --save-inputs"
                        : ""));
    PX_TRY(px_run_reach(feeds, (int64_t)feeds->n, &it));
    PX_TRY(read_arrays(r, v, it));
done:
    return st;
}

pgy_status *px_json_feeds_read(pgy_context *cx, px_source *source, px_run *feeds)
{
    pgy_status *st = NULL;
    reader r = {0};

    PX_TRY(reader_open(cx, source, &r));
    if (r.root->type != PX_JSON_ARRAY) {
        PX_TRY(read_feed(&r, r.root, feeds));
    } else {
        for (const px_json *v = r.root->first; v != NULL; v = v->next)
            PX_TRY(read_feed(&r, v, feeds));
    }
done:
    px_arena_fini(&r.arena);
    return st;
}

/* --- any file, any folder --- */

px_file_kind px_file_kind_of(const char *path)
{
    const px_str ext = px_str_of(px_path_ext(path));

    if (px_str_eq_nocase(ext, PX_STR(".npz")))
        return PX_FILE_NPZ;
    if (px_str_eq_nocase(ext, PX_STR(".npy")))
        return PX_FILE_NPY;
    return px_str_eq_nocase(ext, PX_STR(".bin")) ? PX_FILE_BIN : PX_FILE_JSON;
}

static pgy_status *load_results_file(pgy_context *cx, const char *path, px_results *results)
{
    pgy_status *st = NULL;
    px_source *source = NULL;

    px_log(cx, PGY_LOG_INFO, PX_AT_JSON, "Loading inference results from %s", path);
    PX_TRY(px_source_open(path, &source));
    if (px_file_kind_of(path) == PX_FILE_JSON)
        PX_TRY(px_json_results_read(cx, source, results));
    else
        PX_TRY(px_array_results_read(cx, source, results));
done:
    px_source_free(source);
    return st;
}

/* Appends `from`'s iterations to the run of the same name and rank among equal names. */
static pgy_status *merge_run(px_results *into, size_t first, const px_results *all, px_run *from,
                             size_t position)
{
    pgy_status *st = NULL;
    px_run *target = NULL;
    size_t rank = 0;

    for (size_t i = 0; i < position; i++)
        rank += strcmp(all->at[i].runner_name, from->runner_name) == 0;
    for (size_t i = first; i < into->n && target == NULL; i++)
        if (strcmp(into->at[i].runner_name, from->runner_name) == 0 && rank-- == 0)
            target = &into->at[i];
    if (target == NULL)
        PX_TRY(px_results_add_run(into, from->runner_name, &target));
    PX_TRY(PX_RESERVE(target, from->n));
    memcpy(target->at + target->n, from->at, from->n * sizeof *from->at);
    target->n += from->n;
    from->n = 0;
done:
    return st;
}

static pgy_status *load_results_folder(pgy_context *cx, const char *path, px_results *results)
{
    pgy_status *st = NULL;
    char **names = NULL;
    size_t n = 0;
    const size_t first = results->n;
    px_results one = {0};

    PX_TRY(px_path_list(path, ".json", &names, &n));
    if (n == 0)
        PX_TRY(PX_FAIL(PGY_ERR_IO,
                       "Cannot load inference results from the folder %s: it holds no "
                       ".json files",
                       path));
    for (size_t i = 0; i < n; i++) {
        char *const file = px_path_join(path, names[i]);
        if (file == NULL)
            PX_TRY(px_status_nomem());
        st = load_results_file(cx, file, &one);
        px_mem_free(file);
        PX_TRY(st);
        for (size_t k = 0; k < one.n; k++)
            if (one.at[k].n > 0)
                PX_TRY(merge_run(results, first, &one, &one.at[k], k));
        px_results_fini(&one);
        px_progress(cx, "Loading files", i + 1, n);
    }
    px_progress_end(cx, "Loading files");
done:
    px_results_fini(&one);
    for (size_t i = 0; i < n; i++)
        px_mem_free(names[i]);
    px_mem_free(names);
    return st;
}

pgy_status *px_results_load(pgy_context *cx, const char *path, px_results *results)
{
    const size_t n = results->n;
    pgy_status *const st = px_path_is_dir(path) ? load_results_folder(cx, path, results)
                                                : load_results_file(cx, path, results);

    if (st != NULL)
        px_results_truncate(results, n);
    return st;
}

static pgy_status *load_feeds_file(pgy_context *cx, const char *path, px_run *feeds)
{
    pgy_status *st = NULL;
    px_source *source = NULL;

    px_log(cx, PGY_LOG_INFO, PX_AT_JSON, "Loading input data from %s", path);
    PX_TRY(px_source_open(path, &source));
    if (px_file_kind_of(path) == PX_FILE_JSON)
        PX_TRY(px_json_feeds_read(cx, source, feeds));
    else
        PX_TRY(px_array_feeds_read(cx, source, feeds));
done:
    px_source_free(source);
    return st;
}

/* One iteration of --save-input-blob: a file per input, named after it. */
static pgy_status *load_blobs(pgy_context *cx, const char *dir, px_run *feeds)
{
    pgy_status *st = NULL;
    char **names = NULL;
    size_t n = 0;
    px_iteration *it;
    px_run one = {0};

    PX_TRY(px_path_list(dir, ".bin", &names, &n));
    PX_TRY(px_run_reach(feeds, (int64_t)feeds->n, &it));
    for (size_t i = 0; i < n; i++) {
        char *const file = px_path_join(dir, names[i]);
        if (file == NULL)
            PX_TRY(px_status_nomem());
        st = load_feeds_file(cx, file, &one);
        px_mem_free(file);
        PX_TRY(st);
        px_result_output *const o = &one.at[0].outputs[0];
        px_lazy *const value = o->value;
        o->value = NULL;
        PX_TRY(px_iteration_set(it, px_str_of(o->name), value));
        px_run_fini(&one);
    }
done:
    px_run_fini(&one);
    for (size_t i = 0; i < n; i++)
        px_mem_free(names[i]);
    px_mem_free(names);
    return st;
}

static pgy_status *load_feeds_folder(pgy_context *cx, const char *path, px_run *feeds)
{
    pgy_status *st = NULL;
    char **names = NULL;
    size_t n = 0, n_loaded = 0;

    PX_TRY(px_path_list(path, NULL, &names, &n));
    for (size_t i = 0; i < n; i++) {
        char *const entry = px_path_join(path, names[i]);
        if (entry == NULL)
            PX_TRY(px_status_nomem());
        const bool is_number = strspn(names[i], "0123456789") == strlen(names[i]);
        if (px_str_ends(px_str_of(names[i]), ".json"))
            st = load_feeds_file(cx, entry, feeds);
        else if (is_number && px_path_is_dir(entry))
            st = load_blobs(cx, entry, feeds);
        else
            n_loaded--;
        n_loaded++;
        px_mem_free(entry);
        PX_TRY(st);
    }
    if (n_loaded == 0)
        PX_TRY(
            PX_FAIL(PGY_ERR_IO,
                    "Cannot load input data from the folder %s: it holds neither .json files nor "
                    "numbered folders of .bin files",
                    path));
done:
    for (size_t i = 0; i < n; i++)
        px_mem_free(names[i]);
    px_mem_free(names);
    return st;
}

pgy_status *px_feeds_load(pgy_context *cx, const char *path, px_run *inout_feeds)
{
    const size_t n = inout_feeds->n;
    pgy_status *const st = px_path_is_dir(path) ? load_feeds_folder(cx, path, inout_feeds)
                                                : load_feeds_file(cx, path, inout_feeds);

    if (st != NULL)
        px_run_truncate(inout_feeds, n);
    return st;
}
