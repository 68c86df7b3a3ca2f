/* Runs with TensorFlow itself, on the models that tests/tf/make_models.py makes in the folder
 * PX_TF_MODELS, where the runs take place; faults.h says what is asked of them. TensorFlow's Python
 * is a shell's `cat` here, which hands the graph back that it would make: what is looked at is our
 * side of it.
 */
#include "faults.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void frozen(void **state)
{
    PX_UNUSED(state);
    faults_each("frozen.pb --tf --input-shapes x:[5,4] --iterations 2 -v", "");
    faults_each("frozen.pb --tf --tf-outputs hidden prob:0 --allow-growth --xla "
                "--gpu-memory-fraction 0.5",
                "");
    faults_each("types.pb --tf", "");
}

static void which_outputs(void **state)
{
    PX_UNUSED(state);
    faults_each("control.pb --tf --tf-outputs mark all", "");
    faults_each_of_failing(1, "frozen.pb --tf --tf-outputs hiden", "");
}

static void variables(void **state)
{
    PX_UNUSED(state);
    faults_each("saved --tf", "");
    faults_each("ck --tf", "");
    faults_each("ck --tf --ckpt model", "");
    faults_each("ck/model.meta --model-type ckpt --tf", "");
    faults_each_of_failing(1, "ck --tf --ckpt none", "");
}

static void what_is_written(void **state)
{
    char *folder;
    PX_UNUSED(state);
    faults_each("frozen.pb --tf --save-pb {}/w/g.pb --save-tensorboard {}/w/tb "
                "--save-timeline {}/w/tl --iterations 2",
                "");
    folder = px_path_join(faults_dir, "w");
    faults_remove_tree(folder);
    px_mem_free(folder);
}

static void onnx_models(void **state)
{
    PX_UNUSED(state);
    faults_each("{model} --tf --iterations 2", "dyn.onnx");
    faults_each("{model} --tf --onnx-outputs mark all", "branches.onnx");
}

/* The frozen graph to the third file, a converted model to the fourth. */
static void python_hands_back(void **state)
{
    PX_UNUSED(state);
    faults_each_step(3, "ck --tf --freeze-graph --save-pb {}/g.pb", "");
    faults_remove("g.pb");
    faults_each_step(3, "frozen.pb --pluginref --opset 13 --save-onnx {}/m.onnx", "");
    faults_remove("m.onnx");
}

static void nothing_else_is_left(void **state)
{
    PX_UNUSED(state);
    faults_check_and_remove_dir(1);
}

static int prepare(void **state)
{
    static const char python[] = "#!/bin/sh\ncat frozen.pb >&3\ncat \"$PX_ONNX_OF_FROZEN\" >&4\n";
    char path[128];
    if (faults_make_dir(state) != 0)
        return 1;
    (void)snprintf(path, sizeof path, "%s/python", faults_dir);
    faults_write("python", python, sizeof python - 1);
    return chmod(path, 0755) != 0 || setenv("POLYGRAPHY_PYTHON", path, 1) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frozen),
        cmocka_unit_test(which_outputs),
        cmocka_unit_test(variables),
        cmocka_unit_test(what_is_written),
        cmocka_unit_test(onnx_models),
        cmocka_unit_test(python_hands_back),
        cmocka_unit_test(nothing_else_is_left),
    };
    const char *models = getenv("PX_TF_MODELS");
    if (models == NULL || chdir(models) != 0 || access("frozen.pb", R_OK) != 0) {
        printf("SKIPPED: no models of TensorFlow; set PX_TF_PYTHON to a Python that has it\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, prepare, NULL);
}
