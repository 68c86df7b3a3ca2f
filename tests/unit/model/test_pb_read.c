/* Wire reader: every encoding, and everything that must be refused. */
#include "test_base.h"

#include "model/pb_read.h"

#define BYTES(s) ((px_str){(s), sizeof(s) - 1})

static void fields_are_views(void **state)
{
    PX_UNUSED(state);
    px_str bytes = BYTES("\x08\x96\x01"                         /* 1: 150 */
                         "\x12\x02hi"                           /* 2: "hi" */
                         "\x1d\x01\x02\x03\x04"                 /* 3: fixed 32 */
                         "\x21\x01\x02\x03\x04\x05\x06\x07\xff" /* 4: fixed 64 */
                         "\x2a\x00"                             /* 5: empty */
                         "\xf8\xff\xff\xff\x0f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    px_pb pb = px_pb_of(bytes, NULL);
    px_pb_field f;
    assert_true(px_pb_next(&pb, &f));
    assert_int_equal(f.number, 1);
    assert_int_equal(f.value, 150);
    assert_int_equal(f.whole.len, 3);
    assert_true(px_pb_next(&pb, &f));
    assert_true(px_str_is(f.bytes, "hi"));
    assert_ptr_equal(f.bytes.ptr, bytes.ptr + 5);
    assert_true(px_pb_next(&pb, &f));
    assert_int_equal(f.value, 0x04030201);
    assert_true(px_pb_next(&pb, &f));
    assert_true(f.value == 0xff07060504030201u);
    assert_true(px_pb_next(&pb, &f));
    assert_int_equal(f.bytes.len, 0);
    assert_non_null(f.bytes.ptr);
    assert_true(px_pb_next(&pb, &f));
    assert_int_equal(f.number, (1 << 29) - 1);
    assert_true(f.value == UINT64_MAX);
    assert_false(px_pb_next(&pb, &f));
    assert_null(px_pb_status(&pb, "Test"));
}

static void refuse(px_str bytes, const char *part)
{
    size_t counts[PX_PB_COUNTED];
    assert_fails(px_pb_count(bytes, NULL, "Test", counts), PGY_ERR_MODEL, part);
}

static void damage_is_refused_with_its_position(void **state)
{
    PX_UNUSED(state);
    refuse(BYTES("\x08"), "inside a number (Test at byte 0)");
    refuse(BYTES("\x08\x01\x08\x80"), "inside a number (Test at byte 2)");
    refuse(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "more than 64 bits");
    refuse(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "more than 64 bits");
    refuse(BYTES("\x0a\x05hell"), "longer than what is left");
    refuse(BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "longer than what is left");
    refuse(BYTES("\x0d\x01\x02\x03"), "inside a fixed-size number");
    refuse(BYTES("\x09\x01\x02\x03\x04\x05\x06\x07"), "inside a fixed-size number");
    refuse(BYTES("\x00\x01"), "impossible number");
    refuse(BYTES("\x80\x80\x80\x80\x10\x01"), "impossible number");
    refuse(BYTES("\x0b\x0c"), "a group");
    refuse(BYTES("\x0c"), "a group");
    refuse(BYTES("\x0e"), "unknown encoding");
    refuse(BYTES("\x0f"), "unknown encoding");
}

static void positions_count_from_the_file(void **state)
{
    PX_UNUSED(state);
    px_str file = BYTES("\x12\x02\x08\x80");
    px_str inner = {file.ptr + 2, 2};
    size_t counts[PX_PB_COUNTED];
    assert_fails(px_pb_count(inner, file.ptr, "Inner", counts), PGY_ERR_MODEL, "(Inner at byte 2)");
}

static void numbers_come_packed_and_alone(void **state)
{
    PX_UNUSED(state);
    px_str bytes = BYTES("\x08\x01"             /* 1: 1 */
                         "\x0a\x03\x02\xac\x02" /* 1: packed 2, 300 */
                         "\x0a\x00"             /* 1: packed, empty */
                         "\x10\x09"             /* another field */
                         "\x08\x03");
    const uint64_t want[] = {1, 2, 300, 3};
    px_pb_numbers it = px_pb_numbers_of(bytes, NULL, 1, PX_PB_VARINT);
    uint64_t value = 0;
    for (size_t i = 0; i < PX_COUNTOF(want); i++) {
        assert_true(px_pb_numbers_next(&it, &value));
        assert_true(value == want[i]);
    }
    assert_false(px_pb_numbers_next(&it, &value));
    assert_null(px_pb_status(&it.outer, "Test"));

    it = px_pb_numbers_of(BYTES("\x0a\x06\x01\x00\x00\x00\x02\x00"), NULL, 1, PX_PB_I32);
    assert_true(px_pb_numbers_next(&it, &value));
    assert_false(px_pb_numbers_next(&it, &value));
    assert_false(px_pb_numbers_next(&it, &value));
    assert_fails(px_pb_status(&it.outer, "Test"), PGY_ERR_MODEL, "(Test at byte 6)");
}

static void nothing_is_a_message(void **state)
{
    PX_UNUSED(state);
    size_t counts[PX_PB_COUNTED];
    assert_null(px_pb_count((px_str){0}, NULL, "Test", counts));
    assert_int_equal(counts[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_views),
        cmocka_unit_test(damage_is_refused_with_its_position),
        cmocka_unit_test(positions_count_from_the_file),
        cmocka_unit_test(numbers_come_packed_and_alone),
        cmocka_unit_test(nothing_is_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
