/* Where runtimes are looked for: folder trees made for the purpose, no real runtime involved. */
#include "backend/discover.h"
#include "base/file.h"
#include "base/px.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const px_runtime fake = {
    .backend = "fake",
    .title = "Fake Runtime",
    .variable = "POLYGRAPHY_FAKE_LIB",
    .package = "fakeruntime",
    .in_packages = (const char *const[]){"fakeruntime/capi/libfakeruntime.so.*", NULL},
    .sonames = (const char *const[]){"libfakeruntime.so.1", NULL},
};

static char root[256]; /* of this test's tree */

static const char *at(const char *path)
{
    static char full[4][1024];
    static int next;
    next = (next + 1) % 4;
    snprintf(full[next], sizeof full[next], "%s/%s", root, path);
    return full[next];
}

static void add_file(const char *path, const char *text)
{
    char *dir = px_path_dirname(at(path));
    assert_null(px_path_make_dirs(dir));
    px_mem_free(dir);
    assert_null(px_file_write(at(path), text, strlen(text)));
}

static void add_program(const char *path)
{
    add_file(path, "#!/bin/false\n");
    assert_int_equal(chmod(at(path), 0755), 0);
}

static int set_up(void **state)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/px-discover-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(root) == NULL)
        return -1;
    static const char *const unset[] = {"POLYGRAPHY_FAKE_LIB", "VIRTUAL_ENV",     "PYENV_VERSION",
                                        "PYTHONUSERBASE",      "LD_LIBRARY_PATH", "XDG_DATA_HOME",
                                        "PYTHONNOUSERSITE"};
    for (size_t i = 0; i < PX_COUNTOF(unset); i++)
        unsetenv(unset[i]);
    setenv("HOME", at("home"), 1);
    setenv("PATH", at("nowhere"), 1);
    return 0;
}

static int tear_down(void **state)
{
    char command[512];
    snprintf(command, sizeof command, "/bin/rm -rf '%s'", root);
    return system(command);
}

/* Expects exactly one find at `path`. */
static void finds(const char *path, px_found_by by)
{
    px_discovery d = {0};
    assert_null(px_discover(&fake, &d));
    assert_int_equal(d.n, 1);
    assert_string_equal(d.at[0].path, at(path));
    assert_int_equal(d.at[0].by, by);
    px_discovery_fini(&d);
}

/* A runtime that is offered libraries and takes the one whose path holds `takes`. */
typedef struct offered {
    const char *takes;
    px_buf paths; /* a line each */
    px_found_by by;
} offered;

static pgy_status *take(void *user, const char *path, px_found_by by)
{
    offered *const o = user;
    px_buf_printf(&o->paths, "%s\n", path);
    o->by = by;
    return o->takes != NULL && strstr(path, o->takes) != NULL
               ? NULL
               : PX_FAIL(PGY_ERR_BACKEND, "%s is too old.", path);
}

static void nothing_is_found_in_an_empty_world(void **state)
{
    px_discovery d = {0};
    offered o = {0};
    const uint64_t live = px_mem_live();
    assert_null(px_discover(&fake, &d));
    assert_int_equal(d.n, 0);
    px_discovery_fini(&d);
    pgy_status *st = px_runtime_load(&fake, take, &o);
    assert_string_equal(px_buf_cstr(&o.paths), "libfakeruntime.so.1\n"); /* the loader was asked */
    assert_int_equal(pgy_status_code(st), PGY_ERR_BACKEND);
    const char *text = pgy_status_message(st);
    assert_non_null(strstr(text, "POLYGRAPHY_FAKE_LIB"));
    assert_non_null(strstr(text, at("home/.local/share/polygraphy/backends/fake")));
    assert_non_null(strstr(text, "libfakeruntime.so.1"));
    assert_non_null(strstr(text, "polygraphy backends install fake"));
    pgy_status_free(st);
    px_buf_fini(&o.paths);
    assert_int_equal(px_mem_live(), live);
}

static void a_library_that_is_refused_leaves_the_next_one(void **state)
{
    offered o = {.takes = "lib2"};
    add_file("lib1/libfakeruntime.so.1", "x");
    add_file("lib2/libfakeruntime.so.1", "x");
    px_buf path = {0};
    px_buf_printf(&path, "%s:%s", at("lib1"), at("lib2"));
    setenv("LD_LIBRARY_PATH", px_buf_cstr(&path), 1);
    px_buf_fini(&path);
    assert_null(px_runtime_load(&fake, take, &o));
    assert_int_equal(o.by, PX_FOUND_LOADER);
    assert_non_null(strstr(px_buf_cstr(&o.paths), at("lib1/libfakeruntime.so.1")));
    assert_non_null(strstr(px_buf_cstr(&o.paths), at("lib2/libfakeruntime.so.1")));
    o.takes = NULL;
    pgy_status *st = px_runtime_load(&fake, take, &o);
    assert_non_null(strstr(pgy_status_message(st), "was found but cannot be used"));
    assert_non_null(strstr(pgy_status_message(st), "lib2/libfakeruntime.so.1 is too old."));
    pgy_status_free(st);
    px_buf_fini(&o.paths);
}

static void package_without_the_library_is_told(void **state)
{
    add_file("home/.local/share/polygraphy/backends/fake/fakeruntime/capi/other.so", "x");
    px_discovery d = {0};
    assert_null(px_discover(&fake, &d));
    assert_int_equal(d.n, 0);
    assert_non_null(strstr(px_buf_cstr(&d.places), "which has no libfakeruntime.so.*"));
    px_discovery_fini(&d);
}

static void variable_alone_counts_when_set(void **state)
{
    add_file("mine/lib.so", "x");
    add_file("home/.local/share/polygraphy/backends/fake/fakeruntime/capi/libfakeruntime.so.1",
             "x");
    setenv("POLYGRAPHY_FAKE_LIB", at("mine/lib.so"), 1);
    finds("mine/lib.so", PX_FOUND_VARIABLE);
    setenv("POLYGRAPHY_FAKE_LIB", at("mine/absent.so"), 1);
    px_discovery d = {0};
    assert_null(px_discover(&fake, &d));
    assert_int_equal(d.n, 0);
    px_discovery_fini(&d);
}

static void installed_runtime_is_found_in_the_data_folder(void **state)
{
    add_file("home/.local/share/polygraphy/backends/fake/fakeruntime/capi/libfakeruntime.so.1",
             "x");
    finds("home/.local/share/polygraphy/backends/fake/fakeruntime/capi/libfakeruntime.so.1",
          PX_FOUND_INSTALLED);
    add_file("data/polygraphy/backends/fake/fakeruntime/capi/libfakeruntime.so.2", "x");
    setenv("XDG_DATA_HOME", at("data"), 1);
    finds("data/polygraphy/backends/fake/fakeruntime/capi/libfakeruntime.so.2", PX_FOUND_INSTALLED);
}

static void active_virtual_environment_comes_before_path(void **state)
{
    add_file("venv/pyvenv.cfg", "home = /usr/bin\n");
    add_file("venv/lib/python3.11/site-packages/fakeruntime/capi/libfakeruntime.so.1", "x");
    add_program("python/bin/python3.12");
    assert_int_equal(symlink("python3.12", at("python/bin/python3")), 0);
    add_file("python/lib/python3.12/site-packages/fakeruntime/capi/libfakeruntime.so.1", "x");
    setenv("VIRTUAL_ENV", at("venv"), 1);
    setenv("PATH", at("python/bin"), 1);
    px_discovery d = {0};
    assert_null(px_discover(&fake, &d));
    assert_int_equal(d.n, 2);
    assert_int_equal(d.at[0].by, PX_FOUND_VENV);
    assert_int_equal(d.at[1].by, PX_FOUND_PYTHON);
    px_discovery_fini(&d);
}

static void virtual_environment_on_path_is_found_without_activation(void **state)
{
    add_program("base/bin/python3.11");
    add_file("base/lib/python3.11/site-packages/fakeruntime/capi/libfakeruntime.so.9", "x");
    add_file("venv/lib/python3.11/site-packages/fakeruntime/capi/libfakeruntime.so.1", "x");
    add_file("venv/pyvenv.cfg", "home = x\ninclude-system-site-packages = false\n");
    assert_null(px_path_make_dirs(at("venv/bin")));
    assert_int_equal(symlink(at("base/bin/python3.11"), at("venv/bin/python3")), 0);
    setenv("PATH", at("venv/bin"), 1);
    finds("venv/lib/python3.11/site-packages/fakeruntime/capi/libfakeruntime.so.1",
          PX_FOUND_PYTHON);
}

static void virtual_environment_lets_the_base_in_when_it_says_so(void **state)
{
    px_buf cfg = {0};
    px_buf_printf(&cfg, "home = %s\ninclude-system-site-packages = true\n", at("base/bin"));
    add_file("base/lib/python3.11/site-packages/fakeruntime/capi/libfakeruntime.so.9", "x");
    add_file("venv/pyvenv.cfg", px_buf_cstr(&cfg));
    add_program("venv/bin/python3");
    setenv("PATH", at("venv/bin"), 1);
    finds("base/lib/python3.11/site-packages/fakeruntime/capi/libfakeruntime.so.9",
          PX_FOUND_PYTHON);
    px_buf_fini(&cfg);
}

static void only_the_version_that_python3_means_is_looked_at(void **state)
{
    add_program("usr/bin/python3.11");
    assert_int_equal(symlink("python3.11", at("usr/bin/python3")), 0);
    add_file("usr/lib/python3.9/site-packages/fakeruntime/capi/libfakeruntime.so.9", "x");
    add_file("usr/lib/python3/dist-packages/fakeruntime/capi/libfakeruntime.so.3", "x");
    setenv("PATH", at("usr/bin"), 1);
    finds("usr/lib/python3/dist-packages/fakeruntime/capi/libfakeruntime.so.3", PX_FOUND_PYTHON);
}

static void user_packages_come_before_the_system(void **state)
{
    add_program("usr/bin/python3.11");
    assert_int_equal(symlink("python3.11", at("usr/bin/python3")), 0);
    add_file("usr/lib/python3.11/site-packages/fakeruntime/capi/libfakeruntime.so.1", "x");
    add_file("home/.local/lib/python3.11/site-packages/fakeruntime/capi/libfakeruntime.so.2", "x");
    setenv("PATH", at("usr/bin"), 1);
    px_discovery d = {0};
    assert_null(px_discover(&fake, &d));
    assert_int_equal(d.n, 2);
    assert_true(px_str_ends(px_str_of(d.at[0].path), ".so.2"));
    assert_true(px_str_ends(px_str_of(d.at[1].path), ".so.1"));
    px_discovery_fini(&d);
    setenv("PYTHONNOUSERSITE", "1", 1);
    finds("usr/lib/python3.11/site-packages/fakeruntime/capi/libfakeruntime.so.1", PX_FOUND_PYTHON);
}

static void pyenv_shim_stands_for_the_chosen_version(void **state)
{
    add_program("pyenv/shims/python3");
    add_file("pyenv/version", "3.11.7\n3.12.1\n");
    add_file("pyenv/versions/3.11.7/lib/python3.11/site-packages/fakeruntime/capi/"
             "libfakeruntime.so.1",
             "x");
    add_file("pyenv/versions/3.12.1/lib/python3.12/site-packages/fakeruntime/capi/"
             "libfakeruntime.so.2",
             "x");
    setenv("PATH", at("pyenv/shims"), 1);
    finds("pyenv/versions/3.11.7/lib/python3.11/site-packages/fakeruntime/capi/"
          "libfakeruntime.so.1",
          PX_FOUND_PYTHON);
    setenv("PYENV_VERSION", "3.12.1", 1);
    finds("pyenv/versions/3.12.1/lib/python3.12/site-packages/fakeruntime/capi/"
          "libfakeruntime.so.2",
          PX_FOUND_PYTHON);
}

static void library_path_is_last_and_links_count_once(void **state)
{
    add_file("lib/libfakeruntime.so.1", "x");
    assert_null(px_path_make_dirs(at("lib2")));
    assert_int_equal(symlink(at("lib/libfakeruntime.so.1"), at("lib2/libfakeruntime.so.1")), 0);
    px_buf path = {0};
    px_buf_printf(&path, "::%s/:%s", at("lib"), at("lib2"));
    setenv("LD_LIBRARY_PATH", px_buf_cstr(&path), 1);
    finds("lib/libfakeruntime.so.1", PX_FOUND_LOADER);
    px_buf_fini(&path);
}

static void loader_cache_is_read(void **state)
{
    /* libc is in every glibc system's cache; without a cache there is nothing to test. */
    static const char *const no_packages[] = {NULL}, *const sonames[] = {"libc.so.6", NULL};
    static const px_runtime c = {.backend = "c",
                                 .title = "C",
                                 .variable = "POLYGRAPHY_FAKE_LIB",
                                 .in_packages = no_packages,
                                 .sonames = sonames};
    if (!px_path_exists("/etc/ld.so.cache"))
        skip();
    px_discovery d = {0};
    assert_null(px_discover(&c, &d));
    assert_true(d.n >= 1);
    assert_int_equal(d.at[0].by, PX_FOUND_LOADER);
    px_discovery_fini(&d);
}

static void every_failing_allocation_is_reported(void **state)
{
    add_file("venv/pyvenv.cfg", "home = /x/bin\ninclude-system-site-packages = true\n");
    add_file("venv/lib/python3.11/site-packages/fakeruntime/capi/libfakeruntime.so.1", "x");
    setenv("VIRTUAL_ENV", at("venv"), 1);
    for (uint64_t nth = 1; nth < 1000; nth++) {
        const uint64_t live = px_mem_live();
        px_discovery d = {0};
        px_mem_fail_after(nth);
        pgy_status *st = px_discover(&fake, &d);
        px_mem_fail_after(0);
        const pgy_error code = pgy_status_code(st);
        pgy_status_free(st);
        if (code == PGY_OK && d.n == 1) {
            px_discovery_fini(&d);
            return;
        }
        /* A folder that cannot be listed for want of memory looks empty; nothing else may. */
        assert_true(code == PGY_ERR_NOMEM || (code == PGY_OK && d.n == 0));
        px_discovery_fini(&d);
        assert_int_equal(px_mem_live(), live);
    }
    fail_msg("never succeeded");
}

static void known_runtimes_are_listed(void **state)
{
    size_t n = 0;
    const px_runtime *list = px_runtime_list(&n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(px_runtime_find(list[i].backend), &list[i]);
    assert_null(px_runtime_find("pluginref"));
}

#define IN_A_TREE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_TREE(nothing_is_found_in_an_empty_world),
        IN_A_TREE(a_library_that_is_refused_leaves_the_next_one),
        IN_A_TREE(package_without_the_library_is_told),
        IN_A_TREE(variable_alone_counts_when_set),
        IN_A_TREE(installed_runtime_is_found_in_the_data_folder),
        IN_A_TREE(active_virtual_environment_comes_before_path),
        IN_A_TREE(virtual_environment_on_path_is_found_without_activation),
        IN_A_TREE(virtual_environment_lets_the_base_in_when_it_says_so),
        IN_A_TREE(only_the_version_that_python3_means_is_looked_at),
        IN_A_TREE(user_packages_come_before_the_system),
        IN_A_TREE(pyenv_shim_stands_for_the_chosen_version),
        IN_A_TREE(library_path_is_last_and_links_count_once),
        IN_A_TREE(loader_cache_is_read),
        IN_A_TREE(every_failing_allocation_is_reported),
        cmocka_unit_test(known_runtimes_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
