/* backend/tf/tensorboard.c - see tensorboard.h.
 *
 * The file is a run of records: u64 length, u32 masked CRC of these eight bytes, the bytes, u32
 * masked CRC of them, all little-endian. Masking rotates right by 15 bits and adds a constant, so
 * that the checksum of data that holds checksums stays good. Each record is an Event message; the
 * first names the format's version.
 */
#include "backend/tf/tensorboard.h"

#include "base/file.h"
#include "model/pb_write.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { EVENT_WALL_TIME = 1, EVENT_FILE_VERSION = 3, EVENT_GRAPH = 4 };

uint32_t px_crc32c(uint32_t crc, const void *bytes, size_t size)
{
    static const uint32_t polynomial = 0x82f63b78; /* reflected */
    uint32_t table[256];
    const unsigned char *p = bytes;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? polynomial : 0);
    }
    crc = ~crc;
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xff];
    return ~crc;
}

static uint32_t masked(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static pgy_status *put_record(px_writer *w, double now, uint32_t number, px_str value)
{
    pgy_status *st = NULL;
    px_pb_out event = {0};
    px_pb_put_f64(&event, EVENT_WALL_TIME, now);
    px_pb_put_bytes(&event, number, value);
    PX_TRY(px_pb_out_status(&event));
    uint32_t crc = px_crc32c(0, &event.size, sizeof event.size);
    crc = masked(crc);
    px_writer_put(w, &event.size, sizeof event.size);
    px_writer_put(w, &crc, sizeof crc);
    crc = 0;
    for (size_t i = 0; i < event.n; i++)
        crc = px_crc32c(crc, event.at[i].ptr, event.at[i].size);
    crc = masked(crc);
    px_pb_out_write(&event, w);
    px_writer_put(w, &crc, sizeof crc);
done:
    px_pb_out_fini(&event);
    return st;
}

pgy_status *px_tensorboard_write(const char *folder, px_str graph)
{
    pgy_status *st = NULL;
    px_buf path = {0};
    px_writer w = {.fd = -1};
    char host[256] = "localhost";
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    const double seconds = (double)now.tv_sec + (double)now.tv_nsec / 1e9;

    if (gethostname(host, sizeof host) != 0)
        snprintf(host, sizeof host, "localhost");
    host[sizeof host - 1] = '\0';
    px_buf_printf(&path, "%s/events.out.tfevents.%010lld.%s", folder, (long long)now.tv_sec, host);
    PX_TRY(px_buf_status(&path));
    PX_TRY(px_writer_open(path.ptr, &w));
    PX_TRY(put_record(&w, seconds, EVENT_FILE_VERSION, PX_STR("brain.Event:2")));
    PX_TRY(put_record(&w, seconds, EVENT_GRAPH, graph));
    PX_TRY(px_writer_commit(&w));
done:
    px_writer_abort(&w);
    px_buf_fini(&path);
    return px_status_while(st, "writing the graph for TensorBoard");
}
