/* bench/bench_files.c - saving and loading one large array as JSON, against writing and reading the
 * same bytes and doing nothing with them.
 *
 *     bench_files FOLDER [MEBIBYTES] [ROUNDS]
 *
 * Prints one line per measure: name, best seconds, median seconds, peak memory in MiB, bytes of the
 * array in MiB. The file stays in the page cache unless memory is short.
 */
#include "base/mem.h"
#include "base/thread.h"
#include "data/base64.h"
#include "data/feed.h"
#include "results/results.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_ROUNDS 32
#define PIECE ((size_t)1 << 20)

static void die_on(pgy_status *st)
{
    if (st == NULL)
        return;
    fprintf(stderr, "%s\n", pgy_status_message(st));
    exit(1);
}

static void die_if(bool failed, const char *what)
{
    if (failed) {
        perror(what);
        exit(1);
    }
}

/* The peak of memory counts from here. */
static void forget_peak(void)
{
    FILE *const f = fopen("/proc/self/clear_refs", "w");
    die_if(f == NULL, "clear_refs");
    fputs("5", f);
    fclose(f);
}

static long peak_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *const f = fopen("/proc/self/status", "r");
    die_if(f == NULL, "status");
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    fclose(f);
    return kib;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct measure {
    const char *name;
    double seconds[MAX_ROUNDS];
    int n;
    long peak_kib;
} measure;

static void begin(uint64_t *out_start)
{
    forget_peak();
    *out_start = px_time_ns();
}

static void end(measure *m, uint64_t start)
{
    m->seconds[m->n++] = (double)(px_time_ns() - start) * 1e-9;
    m->peak_kib = PX_MAX(m->peak_kib, peak_kib());
}

static void show(measure *m, size_t size)
{
    qsort(m->seconds, (size_t)m->n, sizeof *m->seconds, by_value);
    printf("%-6s %.4f %.4f %.0f %zu\n", m->name, m->seconds[0], m->seconds[m->n / 2],
           (double)m->peak_kib / 1024, size >> 20);
}

/* Into a new file, as saving does. */
static void write_same(const char *path, size_t size, char *piece)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    die_if(fd < 0, path);
    for (size_t left = size; left > 0;) {
        const ssize_t n = write(fd, piece, PX_MIN(left, PIECE));
        die_if(n < 0, path);
        left -= (size_t)n;
    }
    die_if(close(fd) != 0, path);
}

static void read_same(const char *path, char *piece)
{
    const int fd = open(path, O_RDONLY);
    ssize_t n;
    die_if(fd < 0, path);
    while ((n = read(fd, piece, PIECE)) > 0)
        ;
    die_if(n < 0, path);
    close(fd);
}

int main(int argc, char **argv)
{
    const int64_t count = (argc > 2 ? strtol(argv[2], NULL, 10) : 1024) << 18;
    const int rounds = argc > 3 ? PX_MIN((int)strtol(argv[3], NULL, 10), MAX_ROUNDS) : 3;
    measure save = {.name = "save"}, load = {.name = "load"}, put = {.name = "write"},
            get = {.name = "read"};
    char path[4096], other[4096];
    pgy_context *cx = NULL;
    pgy_tensor *t = NULL;
    px_feed feed = {0};
    px_run run = {0};
    px_feeds_writer *writer = NULL;
    uint64_t start;
    char *const piece = px_mem_alloc(PIECE);
    if (argc < 2 || piece == NULL) {
        fprintf(stderr, "usage: %s FOLDER [MEBIBYTES] [ROUNDS]\n", argv[0]);
        return 2;
    }
    (void)snprintf(path, sizeof path, "%s/bench_files.json", argv[1]);
    (void)snprintf(other, sizeof other, "%s/bench_files.bin", argv[1]);
    memset(piece, 'A', PIECE);
    die_on(pgy_context_new(&cx));
    pgy_context_set_level(cx, PGY_LOG_WARNING);
    die_on(pgy_tensor_new(PGY_DTYPE_F32, 1, &count, &t));
    for (int64_t i = 0; i < count; i++)
        ((float *)t->data)[i] = (float)(i * 2654435761 % 1000003) * 0.25f;
    const size_t size = t->size, text = px_base64_encoded_size(size);
    die_on(px_feed_add(&feed, "x", t));
    const pgy_feed view = px_feed_view(&feed);
    for (int i = 0; i < rounds; i++) {
        unlink(path);
        begin(&start);
        die_on(px_feeds_writer_open(cx, path, false, &writer));
        die_on(px_feeds_writer_add(writer, &view));
        die_on(px_feeds_writer_commit(writer));
        px_feeds_writer_close(writer);
        end(&save, start);
        begin(&start);
        write_same(other, text, piece);
        end(&put, start);
        unlink(other);
    }
    px_feed_fini(&feed);
    for (int i = 0; i < rounds; i++) {
        begin(&start);
        die_on(px_feeds_load(cx, path, &run));
        die_on(px_iteration_get_feed(cx, &run.at[0], &feed));
        end(&load, start);
        px_feed_fini(&feed);
        px_run_fini(&run);
        begin(&start);
        read_same(path, piece);
        end(&get, start);
    }
    unlink(path);
    show(&save, size);
    show(&put, size);
    show(&load, size);
    show(&get, size);
    px_mem_free(piece);
    pgy_context_free(cx);
    return 0;
}
