/* Runs with the TensorRT backend over the stand-ins for its library and the CUDA driver
 * (tests/trt), of the release that FAKE_TRT_VERSION and POLYGRAPHY_TRT_LIB name; faults.h says what
 * is asked of them. TensorRT's objects must be gone as well.
 */
#include "faults.h"

#include <dlfcn.h>
#include <stdlib.h>

static int version(void)
{
    const char *text = getenv("FAKE_TRT_VERSION");
    return text != NULL ? (int)strtol(text, NULL, 10) : 0;
}

static void assert_no_objects(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s/libnvinfer.so.%d", getenv("POLYGRAPHY_TRT_LIB"),
             version() / (version() >= 10000 ? 10000 : 1000));
    void *library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(library);
    int (*n_alive)(void) = (int (*)(void))(uintptr_t)dlsym(library, "fake_objects_alive");
    assert_non_null(n_alive);
    assert_int_equal(n_alive(), 0);
    dlclose(library);
}

static void trt_run(const char *words, const char *model)
{
    faults_each(words, model);
    assert_no_objects();
}

static void build_and_run(void **state)
{
    PX_UNUSED(state);
    trt_run(
        "{model} --trt --input-shapes x:[3,4] --trt-min-shapes x:[1,4] --trt-max-shapes x:[8,4] "
        "--iterations 2 --tensor-formats x:[linear] --pool-limit workspace:1M "
        "--save-engine {}/e.plan --save-timing-cache {}/t.cache -vv",
        "identity.onnx");
    trt_run("{}/e.plan --model-type engine --trt --input-shapes x:[3,4] --optimization-profile 1",
            "");
}

static void outputs(void **state)
{
    PX_UNUSED(state);
    if (version() < 100000)
        trt_run("{model} --trt --input-shapes x:[3,4] --trt-outputs mark all", "identity.onnx");
    else
        trt_run("{model} --trt --input-shapes x:[3,4] --trt-outputs mark all --mark-debug h "
                "--allocation-strategy profile",
                "identity.onnx");
}

static void precisions(void **state)
{
    PX_UNUSED(state);
    if (version() >= 110000) { /* a cast of the model */
        trt_run("{model} --trt --input-shapes x:[3,4] --fp16", "identity.onnx");
        return;
    }
    trt_run("{model} --trt --input-shapes x:[3,4] --fp16 --int8 --iterations 2 --calibration-cache "
            "{}/c.cache --layer-precisions one:float16 --save-tactics {}/t.json",
            "identity.onnx");
    trt_run("{model} --trt --input-shapes x:[3,4] --load-tactics {}/t.json", "identity.onnx");
}

static void uff_and_caffe(void **state)
{
    /* A graph of the nodes x (Input, shape [any, 4]) and out (MarkOutput). */
    static const char uff[] =
        "\042\071\022\044\012\001\170\032\005\111\156\160\165\164\042\030\012\005\163\150"
        "\141\160\145\022\017\102\015\012\013\377\377\377\377\377\377\377\377\377\001\004"
        "\022\021\012\003\157\165\164\032\012\115\141\162\153\117\165\164\160\165\164";
    PX_UNUSED(state);
    if (version() >= 100000)
        return; /* they have no such parsers */
    faults_write("m.uff", uff, sizeof uff - 1);
    trt_run("{}/m.uff --trt --input-shapes x:[3,4] --int8 --iterations 2 --trt-outputs y", "");
    faults_write("m.prototxt", "#", 1);
    faults_write("m.caffemodel", "", 0);
    trt_run("{}/m.prototxt --trt --input-shapes x:[3,4]", "");
}

/* Engine and timing cache with its lock; also calibration cache and tactics; also three models. */
static void nothing_else_is_left(void **state)
{
    PX_UNUSED(state);
    faults_check_and_remove_dir(version() >= 110000 ? 3 : version() >= 100000 ? 5 : 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(build_and_run),        cmocka_unit_test(outputs),
        cmocka_unit_test(precisions),           cmocka_unit_test(uff_and_caffe),
        cmocka_unit_test(nothing_else_is_left),
    };
    return cmocka_run_group_tests(tests, faults_make_dir, NULL);
}
