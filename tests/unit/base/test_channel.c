/* Messages and arrays between two processes, here the two ends of one socket in one process. */
#include "test_base.h"

#include "base/channel.h"
#include "base/tensor.h"
#include "base/thread.h"

#include <fcntl.h>
#include <unistd.h>

typedef struct ends {
    px_channel *a, *b;
} ends;

static const px_wait for_ever = {.deadline_ns = PX_NEVER};

static ends open_ends(void)
{
    int fds[2];
    ends e;
    assert_ok(px_channel_sockets(fds));
    assert_ok(px_channel_new(fds[0], &e.a));
    assert_ok(px_channel_new(fds[1], &e.b));
    return e;
}

static void close_ends(ends *e)
{
    px_channel_free(e->a);
    px_channel_free(e->b);
}

static pgy_tensor *counting(int64_t n, int32_t first)
{
    pgy_tensor *t;
    assert_ok(px_tensor_new_raw(PGY_DTYPE_I32, 1, &n, &t));
    for (int64_t i = 0; i < n; i++)
        ((int32_t *)t->data)[i] = first + (int32_t)i;
    return t;
}

static void send_tensor(px_channel *ch, const pgy_tensor *t)
{
    px_wait_end end;
    px_channel_begin(ch, 7);
    px_channel_put_tensor(ch, t, t->dtype);
    assert_ok(px_channel_send(ch, &for_ever, &end));
    assert_int_equal(end, PX_WAIT_OK);
}

static pgy_tensor *receive_tensor(px_channel *ch)
{
    pgy_tensor *t;
    px_wait_end end;
    unsigned kind;
    assert_ok(px_channel_receive(ch, &for_ever, &end, &kind));
    assert_int_equal(end, PX_WAIT_OK);
    assert_int_equal(kind, 7);
    assert_ok(px_channel_get_tensor(ch, &t));
    assert_ok(px_channel_end(ch));
    return t;
}

static void values_arrive_in_order(void **state)
{
    PX_UNUSED(state);
    ends e = open_ends();
    px_wait_end end;
    unsigned kind;
    px_channel_begin(e.a, 3);
    px_channel_put_u32(e.a, 4000000000u);
    px_channel_put_i64(e.a, -5);
    px_channel_put_f64(e.a, 0.1);
    px_channel_put_str(e.a, PX_STR("a\0b"));
    px_channel_put_str(e.a, PX_STR(""));
    assert_ok(px_channel_send(e.a, &for_ever, &end));
    assert_ok(px_channel_receive(e.b, &for_ever, &end, &kind));
    assert_int_equal(kind, 3);
    assert_int_equal(px_channel_get_u32(e.b), 4000000000u);
    assert_int_equal(px_channel_get_i64(e.b), -5);
    assert_true(px_channel_get_f64(e.b) == 0.1);
    assert_true(px_str_eq(px_channel_get_str(e.b), PX_STR("a\0b")));
    assert_int_equal(px_channel_get_str(e.b).len, 0);
    assert_ok(px_channel_end(e.b));
    assert_int_equal(px_channel_get_u32(e.b), 0);
    assert_fails(px_channel_end(e.b), PGY_ERR_BUG, "form");
    close_ends(&e);
}

static void arrays_of_all_sizes_arrive(void **state)
{
    PX_UNUSED(state);
    ends e = open_ends();
    const int64_t sizes[] = {0, 1, 4096, 4097, 300000, 5000, 4097};
    for (size_t i = 0; i < PX_COUNTOF(sizes); i++) {
        pgy_tensor *sent = counting(sizes[i], (int32_t)i);
        send_tensor(e.a, sent);
        pgy_tensor *got = receive_tensor(e.b);
        assert_int_equal(got->size, sent->size);
        assert_memory_equal(got->data, sent->data, sent->size);
        pgy_tensor_free(sent);
        pgy_tensor_free(got);
    }
    const pgy_string words[] = {{"ab", 2}, {"", 0}, {"\xc3\xa4", 2}};
    const int64_t dims[] = {1, 3};
    pgy_tensor *text;
    assert_ok(px_tensor_new_strings(2, dims, words, &text));
    send_tensor(e.a, text);
    pgy_tensor *got = receive_tensor(e.b);
    assert_int_equal(got->rank, 2);
    assert_int_equal(((const pgy_string *)got->data)[2].len, 2);
    pgy_tensor_free(text);
    pgy_tensor_free(got);
    close_ends(&e);
}

static size_t n_open_files(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* A piece is used again once its tensors are gone, and never while they are held; what is held for
 * long stays valid after the channel has ended. */
static void memory_is_used_again(void **state)
{
    PX_UNUSED(state);
    ends e = open_ends();
    pgy_tensor *held[40];
    const void *seen = NULL;
    size_t n_files = n_open_files();
    for (int i = 0; i < 40; i++) {
        pgy_tensor *sent = counting(10000, i), *back;
        send_tensor(e.a, sent);
        held[i] = receive_tensor(e.b);
        send_tensor(e.b, sent); /* carries what became of the pieces */
        back = receive_tensor(e.a);
        if (i >= 2 && seen != NULL)
            assert_ptr_equal(back->data, seen);
        seen = i >= 1 ? back->data : NULL;
        pgy_tensor_free(back);
        pgy_tensor_free(sent);
    }
    assert_int_equal(n_open_files(), n_files);
    close_ends(&e);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(((const int32_t *)held[i]->data)[9999], i + 9999);
        pgy_tensor_free(held[i]);
    }
}

static void waiting_ends(void **state)
{
    PX_UNUSED(state);
    ends e = open_ends();
    px_wait soon = {.deadline_ns = px_time_ns() + 20000000};
    px_wait_end end;
    unsigned kind;
    assert_ok(px_channel_receive(e.a, &soon, &end, &kind));
    assert_int_equal(end, PX_WAIT_TIMEOUT);
    px_channel_free(e.b);
    e.b = NULL;
    assert_ok(px_channel_receive(e.a, &for_ever, &end, &kind));
    assert_int_equal(end, PX_WAIT_GONE);
    px_channel_begin(e.a, 1);
    assert_ok(px_channel_send(e.a, &for_ever, &end));
    assert_int_equal(end, PX_WAIT_GONE);
    close_ends(&e);
}

/* Bytes of a child that has gone mad. */
static void nonsense_is_refused(void **state)
{
    PX_UNUSED(state);
    static const struct {
        uint32_t magic;
        uint16_t kind, n_files;
        uint64_t size;
        uint32_t body[10];
        pgy_error from_receive;
    } frames[] = {
        {0x12345678, 1, 0, 0, {0}, PGY_ERR_BUG},
        {0x31595047, 1, 0, UINT64_MAX, {0}, PGY_ERR_BUG},
        {0x31595047, 1, 0, 16, {0, 9, 4096, 0}, PGY_ERR_IO},         /* a piece without a file */
        {0x31595047, 1, 0, 28, {0, 0, 0, 0, 1, 1, 70}, PGY_OK},      /* an array of rank 70 */
        {0x31595047, 1, 0, 28, {0, 0, 0, 0, 1, 99, 0}, PGY_OK},      /* of an unknown type */
        {0x31595047, 1, 0, 32, {0, 0, 0, 0, 1, 1, 0, 1}, PGY_OK},    /* in no piece */
        {0x31595047, 1, 0, 36, {0, 0, 0, 0, 1, 1, 0, 2, 5}, PGY_OK}, /* in no piece of the reader */
        {0x31595047, 1, 0, 32, {0, 0, 0, 0, 1, 1, 0, 0}, PGY_OK},    /* without its bytes */
        {0x31595047, 1, 0, 8, {1000000, 1}, PGY_OK},
    };
    for (size_t i = 0; i < PX_COUNTOF(frames); i++) {
        ends e = open_ends();
        px_wait_end end;
        unsigned kind;
        pgy_tensor *t;
        size_t n = 16 + (size_t)PX_MIN(frames[i].size, sizeof frames[i].body);
        assert_int_equal(write(px_channel_fd(e.a), &frames[i], n), n);
        pgy_status *st = px_channel_receive(e.b, &for_ever, &end, &kind);
        assert_int_equal(pgy_status_code(st), frames[i].from_receive);
        if (st == NULL)
            assert_fails(px_channel_get_tensor(e.b, &t), PGY_ERR_BUG, "child");
        pgy_status_free(st);
        close_ends(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_arrive_in_order), cmocka_unit_test(arrays_of_all_sizes_arrive),
        cmocka_unit_test(memory_is_used_again),   cmocka_unit_test(waiting_ends),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
