/* Whose functions a loaded library calls: dl_user.c needs dl_needed.c, which has a function that
 * the program has too, as runtimes bring a zlib of their own. PX_DL_FOREIGN_MALLOC: dl_malloc.c is
 * preloaded. */
#include "test_base.h"

#include "base/dl.h"

#include <dlfcn.h>

enum { OF_PROGRAM = 1, OF_LIBRARY = 2 };

__attribute__((visibility("default"))) int px_dl_test_which(void);

__attribute__((visibility("default"))) int px_dl_test_which(void)
{
    return OF_PROGRAM;
}

static bool has_plain_malloc(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#else
    return getenv("PX_DL_FOREIGN_MALLOC") == NULL;
#endif
}

static int call(const px_dl *dl)
{
    int (*fn)(void) = NULL;
    assert_ok(px_dl_bind(dl, "px_dl_test_call", &fn, sizeof fn));
    return fn();
}

static void a_library_finds_its_own_functions_first(void **state)
{
    px_dl dl = {0};
    PX_UNUSED(state);
    assert_ok(px_dl_open_quick(PX_DL_USER, &dl));
    assert_int_equal(call(&dl), has_plain_malloc() ? OF_LIBRARY : OF_PROGRAM);
    assert_null(dlsym(RTLD_DEFAULT, "px_dl_test_call")); /* and others don't find them */
    px_dl_close(&dl);
    assert_null(dl.handle);
}

static void all_is_needed_at_once_only_where_it_is_asked_for(void **state)
{
    px_dl dl = {0};
    PX_UNUSED(state);
    assert_fails(px_dl_open(PX_DL_USER, false, &dl), PGY_ERR_BACKEND, "px_dl_test_nowhere");
    assert_null(dl.handle);
    assert_ok(px_dl_open(PX_DL_NEEDED, false, &dl));
    assert_null(dlsym(dl.handle, "px_dl_test_call"));
    px_dl_close(&dl);
}

static void otherwise_the_programs_come_first(void **state)
{
    px_dl dl = {0};
    PX_UNUSED(state);
    assert_ok(px_dl_open_lazy(PX_DL_USER, &dl));
    assert_int_equal(call(&dl), OF_PROGRAM);
    assert_non_null(dlsym(RTLD_DEFAULT, "px_dl_test_call")); /* it stays loaded from here on */
    px_dl_close(&dl);
}

static void what_is_missing_is_named(void **state)
{
    px_dl dl = {0};
    void (*fn)(void) = NULL;
    PX_UNUSED(state);
    assert_fails(px_dl_open_quick("nowhere/libnothing.so", &dl), PGY_ERR_BACKEND,
                 "Cannot load nowhere/libnothing.so: ");
    assert_ok(px_dl_open(PX_DL_NEEDED, false, &dl));
    assert_fails(px_dl_bind(&dl, "px_dl_test_nowhere", &fn, sizeof fn), PGY_ERR_BACKEND,
                 "no symbol px_dl_test_nowhere");
    assert_fails(px_dl_bind(&dl, "px_dl_test_which", &fn, 1), PGY_ERR_BUG, "not a pointer");
    assert_null(fn);
    px_dl_close(&dl);
    px_dl_close(&dl); /* a closed one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_finds_its_own_functions_first),
        cmocka_unit_test(all_is_needed_at_once_only_where_it_is_asked_for),
        cmocka_unit_test(otherwise_the_programs_come_first),
        cmocka_unit_test(what_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
