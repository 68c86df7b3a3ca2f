/* polygraphy backends: command line, exit codes, and installing with a stand-in for Python. */
#include "base/file.h"
#include "cli/cmd_backends.h"
#include "test_base.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[256];

static int set_up(void **state)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/px-backends-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(root) == NULL)
        return -1;
    setenv("HOME", root, 1);
    unsetenv("XDG_DATA_HOME");
    unsetenv("POLYGRAPHY_ONNXRT_LIB");
    unsetenv("VIRTUAL_ENV");
    return 0;
}

static int tear_down(void **state)
{
    char command[512];
    snprintf(command, sizeof command, "/bin/rm -rf '%s'", root);
    return system(command);
}

/* Runs the subcommand with up to four words. */
static int run(const char *a, const char *b, const char *c, const char *d)
{
    const char *argv[] = {"backends", a, b, c, d, NULL};
    int argc = 1;
    pgy_context *cx = NULL;
    while (argv[argc] != NULL)
        argc++;
    assert_ok(pgy_context_new(&cx));
    const int code = px_cmd_backends(cx, argc, argv);
    pgy_context_free(cx);
    return code;
}

/* A "python3" that does what the shell lines say; $dir is pip's target, $package its last word. */
static void stand_in_python(const char *lines)
{
    char path[512], text[2048];
    snprintf(path, sizeof path, "%s/python", root);
    snprintf(text, sizeof text,
             "#!/bin/sh\n"
             "while [ $# -gt 1 ]; do [ \"$1\" = --target ] && dir=$2; shift; done\n"
             "package=$1\n%s\n",
             lines);
    assert_ok(px_file_write(path, text, strlen(text)));
    assert_int_equal(chmod(path, 0755), 0);
    setenv("POLYGRAPHY_PYTHON", path, 1);
}

static const char capi[] = "/.local/share/polygraphy/backends/onnxrt/onnxruntime/capi/";

static bool is_installed(const char *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s%s", root, capi, file);
    return px_path_exists(path);
}

static void wrong_command_lines_give_2(void **state)
{
    assert_int_equal(run("list", NULL, NULL, NULL), 2);
    assert_int_equal(run("install", NULL, NULL, NULL), 2);
    assert_int_equal(run("install", "nosuch", NULL, NULL), 2);
    assert_int_equal(run("install", "pluginref", NULL, NULL), 2); /* nothing to install */
    assert_int_equal(run("install", "onnxrt", "tf", NULL), 2);
    assert_int_equal(run("install", "onnxrt", "--package", NULL), 2);
    assert_int_equal(run("install", "onnxrt", "--package", "--index-url=x"), 2);
    assert_int_equal(run("install", "onnxrt", "--what", NULL), 2);
}

static void help_and_list_give_0(void **state)
{
    setenv("PATH", root, 1); /* no python3: nothing of the machine's is loaded */
    assert_int_equal(run("--help", NULL, NULL, NULL), 0);
    assert_int_equal(run(NULL, NULL, NULL, NULL), 0);
}

static void pip_puts_the_default_package_into_the_data_folder(void **state)
{
    setenv("PATH", "/usr/bin:/bin", 1);
    stand_in_python("mkdir -p $dir/onnxruntime/capi\n"
                    ": > $dir/onnxruntime/capi/libonnxruntime.so.$package");
    assert_int_equal(run("install", "onnxrt", NULL, NULL), 0);
    assert_true(is_installed("libonnxruntime.so.onnxruntime"));
    assert_int_equal(run("install", "onnxrt", "--package", "onnxruntime==1.22.0"), 0);
    assert_true(is_installed("libonnxruntime.so.onnxruntime==1.22.0"));
    assert_int_equal(run("install", "onnxrt", "--package=other", NULL), 0);
    assert_true(is_installed("libonnxruntime.so.other"));
}

static void failures_give_1(void **state)
{
    setenv("PATH", "/usr/bin:/bin", 1);
    stand_in_python("exit 3");
    assert_int_equal(run("install", "onnxrt", NULL, NULL), 1);
    stand_in_python("kill -9 $$");
    assert_int_equal(run("install", "onnxrt", NULL, NULL), 1);
    /* pip was content but the package holds no library. */
    stand_in_python("mkdir -p $dir/onnxruntime/capi");
    assert_int_equal(run("install", "onnxrt", NULL, NULL), 1);
    setenv("POLYGRAPHY_PYTHON", "/no/such/python", 1);
    assert_int_equal(run("install", "onnxrt", NULL, NULL), 1);
}

#define IN_A_HOME(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_HOME(wrong_command_lines_give_2),
        IN_A_HOME(help_and_list_give_0),
        IN_A_HOME(pip_puts_the_default_package_into_the_data_folder),
        IN_A_HOME(failures_give_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
