/* Saving and loading results and inputs, the spool, and files that are wrong. */
#include "test_base.h"

#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/feed.h"
#include "results/load.h"
#include "results/results.h"

#include <unistd.h>

typedef struct fixture {
    pgy_context *cx;
    char dir[64];
} fixture;

static int set_up(void **state)
{
    fixture *const f = px_mem_calloc(1, sizeof *f);

    snprintf(f->dir, sizeof f->dir, "/tmp/px-results-XXXXXX");
    if (mkdtemp(f->dir) == NULL || pgy_context_new(&f->cx) != NULL)
        return -1;
    *state = f;
    return 0;
}

static void remove_tree(const char *path)
{
    char **names = NULL;
    size_t n = 0;

    if (!px_path_is_dir(path)) {
        unlink(path);
        return;
    }
    assert_ok(px_path_list(path, NULL, &names, &n));
    for (size_t i = 0; i < n; i++) {
        char *const entry = px_path_join(path, names[i]);
        remove_tree(entry);
        px_mem_free(entry);
        px_mem_free(names[i]);
    }
    px_mem_free(names);
    rmdir(path);
}

static int tear_down(void **state)
{
    fixture *const f = *state;

    remove_tree(f->dir);
    pgy_context_free(f->cx);
    px_mem_free(f);
    return 0;
}

static const char *in_dir(const fixture *f, const char *name)
{
    static char path[4][128];
    static int turn;
    char *const p = path[turn++ % 4];

    snprintf(p, sizeof path[0], "%s/%s", f->dir, name);
    return p;
}

static pgy_tensor *counting(pgy_dtype dtype, int rank, const int64_t *dims)
{
    pgy_tensor *wide = NULL, *t = NULL;

    assert_ok(pgy_tensor_new(PGY_DTYPE_F64, rank, dims, &wide));
    for (int64_t i = 0; i < wide->count; i++)
        ((double *)wide->data)[i] = (double)(i % 7);
    assert_ok(pgy_tensor_cast(wide, dtype, &t));
    pgy_tensor_free(wide);
    return t;
}

static void add_iteration(fixture *f, px_results *r, px_run *run, pgy_dtype dtype, int64_t n)
{
    pgy_outputs out = {0};

    assert_ok(pgy_outputs_add(&out, "y", counting(dtype, 2, (int64_t[]){n, 3})));
    assert_ok(pgy_outputs_add(&out, "z", counting(PGY_DTYPE_I64, 0, NULL)));
    pgy_outputs_set_elapsed(&out, 1500000);
    assert_ok(px_run_add_iteration(f->cx, r, run, &out));
    assert_int_equal(out.n, 0);
}

static void assert_same(pgy_tensor *a, pgy_tensor *b)
{
    assert_int_equal(a->dtype, b->dtype);
    assert_true(px_shape_eq(a->rank, a->dims, b->rank, b->dims));
    assert_memory_equal(a->data, b->data, a->size);
    pgy_tensor_free(a);
    pgy_tensor_free(b);
}

static void assert_same_results(fixture *f, const px_results *a, const px_results *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_string_equal(a->at[i].runner_name, b->at[i].runner_name);
        assert_int_equal(a->at[i].n, b->at[i].n);
        for (size_t k = 0; k < a->at[i].n; k++) {
            const px_iteration *const p = &a->at[i].at[k], *const q = &b->at[i].at[k];
            assert_int_equal(p->n_outputs, q->n_outputs);
            for (size_t m = 0; m < p->n_outputs; m++) {
                pgy_tensor *x = NULL, *y = NULL;
                assert_string_equal(p->outputs[m].name, q->outputs[m].name);
                assert_ok(px_lazy_get(f->cx, p->outputs[m].value, &x));
                assert_ok(px_lazy_get(f->cx, q->outputs[m].value, &y));
                assert_same(x, y);
            }
        }
    }
}

static void every_type_survives_json(void **state)
{
    fixture *const f = *state;
    px_results saved = {0}, loaded = {0};
    px_run *run;

    assert_ok(px_results_add_run(&saved, "onnxrt-runner-N0-11/24/26-05:43:39", &run));
    for (int d = 1; d < PGY_DTYPE_COUNT; d++)
        if (d != PGY_DTYPE_STRING && !px_dtype_is_complex((pgy_dtype)d))
            add_iteration(f, &saved, run, (pgy_dtype)d, 5);
    assert_ok(px_results_save(f->cx, &saved, in_dir(f, "sub/out.json")));
    assert_ok(px_results_load(f->cx, in_dir(f, "sub/out.json"), &loaded));
    assert_same_results(f, &saved, &loaded);
    assert_true(loaded.at[0].at[0].runtime_s == 0.0015);
    px_results_fini(&saved);
    px_results_fini(&loaded);
}

static void torch_form_comes_back(void **state)
{
    fixture *const f = *state;
    px_results saved = {0}, loaded = {0};
    px_run *run;
    px_file file = {0};

    assert_ok(px_results_add_run(&saved, "r", &run));
    run->as_torch = true;
    add_iteration(f, &saved, run, PGY_DTYPE_BF16, 5);
    add_iteration(f, &saved, run, PGY_DTYPE_U32, 5); /* torch has none: stays an ndarray */
    assert_ok(px_results_save(f->cx, &saved, in_dir(f, "torch.json")));
    assert_ok(px_file_map(in_dir(f, "torch.json"), &file));
    assert_non_null(strstr((const char *)file.data, "\"polygraphy_class\": \"Tensor\""));
    px_file_unmap(&file);
    assert_ok(px_results_load(f->cx, in_dir(f, "torch.json"), &loaded));
    assert_same_results(f, &saved, &loaded);
    px_results_fini(&saved);
    px_results_fini(&loaded);
}

/* With no budget everything goes through the temporary file. */
static void spooled_outputs_come_back(void **state)
{
    fixture *const f = *state;
    px_results kept = {0}, spooled = {0};
    px_run *run;

    assert_ok(px_results_add_run(&kept, "r", &run));
    for (int i = 0; i < 3; i++)
        add_iteration(f, &kept, run, PGY_DTYPE_F32, 1000);
    assert_null(kept.spool);
    pgy_context_set_memory_budget(f->cx, 1);
    assert_ok(px_results_add_run(&spooled, "r", &run));
    for (int i = 0; i < 3; i++)
        add_iteration(f, &spooled, run, PGY_DTYPE_F32, 1000);
    assert_non_null(spooled.spool);
    assert_int_equal(spooled.resident, 0);
    assert_same_results(f, &kept, &spooled);

    /* Iterations as they come, all of them to the file whatever the budget. */
    pgy_context_set_memory_budget(f->cx, 0);
    px_results streamed = {.limit = 1};
    assert_ok(px_results_append(f->cx, &streamed, &kept));
    assert_ok(px_results_append(f->cx, &streamed, &kept));
    assert_int_equal(streamed.resident, 0);
    assert_int_equal(streamed.n, 1);
    assert_int_equal(streamed.at[0].n, 6);
    px_run_truncate(&streamed.at[0], 3);
    assert_same_results(f, &kept, &streamed);
    px_results_fini(&streamed);

    /* A tensor outlives its value and the results. */
    pgy_tensor *t = NULL;
    assert_ok(px_lazy_get(f->cx, spooled.at[0].at[2].outputs[0].value, &t));
    px_results_fini(&spooled);
    assert_true(((float *)t->data)[2999] == 2999 % 7);
    pgy_tensor_free(t);
    px_results_fini(&kept);
}

static void folders_are_joined(void **state)
{
    fixture *const f = *state;
    px_results whole = {0}, loaded = {0};
    px_run *run;

    assert_ok(px_save_dir_check("inference results", in_dir(f, "outs")));
    for (int i = 0; i < 3; i++) {
        px_results one = {0};
        for (int k = 0; k < 2; k++) {
            assert_ok(px_results_add_run(&one, "same name", &run));
            add_iteration(f, &one, run, k ? PGY_DTYPE_F16 : PGY_DTYPE_F32, 2 + i);
        }
        assert_ok(px_results_save_iteration(f->cx, &one, in_dir(f, "outs"), i));
        px_results_fini(&one);
    }
    assert_fails(px_save_dir_check("inference results", in_dir(f, "outs")), PGY_ERR_USAGE,
                 "the directory is not empty. Per-iteration files require");
    assert_ok(px_results_load(f->cx, in_dir(f, "outs"), &loaded));
    for (int k = 0; k < 2; k++) {
        assert_ok(px_results_add_run(&whole, "same name", &run));
        for (int i = 0; i < 3; i++)
            add_iteration(f, &whole, run, k ? PGY_DTYPE_F16 : PGY_DTYPE_F32, 2 + i);
    }
    assert_same_results(f, &whole, &loaded);
    px_results_fini(&whole);
    px_results_fini(&loaded);
}

/* The worked example of the format: 299 bytes. */
static const char example[] =
    "[\n    {\n        \"x\": {\n            \"array\": "
    "\"k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsIDEsIDIs"
    "IDIpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIArog9U+MGc4P4Pc7z"
    "hWy5o+\",\n            \"polygraphy_class\": \"ndarray\"\n        }\n    }\n]";

/* All feeds at hand into one file. */
static pgy_status *save_feeds(pgy_context *cx, const px_run *feeds, const char *path)
{
    pgy_status *st = NULL;
    px_feeds_writer *w = NULL;
    px_feed feed = {0};

    PX_TRY(px_feeds_writer_open(cx, path, false, &w));
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

static void inputs_have_the_reference_bytes(void **state)
{
    fixture *const f = *state;
    px_feed feed = {0};
    px_file file = {0};
    px_loader *loader = NULL;
    px_feeds_writer *w = NULL;
    const px_data_args args = {0};
    static const int64_t dims[] = {1, 1, 2, 2};
    const pgy_io io = {"x", PGY_DTYPE_F32, 4, dims, NULL};

    assert_ok(px_loader_open(f->cx, &args, NULL, &io, 1, &loader));
    assert_ok(px_loader_feed(loader, 0, &feed));
    px_loader_close(loader);
    const pgy_feed view = px_feed_view(&feed);
    assert_ok(px_feeds_writer_open(f->cx, in_dir(f, "in.json"), false, &w));
    assert_ok(px_feeds_writer_add(w, &view));
    assert_ok(px_feeds_writer_commit(w));
    px_feeds_writer_close(w);
    assert_ok(px_file_map(in_dir(f, "in.json"), &file));
    assert_int_equal(file.size, sizeof example - 1);
    assert_memory_equal(file.data, example, file.size);
    px_file_unmap(&file);

    /* The folder forms, and back through each of them. */
    assert_ok(px_feeds_save_iteration(f->cx, &view, in_dir(f, "ins"), 0, false));
    assert_ok(px_feeds_save_iteration(f->cx, &view, in_dir(f, "ins"), 1, false));
    assert_ok(px_feed_save_blobs(f->cx, &view, in_dir(f, "blobs"), 0));
    px_run feeds = {0};
    assert_ok(px_feeds_load(f->cx, in_dir(f, "in.json"), &feeds));
    assert_ok(px_feeds_load(f->cx, in_dir(f, "ins"), &feeds));
    assert_int_equal(feeds.n, 3);
    assert_ok(save_feeds(f->cx, &feeds, in_dir(f, "in.npz")));
    assert_ok(px_feeds_load(f->cx, in_dir(f, "in.npz"), &feeds));
    assert_int_equal(feeds.n, 6);
    for (size_t i = 0; i < feeds.n; i++) {
        px_feed back = {0};
        assert_ok(px_iteration_get_feed(f->cx, &feeds.at[i], &back));
        assert_string_equal(back.names[0], "x");
        assert_same(pgy_tensor_ref(back.tensors[0]), pgy_tensor_ref(feed.tensors[0]));
        px_feed_fini(&back);
    }
    assert_ok(px_feeds_load(f->cx, in_dir(f, "blobs"), &feeds));
    px_feed raw = {0};
    assert_ok(px_iteration_get_feed(f->cx, &feeds.at[6], &raw));
    assert_string_equal(raw.names[0], "x");
    assert_int_equal(raw.tensors[0]->size, 16);
    assert_memory_equal(raw.tensors[0]->data, feed.tensors[0]->data, 16);
    px_feed fitted = {0};
    const pgy_feed raw_view = px_feed_view(&raw);
    assert_ok(px_feed_adapt(f->cx, &raw_view, &io, 1, NULL, 0, &fitted));
    assert_same(pgy_tensor_ref(fitted.tensors[0]), pgy_tensor_ref(feed.tensors[0]));
    px_feed_fini(&fitted);
    px_feed_fini(&raw);
    px_run_fini(&feeds);
    px_feed_fini(&feed);
}

static void blob_names_stay_inside(void **state)
{
    fixture *const f = *state;
    pgy_tensor *t = counting(PGY_DTYPE_U8, 1, (int64_t[]){2});
    const char *const bad[] = {"../x", "a/../../x", "/x"};
    const char *const good[] = {"..", "x", "a..b"};

    for (size_t i = 0; i < PX_COUNTOF(bad); i++) {
        const pgy_feed feed = {1, &bad[i], &t};
        assert_fails(px_feed_save_blobs(f->cx, &feed, in_dir(f, "b"), 0), PGY_ERR_USAGE,
                     "the name resolves to a path outside of");
    }
    for (size_t i = 0; i < PX_COUNTOF(good); i++) {
        const pgy_feed feed = {1, &good[i], &t};
        assert_ok(px_feed_save_blobs(f->cx, &feed, in_dir(f, "b"), 0));
    }
    pgy_tensor_free(t);
}

static void single_array_files(void **state)
{
    fixture *const f = *state;
    px_results r = {0}, loaded = {0};
    px_run *run;
    pgy_outputs out = {0};
    pgy_tensor *t = NULL;

    assert_ok(px_results_add_run(&r, "r", &run));
    assert_ok(pgy_outputs_add(&out, "y", counting(PGY_DTYPE_F32, 2, (int64_t[]){2, 3})));
    assert_ok(px_run_add_iteration(f->cx, &r, run, &out));
    assert_ok(px_results_save(f->cx, &r, in_dir(f, "y.npy")));
    assert_ok(px_results_save(f->cx, &r, in_dir(f, "y.float32.2x3.bin")));
    assert_ok(px_results_load(f->cx, in_dir(f, "y.npy"), &loaded));
    assert_ok(px_results_load(f->cx, in_dir(f, "y.float32.2x3.bin"), &loaded));
    for (size_t i = 0; i < 2; i++) {
        pgy_tensor *mine = NULL;
        assert_string_equal(loaded.at[i].at[0].outputs[0].name, "y");
        assert_ok(px_lazy_get(f->cx, loaded.at[i].at[0].outputs[0].value, &t));
        assert_ok(px_lazy_get(f->cx, r.at[0].at[0].outputs[0].value, &mine));
        assert_same(mine, t);
    }
    assert_ok(pgy_outputs_add(&out, "y", counting(PGY_DTYPE_F32, 2, (int64_t[]){2, 3})));
    assert_ok(px_run_add_iteration(f->cx, &r, &r.at[0], &out));
    assert_fails(px_results_save(f->cx, &r, in_dir(f, "y.npy")), PGY_ERR_USAGE,
                 "a .npy file holds one array, but there are 2");
    px_results_fini(&r);
    px_results_fini(&loaded);
}

/* --- progress --- */

typedef struct heard {
    const char *what;
    size_t n;
    uint64_t last, done, total; /* `done` is the most of all works of that name */
    bool is_over;
} heard;

static void hear(void *user, const px_progress_report *r)
{
    heard *const h = user;

    if (strcmp(r->what, h->what) != 0)
        return;
    h->is_over = r->is_over;
    if (r->is_over) {
        h->last = 0;
        return;
    }
    assert_int_equal(r->unit, PX_PROGRESS_BYTES);
    assert_true(r->done >= h->last);
    h->n++;
    h->last = r->done;
    h->done = PX_MAX(h->done, r->done);
    h->total = r->total;
}

static void large_files_tell_how_far_they_are(void **state)
{
    fixture *const f = *state;
    static const char *const names[] = {"large.json", "large.npz", "large.npy",
                                        "large.uint8.50000000.bin"};
    const int64_t size = 50000000;
    px_results r = {0};
    px_run *run;
    pgy_outputs out = {0};
    pgy_tensor *t = NULL;

    assert_ok(px_results_add_run(&r, "r", &run));
    assert_ok(px_tensor_new_raw(PGY_DTYPE_U8, 1, &size, &t));
    memset(t->data, 7, t->size);
    assert_ok(pgy_outputs_add(&out, "y", t));
    assert_ok(px_run_add_iteration(f->cx, &r, run, &out));
    for (size_t i = 0; i < PX_COUNTOF(names); i++) {
        px_results loaded = {0};
        heard saving = {.what = "Saving"}, loading = {.what = "Loading"};
        px_progress_set(f->cx, hear, &saving);
        assert_ok(px_results_save(f->cx, &r, in_dir(f, names[i])));
        assert_true(saving.n >= 3 && saving.is_over);
        assert_true(saving.done >= (uint64_t)size * 9 / 10 && saving.total >= saving.done);
        px_progress_set(f->cx, hear, &loading);
        assert_ok(px_results_load(f->cx, in_dir(f, names[i]), &loaded));
        assert_ok(px_lazy_get(f->cx, loaded.at[0].at[0].outputs[0].value, &t));
        assert_true(loading.n >= 3 && loading.is_over);
        assert_true(loading.done >= (uint64_t)size && loading.total >= (uint64_t)size);
        assert_int_equal(((const uint8_t *)t->data)[size - 1], 7);
        pgy_tensor_free(t);
        px_results_fini(&loaded);
        unlink(in_dir(f, names[i]));
    }
    px_progress_set(f->cx, NULL, NULL);
    px_results_fini(&r);
}

/* --- wrong files --- */

static void write_file(const fixture *f, const char *name, const char *text, size_t n)
{
    assert_ok(px_file_write(in_dir(f, name), text, n));
}

static void wrong_files_are_explained(void **state)
{
    fixture *const f = *state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "the JSON text ends at byte 0 where a value was expected"},
        {"[1, 2", "the JSON text ends at byte 5 where ',' or ']' was expected"},
        {"[1,]", "expected a value at byte 3 of the JSON text, found ']'"},
        {"{\"a\" 1}", "expected ':' at byte 5"},
        {"[\"\\x\"]", "expected an escape"},
        {"[\"\xff\"]", "expected UTF-8 text at byte 2 of the JSON text, found byte 0xff"},
        {"[{}] x", "expected the end of the file at byte 5"},
        {"[01]", "expected ',' or ']' at byte 2"},
        {"{\"x\": 3}", "reading the array x"},
        {"{\"x\": {\"polygraphy_class\": \"Nope\"}}",
         "Could not decode serialized type: Nope. This could be because a required module is "
         "missing. "},
        {"{\"x\": {\"array\": \"!!!!\", \"polygraphy_class\": \"ndarray\"}}", "not a .npy array"},
        {"{\"x\": {\"array\": \"k05VTVBZAQB2\", \"polygraphy_class\": \"ndarray\"}}", "not a .npy"},
        {"{\"x\": {\"array\": \"k05VTVBZAQB2AHsn\", \"polygraphy_class\": \"ndarray\"}}",
         "the .npy header should be 128 bytes long, but only 12 are there"},
        {"{\"x\": {\"polygraphy_class\": \"ndarray\"}}", "has no key \"array\""},
        {"{\"lst\": [], \"polygraphy_class\": \"RunResults\"}", "inputs come from --save-inputs"},
    };

    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        px_run feeds = {0};
        write_file(f, "bad.json", cases[i].text, strlen(cases[i].text));
        assert_fails(px_feeds_load(f->cx, in_dir(f, "bad.json"), &feeds), PGY_ERR_MODEL,
                     cases[i].message);
        assert_int_equal(feeds.n, 0);
        px_run_fini(&feeds);
    }
    char deep[500];
    px_run feeds = {0};
    memset(deep, '[', sizeof deep);
    write_file(f, "deep.json", deep, sizeof deep);
    assert_fails(px_feeds_load(f->cx, in_dir(f, "deep.json"), &feeds), PGY_ERR_MODEL,
                 "nested deeper");
    px_results results = {0};
    write_file(f, "in.json", example, sizeof example - 1);
    assert_fails(px_results_load(f->cx, in_dir(f, "in.json"), &results), PGY_ERR_MODEL,
                 "Provided JSON cannot be decoded into a RunResults.");
    /* Data cut off inside the array, and a character that is none of base64's. */
    char cut[sizeof example];
    memcpy(cut, example, sizeof cut);
    memmove(cut + 200, cut + 220, sizeof cut - 220);
    write_file(f, "cut.json", cut, sizeof example - 21);
    assert_fails(px_feeds_load(f->cx, in_dir(f, "cut.json"), &feeds), PGY_ERR_MODEL,
                 "elements should take 16 bytes after a header of 128, but the array has only");
    memcpy(cut, example, sizeof cut);
    *strstr(cut, "Pc7zhWy5o") = '*';
    write_file(f, "star.json", cut, sizeof example - 1);
    assert_ok(px_feeds_load(f->cx, in_dir(f, "star.json"), &feeds));
    px_feed feed = {0};
    assert_fails(px_iteration_get_feed(f->cx, &feeds.at[0], &feed), PGY_ERR_MODEL,
                 "expected a base64 character at byte");
    px_run_fini(&feeds);
    px_results_fini(&results);
}

static void wrong_arrays_are_explained(void **state)
{
    fixture *const f = *state;
    static const struct {
        const char *header, *message;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4), }",
         "too large"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
         "below 2^63"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000,), }",
         "elements should take 4000000 bytes"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "Python objects cannot"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "records"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", "expected True or False"},
        {"{'descr': '<f4', 'shape': (1,), }", "all of the keys"},
        {"{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,), }", "empty texts"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "expected a dimension"},
    };

    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        px_run feeds = {0};
        px_buf b = {0};
        px_buf_put(&b, "\x93NUMPY\x01\x00", 8);
        px_buf_putc(&b, (char)strlen(cases[i].header));
        px_buf_putc(&b, 0);
        px_buf_puts(&b, cases[i].header);
        px_buf_puts(&b, "data");
        write_file(f, "a.npy", b.ptr, b.len);
        pgy_status *const st = px_feeds_load(f->cx, in_dir(f, "a.npy"), &feeds);
        assert_non_null(st);
        assert_fails(st, pgy_status_code(st), cases[i].message);
        px_buf_fini(&b);
        px_run_fini(&feeds);
    }
    px_run feeds = {0};
    write_file(f, "a.npz", "PK\x03\x04 nothing more", 17);
    assert_fails(px_feeds_load(f->cx, in_dir(f, "a.npz"), &feeds), PGY_ERR_MODEL,
                 "the ZIP archive is damaged or cut off");
    px_run_fini(&feeds);
}

/* Each allocation of a round trip fails once: the error is NOMEM and nothing is lost. */
static pgy_status *round_trip(fixture *f, const char *in, const char *out)
{
    pgy_status *st = NULL;
    px_run feeds = {0};

    PX_TRY(px_feeds_load(f->cx, in, &feeds));
    PX_TRY(save_feeds(f->cx, &feeds, out));
done:
    px_run_fini(&feeds);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    fixture *const f = *state;
    static const char *const names[] = {"a.json", "a.npz", "b.json"};

    write_file(f, "a.json", example, sizeof example - 1);
    for (size_t i = 0; i + 1 < PX_COUNTOF(names); i++) {
        char in[128], out[128];
        snprintf(in, sizeof in, "%s/%s", f->dir, names[i]);
        snprintf(out, sizeof out, "%s/%s", f->dir, names[i + 1]);
        assert_ok(round_trip(f, in, out)); /* what is made once and kept exists now */
        const uint64_t live = px_mem_live();
        bool failed = true;
        for (uint64_t n = 1; failed; n++) {
            px_mem_fail_after(n);
            pgy_status *const st = round_trip(f, in, out);
            px_mem_fail_after(0);
            failed = st != NULL;
            if (failed)
                assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
            pgy_status_free(st);
            assert_int_equal(px_mem_live(), live);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_survives_json),
        cmocka_unit_test(torch_form_comes_back),
        cmocka_unit_test(spooled_outputs_come_back),
        cmocka_unit_test(folders_are_joined),
        cmocka_unit_test(inputs_have_the_reference_bytes),
        cmocka_unit_test(blob_names_stay_inside),
        cmocka_unit_test(single_array_files),
        cmocka_unit_test(large_files_tell_how_far_they_are),
        cmocka_unit_test(wrong_files_are_explained),
        cmocka_unit_test(wrong_arrays_are_explained),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
