/* Maps, atomic writes, paths. */
#include "test_base.h"

#include "base/file.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int make_dir(void **state)
{
    PX_UNUSED(state);
    strncpy(dir, "/tmp/px_file_XXXXXX", sizeof dir);
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
    PX_UNUSED(state);
    char **names;
    size_t n;
    assert_ok(px_path_list(dir, NULL, &names, &n));
    for (size_t i = 0; i < n; i++) {
        char *p = px_path_join(dir, names[i]);
        unlink(p);
        rmdir(p);
        px_mem_free(p);
        px_mem_free(names[i]);
    }
    px_mem_free(names);
    return rmdir(dir);
}

static void write_then_map(void **state)
{
    PX_UNUSED(state);
    char *path = px_path_join(dir, "a.bin");
    px_file f = {0};
    assert_ok(px_file_write(path, "hello", 5));
    assert_ok(px_file_map(path, &f));
    assert_int_equal(f.size, 5);
    assert_memory_equal(f.data, "hello", 5);
    px_file_unmap(&f);
    assert_ok(px_file_map_range(path, 1, 3, &f));
    assert_memory_equal(f.data, "ell", 3);
    px_file_unmap(&f);
    assert_fails(px_file_map_range(path, 4, 3, &f), PGY_ERR_IO, "too short");
    px_mem_free(path);
}

static void aborted_write_leaves_nothing(void **state)
{
    PX_UNUSED(state);
    char *path = px_path_join(dir, "b.bin");
    char **names;
    size_t n;
    px_writer w;
    assert_ok(px_file_write(path, "old", 3));
    assert_ok(px_writer_open(path, &w));
    px_writer_put(&w, "new", 3);
    px_writer_abort(&w);
    px_file f;
    assert_ok(px_file_map(path, &f));
    assert_memory_equal(f.data, "old", 3);
    px_file_unmap(&f);
    assert_ok(px_path_list(dir, NULL, &names, &n));
    assert_int_equal(n, 1);
    px_mem_free(names[0]);
    px_mem_free(names);
    px_mem_free(path);
}

static void full_disk_is_reported(void **state)
{
    PX_UNUSED(state);
    px_writer w;
    assert_ok(px_writer_open("/dev/full", &w));
    px_writer_put(&w, "x", 1);
    assert_fails(px_writer_commit(&w), PGY_ERR_IO, "/dev/full");
}

static void missing_and_folder_are_errors(void **state)
{
    PX_UNUSED(state);
    px_file f;
    assert_fails(px_file_map("/nonexistent/x", &f), PGY_ERR_IO, "/nonexistent/x");
    assert_fails(px_file_map(dir, &f), PGY_ERR_IO, "folder");
    px_writer w;
    assert_fails(px_writer_open(dir, &w), PGY_ERR_IO, "folder");
}

static void extension_follows_python(void **state)
{
    PX_UNUSED(state);
    assert_string_equal(px_path_ext("in.json"), ".json");
    assert_string_equal(px_path_ext("in"), "");
    assert_string_equal(px_path_ext(".hidden"), "");
    assert_string_equal(px_path_ext("a.b/c"), "");
    assert_string_equal(px_path_ext("..x"), "");
    assert_string_equal(px_path_ext("a.tar.gz"), ".gz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_then_map, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(aborted_write_leaves_nothing, make_dir, remove_dir),
        cmocka_unit_test(full_disk_is_reported),
        cmocka_unit_test_setup_teardown(missing_and_folder_are_errors, make_dir, remove_dir),
        cmocka_unit_test(extension_follows_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
