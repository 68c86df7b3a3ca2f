/* The parts of the ONNX Runtime backend that need no runtime: providers, levels, versions, types.
 */
#include "backend/onnxrt/providers.h"
#include "backend/onnxrt/session.h"
#include "backend/onnxrt/values.h"
#include "base/px.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const available[] = {"TensorrtExecutionProvider", "CUDAExecutionProvider",
                                        "CPUExecutionProvider"};

static const char *match(const char *word)
{
    return px_onnxrt_provider_match(px_str_of(word), available, PX_COUNTOF(available));
}

static void providers_match_exactly_else_by_part(void **state)
{
    assert_string_equal(match("CPUExecutionProvider"), "CPUExecutionProvider");
    assert_string_equal(match("cpu"), "CPUExecutionProvider");
    assert_string_equal(match("CPUExec"), "CPUExecutionProvider");
    assert_string_equal(match("cuda"), "CUDAExecutionProvider");
    assert_string_equal(match("tensorRT"), "TensorrtExecutionProvider");
    /* The longer word may contain the name. */
    assert_string_equal(match("my-cudaexecutionprovider-2"), "CUDAExecutionProvider");
    /* First in the runtime's order. */
    assert_string_equal(match("ExecutionProvider"), "TensorrtExecutionProvider");
    assert_null(match("foo"));
}

static void choice_keeps_order_and_repeats(void **state)
{
    const char *words[] = {"cpu", "CUDA", "cpu"}, *out[3] = {0};
    assert_null(px_onnxrt_providers_choose(words, 3, available, PX_COUNTOF(available), out));
    assert_string_equal(out[0], "CPUExecutionProvider");
    assert_string_equal(out[1], "CUDAExecutionProvider");
    assert_string_equal(out[2], "CPUExecutionProvider");
}

static void unknown_provider_is_refused_with_the_choice(void **state)
{
    const char *words[] = {"cpu", "foo"}, *out[2] = {0};
    pgy_status *st = px_onnxrt_providers_choose(words, 2, available, PX_COUNTOF(available), out);
    assert_int_equal(pgy_status_code(st), PGY_ERR_BACKEND);
    const char *text = pgy_status_message(st);
    assert_ptr_equal(strstr(text, "Could not find specified ONNX-Runtime execution provider."),
                     text);
    assert_non_null(strstr(text, "'foo'"));
    assert_non_null(strstr(text, "'CUDAExecutionProvider'"));
    pgy_status_free(st);
}

static void levels_have_the_runtime_numbers(void **state)
{
    assert_int_equal(px_onnxrt_level_of("ORT_DISABLE_ALL"), 0);
    assert_int_equal(px_onnxrt_level_of("ORT_ENABLE_BASIC"), 1);
    assert_int_equal(px_onnxrt_level_of("ORT_ENABLE_EXTENDED"), 2);
    assert_int_equal(px_onnxrt_level_of("ORT_ENABLE_LAYOUT"), 3);
    assert_int_equal(px_onnxrt_level_of("ORT_ENABLE_ALL"), 99);
    assert_int_equal(px_onnxrt_level_of("ort_enable_all"), -1);
    assert_int_equal(px_onnxrt_level_of(""), -1);
}

static void interface_version_follows_the_release(void **state)
{
    assert_int_equal(px_onnxrt_api_version_of("1.32.0"), 32);
    assert_int_equal(px_onnxrt_api_version_of("1.17.1"), 17);
    assert_int_equal(px_onnxrt_api_version_of("1.9"), 9);
    assert_int_equal(px_onnxrt_api_version_of("2.0.0"), -1);
    assert_int_equal(px_onnxrt_api_version_of("1."), -1);
    assert_int_equal(px_onnxrt_api_version_of(""), -1);
}

static void element_types_round_trip(void **state)
{
    for (int d = 1; d < PGY_DTYPE_COUNT; d++) {
        const px_ort_dtype ort = px_onnxrt_dtype_of((pgy_dtype)d);
        assert_int_not_equal(ort, 0);
        assert_int_equal(px_onnxrt_dtype_from(ort), d);
    }
    assert_int_equal(px_onnxrt_dtype_from(0), PGY_DTYPE_UNKNOWN);
    assert_int_equal(px_onnxrt_dtype_from(99), PGY_DTYPE_UNKNOWN);
    assert_int_equal(px_onnxrt_dtype_from(-1), PGY_DTYPE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(providers_match_exactly_else_by_part),
        cmocka_unit_test(choice_keeps_order_and_repeats),
        cmocka_unit_test(unknown_provider_is_refused_with_the_choice),
        cmocka_unit_test(levels_have_the_runtime_numbers),
        cmocka_unit_test(interface_version_follows_the_release),
        cmocka_unit_test(element_types_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
