/* Reports, pictures and the checks of runs by themselves; faults.h says what is asked of them. */
#include "faults.h"

#include <fcntl.h>
#include <unistd.h>

/* Of a comparison that fails, as the pictures are. */
static void documents(void **state)
{
    static const char *const endings[] = {"html", "json", "xml", "md", "csv"};
    char words[256];
    PX_UNUSED(state);
    faults_none("{model} --pluginref --seed 1 --save-outputs {}/doc/1.json", "dyn.onnx");
    faults_none("{model} --pluginref --seed 2 --save-outputs {}/doc/2.json", "dyn.onnx");
    for (size_t i = 0; i < PX_COUNTOF(endings); i++) {
        (void)snprintf(words, sizeof words,
                       "--load-outputs {}/doc/1.json {}/doc/2.json --report {}/doc/report.%s",
                       endings[i]);
        faults_each_of_failing(1, words, "");
    }
    faults_each_of_failing(1,
                           "--load-outputs {}/doc/1.json {}/doc/2.json "
                           "--suggest-tolerances",
                           "");
}

static void pictures(void **state)
{
    PX_UNUSED(state);
    faults_each_of_failing(7,
                           "--load-outputs {}/doc/1.json {}/doc/2.json "
                           "--save-heatmaps {}/doc/maps "
                           "--save-error-metrics-plot {}/doc/plots",
                           "");
    faults_each_of_failing(7,
                           "--load-outputs {}/doc/1.json {}/doc/2.json "
                           "--save-heatmaps {}/doc/maps --save-error-metrics-plot "
                           "{}/doc/plots --picture-format png",
                           "");
    fflush(stdout);
    const int terminal = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    faults_each_of_failing(7,
                           "--load-outputs {}/doc/1.json {}/doc/2.json "
                           "--show-heatmaps --show-error-metrics-plot",
                           "");
    dup2(terminal, STDOUT_FILENO);
    close(terminal);
    close(nowhere);
    char *folder = px_path_join(faults_dir, "doc");
    faults_remove_tree(folder);
    px_mem_free(folder);
}

static void checks(void **state)
{
    PX_UNUSED(state);
    faults_each("{model} --pluginref --repeat 2", "dyn.onnx");
    faults_each("{model} --pluginref --check-batch-invariance --input-shapes x:[2,3]", "dyn.onnx");
}

static void nothing_else_is_left(void **state)
{
    PX_UNUSED(state);
    faults_check_and_remove_dir(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents),
        cmocka_unit_test(pictures),
        cmocka_unit_test(checks),
        cmocka_unit_test(nothing_else_is_left),
    };
    return cmocka_run_group_tests(tests, faults_make_dir, NULL);
}
