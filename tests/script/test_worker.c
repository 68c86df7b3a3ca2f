/* The Python worker, asked directly: arrays of every type both ways, and every way a script fails.
 * Needs a python3 with numpy: POLYGRAPHY_PYTHON, else PATH. */
#include "test_base.h"

#include "base/context.h"
#include "base/file.h"
#include "base/tensor.h"
#include "script/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static pgy_context *cx;
static char path[] = "/tmp/px_worker_XXXXXX.py";
static px_opt_script script = {.given = true, .path = path};

static px_worker *load(px_script_role role, const char *func, const char *text)
{
    px_worker *w;
    script.func = func;
    assert_ok(px_file_write(path, text, strlen(text)));
    assert_ok(px_worker_new(cx, 0, &w));
    assert_ok(px_worker_load(w, role, &script));
    return w;
}

static void unload(px_worker *w)
{
    px_worker_free(w);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* Every type numpy has, in the body and in shared memory, contiguous or not. */
static void feeds_of_every_type(void **state)
{
    PX_UNUSED(state);
    px_worker *w = load(PX_SCRIPT_DATA, NULL,
                        "import numpy as np\n"
                        "TYPES = 'f4 u1 i1 u2 i2 i4 i8 ? f2 f8 u4 u8 c8 c16'.split()\n"
                        "def load_data():\n"
                        "    for n in (0, 3, 20000):\n"
                        "        yield {t: np.arange(n).astype(t) for t in TYPES}\n"
                        "    yield {'big': np.arange(30000, dtype='>i4').reshape(100, 300).T,\n"
                        "           'row': np.arange(10)[::3], 'scalar': np.float32(2.5),\n"
                        "           'text': np.array([['a', 'b\\u00e4'], ['', 'c']]),\n"
                        "           'objects': np.array(['x', b'y'], dtype=object)}\n");
    static const pgy_dtype types[] = {PGY_DTYPE_F32, PGY_DTYPE_U8,  PGY_DTYPE_I8,  PGY_DTYPE_U16,
                                      PGY_DTYPE_I16, PGY_DTYPE_I32, PGY_DTYPE_I64, PGY_DTYPE_BOOL,
                                      PGY_DTYPE_F16, PGY_DTYPE_F64, PGY_DTYPE_U32, PGY_DTYPE_U64,
                                      PGY_DTYPE_C64, PGY_DTYPE_C128};
    static const int64_t sizes[] = {0, 3, 20000};
    bool more;
    for (size_t k = 0; k < PX_COUNTOF(sizes); k++) {
        px_feed feed = {0};
        assert_ok(px_worker_next_feed(w, PX_DATA_RUN, (int64_t)k, &feed, &more));
        assert_true(more);
        assert_int_equal(feed.n, PX_COUNTOF(types));
        for (size_t i = 0; i < feed.n; i++) {
            const pgy_tensor *t = feed.tensors[i];
            assert_int_equal(t->dtype, types[i]);
            assert_int_equal(t->count, sizes[k]);
            if (t->count > 2 && t->dtype != PGY_DTYPE_BOOL && t->dtype < PGY_DTYPE_C64)
                assert_true(px_tensor_get_f64(t, 2) == 2.0);
        }
        px_feed_fini(&feed);
    }
    px_feed feed = {0};
    assert_ok(px_worker_next_feed(w, PX_DATA_RUN, 3, &feed, &more));
    assert_int_equal(feed.n, 5);
    assert_int_equal(feed.tensors[0]->dtype, PGY_DTYPE_I32);
    assert_int_equal(feed.tensors[0]->dims[0], 300);
    assert_int_equal(px_tensor_get_i64(feed.tensors[0], 1), 300);
    assert_int_equal(px_tensor_get_i64(feed.tensors[1], 3), 9);
    assert_int_equal(feed.tensors[2]->rank, 0);
    assert_int_equal(feed.tensors[3]->dtype, PGY_DTYPE_STRING);
    assert_memory_equal(((const pgy_string *)feed.tensors[3]->data)[1].ptr, "b\xc3\xa4", 3);
    assert_memory_equal(((const pgy_string *)feed.tensors[4]->data)[1].ptr, "y", 1);
    px_feed_fini(&feed);
    assert_ok(px_worker_next_feed(w, PX_DATA_RUN, 4, &feed, &more));
    assert_false(more);
    px_feed_fini(&feed);
    unload(w);
}

/* The run's feeds and those of two calibrations, in turns. */
static void uses_are_separate(void **state)
{
    PX_UNUSED(state);
    px_worker *w = load(PX_SCRIPT_DATA, NULL,
                        "import numpy as np\n"
                        "calls = 0\n"
                        "def load_data():\n"
                        "    global calls\n"
                        "    calls += 1\n"
                        "    call = calls\n"
                        "    for i in range(3):\n"
                        "        yield {'x': np.int64(100 * call + i)}\n");
    static const struct {
        px_data_use use;
        int64_t i, value; /* value 0: there is no more */
    } asked[] = {{PX_DATA_CALIBRATION, 0, 100}, {PX_DATA_RUN, 0, 200},
                 {PX_DATA_CALIBRATION, 1, 101}, {PX_DATA_RUN, 1, 201},
                 {PX_DATA_CALIBRATION, 0, 300}, {PX_DATA_CALIBRATION, 1, 301},
                 {PX_DATA_CALIBRATION, 2, 302}, {PX_DATA_CALIBRATION, 3, 0},
                 {PX_DATA_RUN, 2, 202},         {PX_DATA_RUN, 3, 0}};
    for (size_t k = 0; k < PX_COUNTOF(asked); k++) {
        px_feed feed = {0};
        bool more;
        assert_ok(px_worker_next_feed(w, asked[k].use, asked[k].i, &feed, &more));
        assert_int_equal(more, asked[k].value != 0);
        if (more)
            assert_int_equal(px_tensor_get_i64(feed.tensors[0], 0), asked[k].value);
        px_feed_fini(&feed);
    }
    unload(w);
}

static void make_iteration(px_iteration *it, pgy_dtype dtype, int64_t n)
{
    pgy_tensor *t;
    *it = (px_iteration){.runtime_s = 0.5};
    it->runner_name = px_mem_strdup("one");
    assert_ok(PX_ALLOC(it->outputs, 1));
    assert_ok(pgy_tensor_new(dtype, 1, &n, &t));
    for (size_t i = 0; i < t->size; i++)
        ((uint8_t *)t->data)[i] = (uint8_t)(i % 120);
    assert_ok(px_lazy_of_tensor(t, &it->outputs[0].value));
    it->outputs[0].name = px_mem_strdup("y");
    it->n_outputs = 1;
    pgy_tensor_free(t);
}

static void free_iteration(px_iteration *it)
{
    px_run run = {0};
    assert_ok(PX_ALLOC(run.at, 1));
    run.at[0] = *it;
    run.n = run.cap = 1;
    px_run_fini(&run);
}

/* What goes through a function unchanged comes back bit by bit, also in types numpy lacks. */
static void outputs_both_ways(void **state)
{
    PX_UNUSED(state);
    px_worker *w = load(PX_SCRIPT_POSTPROCESS, "same",
                        "def same(it):\n"
                        "    assert it.runner_name == 'one' and it.runtime == 0.5\n"
                        "    assert list(it.keys()) == ['y'] and len(it) == 1\n"
                        "    it.runner_name = 'two'\n"
                        "    return it\n");
    for (int dtype = 1; dtype < PGY_DTYPE_COUNT; dtype++)
        for (int64_t n = 4; n <= 40000; n *= 10000) {
            px_iteration it;
            pgy_tensor *before, *after;
            if (dtype == PGY_DTYPE_STRING)
                continue;
            make_iteration(&it, (pgy_dtype)dtype, n);
            assert_ok(px_lazy_get(cx, it.outputs[0].value, &before));
            assert_ok(px_worker_postprocess(w, &it));
            assert_string_equal(it.runner_name, "two");
            assert_ok(px_lazy_get(cx, it.outputs[0].value, &after));
            if (after->dtype == before->dtype)
                assert_memory_equal(after->data, before->data, before->size);
            else /* no ml_dtypes in this Python: the same numbers in a wider type */
                assert_true(dtype >= PGY_DTYPE_BF16 && after->count == n);
            pgy_tensor_free(before);
            pgy_tensor_free(after);
            free_iteration(&it);
        }
    unload(w);
}

static void free_verdict(px_compared_iteration *verdict)
{
    for (size_t i = 0; i < verdict->n; i++) {
        px_mem_free(verdict->at[i].name);
        px_mem_free(verdict->at[i].other_name);
    }
    px_mem_free(verdict->at);
}

/* Arrays that a script holds on to do not change behind its back. */
static void arrays_can_be_kept(void **state)
{
    PX_UNUSED(state);
    px_worker *w =
        load(PX_SCRIPT_COMPARE, NULL,
             "import numpy as np\n"
             "seen = []\n"
             "def compare_outputs(a, b):\n"
             "    seen.append((a['y'], a['y'].copy()))\n"
             "    return {'y': all((x == y).all() for x, y in seen), 'n': len(seen) == 20}\n");
    for (int i = 0; i < 20; i++) {
        px_iteration it;
        px_compared_iteration verdict = {0};
        make_iteration(&it, PGY_DTYPE_I32, 10000 + i);
        assert_ok(px_worker_compare(w, &it, &it, &verdict));
        assert_int_equal(verdict.n, 2);
        assert_string_equal(verdict.at[0].name, "y");
        assert_true(verdict.at[0].passed);
        assert_int_equal(verdict.at[1].passed, i == 19);
        free_verdict(&verdict);
        free_iteration(&it);
    }
    unload(w);
}

static void failures(void **state)
{
    PX_UNUSED(state);
    static const struct {
        const char *text;
        pgy_error code;
        const char *parts[3];
    } cases[] = {
        {"def f():\n    raise ValueError('bad luck')\n",
         PGY_ERR_USAGE,
         {"ValueError: bad luck", "line 2, in f)", "Traceback"}},
        {"def f():\n    yield 5\n", PGY_ERR_USAGE, {"iteration 0", "int: 5", "feed_dict"}},
        {"def f():\n    return {'x': 1}\n", PGY_ERR_USAGE, {"str: 'x'", "feed_dict"}},
        {"def f():\n    return [{'x': [1, 2]}]\n", PGY_ERR_USAGE, {"input 'x'", "list: [1, 2]"}},
        {"import numpy\ndef f():\n    return [{'x': numpy.array(['1'], 'M8[s]').repeat(2)[:0]}]\n",
         PGY_ERR_USAGE,
         {"input 'x'", "datetime64"}},
        {"def f():\n    return 7\n", PGY_ERR_USAGE, {"'int' object is not iterable"}},
        {"def f(a):\n    return []\n", PGY_ERR_USAGE, {"missing 1 required positional argument"}},
        {"import sys\ndef f():\n    sys.exit(3)\n", PGY_ERR_USAGE, {"sys.exit(3)", "line 3, in f"}},
        {"import os\ndef f():\n    os._exit(3)\n",
         PGY_ERR_BACKEND,
         {"the Python process ended with exit code 3"}},
        {"import ctypes\ndef f():\n    ctypes.string_at(0)\n",
         PGY_ERR_BACKEND,
         {"SIGSEGV", "line 3 in f", "Segmentation fault"}},
        {"import os\ndef f():\n    os.close(0)\n    print('x')\n    os.closerange(1, 3)\n"
         "    return [5]\n",
         PGY_ERR_USAGE,
         {"int: 5"}},
    };
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        px_feed feed = {0};
        bool more;
        px_worker *w = load(PX_SCRIPT_DATA, "f", cases[i].text);
        pgy_status *st = px_worker_next_feed(w, PX_DATA_RUN, 0, &feed, &more);
        if (pgy_status_code(st) != cases[i].code)
            fail_msg("case %zu: code %d: %s", i, pgy_status_code(st), pgy_status_message(st));
        const char *text = pgy_status_message(st);
        assert_non_null(strstr(text, "--data-loader-script /tmp/px_worker_"));
        for (size_t k = 0; k < 3 && cases[i].parts[k] != NULL; k++)
            if (strstr(text, cases[i].parts[k]) == NULL)
                fail_msg("case %zu: no '%s' in: %s", i, cases[i].parts[k], text);
        pgy_status_free(st);
        px_feed_fini(&feed);
        unload(w);
    }
}

static void failures_of_loading(void **state)
{
    PX_UNUSED(state);
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"def g():\n    return []\n", "Could not import symbol: f from script"},
        {"def g():\n    return []\n", "It has: g"},
        {"f = 5\n", "cannot be called"},
        {"def f(:\n", "line 1"},
        {"import nowhere_to_be_found\n", "nowhere_to_be_found"},
        {"1 / 0\n", "line 1, in <module>"},
    };
    for (size_t i = 0; i < PX_COUNTOF(cases); i++) {
        px_worker *w;
        script.func = "f";
        assert_ok(px_file_write(path, cases[i].text, strlen(cases[i].text)));
        assert_ok(px_worker_new(cx, 0, &w));
        assert_fails(px_worker_load(w, PX_SCRIPT_DATA, &script), PGY_ERR_USAGE, cases[i].part);
        unload(w);
    }
}

static void time_is_limited(void **state)
{
    PX_UNUSED(state);
    static const char text[] = "import time\ndef f():\n    while True:\n        time.sleep(9)\n";
    px_worker *w;
    px_feed feed = {0};
    bool more;
    script.func = "f";
    assert_ok(px_file_write(path, text, strlen(text)));
    assert_ok(px_worker_new(cx, 400000000, &w));
    assert_ok(px_worker_load(w, PX_SCRIPT_DATA, &script));
    pgy_status *st = px_worker_next_feed(w, PX_DATA_RUN, 0, &feed, &more);
    assert_non_null(strstr(pgy_status_message(st), "line 4 in f"));
    assert_fails(st, PGY_ERR_BACKEND, "--timeout 0.4 seconds");
    assert_fails(px_worker_next_feed(w, PX_DATA_RUN, 0, &feed, &more), PGY_ERR_BACKEND,
                 "ended before");
    unload(w);
}

static void no_python(void **state)
{
    PX_UNUSED(state);
    const char *old = getenv("POLYGRAPHY_PYTHON");
    char *kept = old != NULL ? px_mem_strdup(old) : NULL;
    px_worker *w;
    setenv("POLYGRAPHY_PYTHON", "/no/such/python", 1);
    assert_ok(px_worker_new(cx, 0, &w));
    assert_fails(px_worker_load(w, PX_SCRIPT_DATA, &script), PGY_ERR_BACKEND,
                 "/no/such/python cannot be run");
    unload(w);
    if (kept != NULL)
        setenv("POLYGRAPHY_PYTHON", kept, 1);
    else
        unsetenv("POLYGRAPHY_PYTHON");
    px_mem_free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feeds_of_every_type),
        cmocka_unit_test(uses_are_separate),
        cmocka_unit_test(outputs_both_ways),
        cmocka_unit_test(arrays_can_be_kept),
        cmocka_unit_test(failures),
        cmocka_unit_test(failures_of_loading),
        cmocka_unit_test(time_is_limited),
        cmocka_unit_test(no_python),
    };
    int fd = mkstemps(path, 3);
    if (fd < 0)
        return 1;
    close(fd);
    assert_ok(pgy_context_new(&cx));
    px_worker *w;
    script.func = "f";
    assert_ok(px_file_write(path, "f = print\n", 10));
    assert_ok(px_worker_new(cx, 0, &w));
    pgy_status *st = px_worker_load(w, PX_SCRIPT_DATA, &script);
    px_worker_free(w);
    int n_failed = 77;
    if (pgy_status_code(st) == PGY_ERR_BACKEND)
        printf("skipped: %s\n", pgy_status_message(st));
    else
        n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    pgy_status_free(st);
    pgy_context_free(cx);
    unlink(path);
    return n_failed;
}
