/* What of the TensorFlow backend needs no TensorFlow: its messages and files. */
#include "test_base.h"

#include "backend/tf/checkpoint.h"
#include "backend/tf/settings.h"
#include "backend/tf/tensorboard.h"
#include "backend/tf/timeline.h"
#include "backend/tf/values.h"
#include "base/file.h"

#include <stdio.h>
#include <unistd.h>

static void assert_config(const px_tf_args *args, const char *bytes, size_t size)
{
    px_pb_out config = {0};
    char got[64];
    assert_ok(px_tf_config_write(args, 2, &config));
    assert_int_equal(config.size, size);
    px_pb_out_copy(&config, got);
    assert_memory_equal(got, bytes, size);
    px_pb_out_fini(&config);
}

/* Bytes as tensorflow.ConfigProto.SerializeToString writes them. */
static void settings_are_a_config_proto(void **state)
{
    static const char plain[] = "\x10\x02\x28\x02\x32\x09\x09\xcd\xcc\xcc\xcc\xcc\xcc\xec\x3f";
    static const char all[] = "\x10\x02\x28\x02\x32\x0b\x09\x00\x00\x00\x00\x00\x00\xe0\x3f\x20\x01"
                              "\x52\x04\x1a\x02\x28\x01";
    const px_tf_args args = {.gpu_memory_fraction = {.given = true, .value = 0.5},
                             .allow_growth = {true},
                             .xla = {true}};
    assert_config(NULL, plain, sizeof plain - 1);
    assert_config(&args, all, sizeof all - 1);
    px_pb_out config = {0};
    const px_tf_args wrong = {.gpu_memory_fraction = {.given = true, .value = 0}};
    pgy_status *st = px_tf_config_write(&wrong, 1, &config);
    assert_int_equal(pgy_status_code(st), PGY_ERR_USAGE);
    pgy_status_free(st);
    px_pb_out_fini(&config);
}

/* RFC 3720, B.4. */
static void checksums_are_castagnolis(void **state)
{
    unsigned char bytes[32] = {0};
    assert_int_equal(px_crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(px_crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    assert_int_equal(px_crc32c(px_crc32c(0, bytes, 10), bytes + 10, 22), 0x46dd794e);
}

static void a_trace_has_an_event_per_node(void **state)
{
    static const char metadata[] = "\x0a\x2e\x0a\x2c\x0a\x03"
                                   "cpu"
                                   "\x12\x25\x0a\x01y\x10\xe8\x07\x18\x01\x20\x04\x28\x05\x42\x15"
                                   "y = Relu(\"x\", \\z\n1234"
                                   "\x50\x03";
    px_buf out = {0};
    assert_ok(px_tf_trace_print((px_str){metadata, sizeof metadata - 1}, &out));
    assert_non_null(strstr(out.ptr, "\"name\": \"process_name\", \"pid\": 0, \"args\": {\"name\": "
                                    "\"cpu\"}"));
    assert_non_null(strstr(out.ptr, "\"name\": \"Relu\", \"pid\": 0, \"tid\": 3, \"ts\": 1000, "
                                    "\"dur\": 5, \"args\": {\"node\": \"y\""));
    assert_non_null(strstr(out.ptr, "Relu(\\\"x\\\", \\\\z\\u000a1234"));
    px_buf_fini(&out);
    pgy_status *st = px_tf_trace_print((px_str){metadata, sizeof metadata - 5}, &out);
    assert_non_null(st);
    pgy_status_free(st);
    px_buf_fini(&out);
}

static void types_go_there_and_back(void **state)
{
    assert_int_equal(px_tf_type_of(PGY_DTYPE_F32), PX_TF_FLOAT);
    assert_int_equal(px_tf_type_of(PGY_DTYPE_STRING), 0);
    assert_int_equal(px_tf_dtype_of(PX_TF_HALF + PX_TF_REF), PGY_DTYPE_F16);
    assert_int_equal(px_tf_dtype_of(PX_TF_QUINT8), PGY_DTYPE_U8);
    assert_int_equal(px_tf_dtype_of(PX_TF_STRING), PGY_DTYPE_UNKNOWN);
    assert_string_equal(px_tf_type_name(PX_TF_RESOURCE), "resource");
    for (int type = 1; type < PX_TF_QINT8; type++)
        if (type != PX_TF_STRING)
            assert_int_equal(px_tf_type_of(px_tf_dtype_of(type)), type);
}

static void put(const char *folder, const char *name, const char *text)
{
    char *path = px_path_join(folder, name);
    assert_ok(px_file_write(path, text, strlen(text)));
    px_mem_free(path);
}

static void assert_no_checkpoint(const char *path, const char *name, const char *part)
{
    char *prefix = NULL;
    pgy_status *st = px_checkpoint_find(path, name, &prefix);
    assert_non_null(st);
    if (strstr(pgy_status_message(st), part) == NULL)
        fail_msg("'%s' does not say '%s'", pgy_status_message(st), part);
    assert_null(prefix);
    pgy_status_free(st);
}

static void all_files_of_a_checkpoint_are_there(void **state)
{
    static const char *const files[] = {"checkpoint", "m.meta", "m.index", "m.data-00000-of-00002",
                                        "m.data-00001-of-00002"};
    char folder[] = "/tmp/test_tf.XXXXXX", path[64], *prefix = NULL;
    assert_non_null(mkdtemp(folder));
    assert_no_checkpoint(folder, NULL, "no file named `checkpoint`");
    put(folder, files[0], "nothing");
    assert_no_checkpoint(folder, NULL, "no line model_checkpoint_path");
    put(folder, files[0],
        "x: 1\nmodel_checkpoint_path: \"m\"\nall_model_checkpoint_paths: \"m\"\n");
    assert_no_checkpoint(folder, NULL, "m.meta");
    put(folder, files[1], "m");
    assert_no_checkpoint(folder, NULL, "m.index");
    put(folder, files[2], "i");
    assert_no_checkpoint(folder, NULL, "m.data-00000-of-00001");
    put(folder, files[4], "d");
    assert_no_checkpoint(folder, "m", "m.data-00000-of-00002");
    put(folder, files[3], "d");
    assert_ok(px_checkpoint_find(folder, NULL, &prefix));
    snprintf(path, sizeof path, "%s/m", folder);
    assert_string_equal(prefix, path);
    px_mem_free(prefix);
    snprintf(path, sizeof path, "%s/m.meta", folder);
    assert_ok(px_checkpoint_find(path, NULL, &prefix));
    px_mem_free(prefix);
    prefix = NULL;
    snprintf(path, sizeof path, "%s/m.index", folder);
    assert_no_checkpoint(path, NULL, "is no checkpoint");
    for (size_t i = 0; i < PX_COUNTOF(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_a_config_proto),
        cmocka_unit_test(checksums_are_castagnolis),
        cmocka_unit_test(a_trace_has_an_event_per_node),
        cmocka_unit_test(types_go_there_and_back),
        cmocka_unit_test(all_files_of_a_checkpoint_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
