/* cli/progress.c - see progress.h. */
#include "cli/progress.h"

#include "base/fmt.h"
#include "base/thread.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define PATIENCE_NS 500000000ull /* of work before it is shown */
#define PERIOD_NS 100000000ull   /* between two looks of it */
enum { BAR = 24, BAR_MIN = 8, DEFAULT_COLUMNS = 80 };

bool px_progress_line_can(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

static size_t columns_of_terminal(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return DEFAULT_COLUMNS;
}

/* What a terminal does not take is nobody's loss. */
static void put(const px_buf *b)
{
    if (!b->failed && write(STDERR_FILENO, b->ptr, b->len) < 0)
        return;
}

static void put_bytes(px_buf *b, double n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    for (; n >= 1024 && u + 1 < PX_COUNTOF(units); u++)
        n /= 1024;
    px_fmt_f(b, n, u == 0 ? 0 : 1);
    px_buf_printf(b, " %s", units[u]);
}

static void put_amount(px_buf *b, const px_progress_report *r)
{
    if (r->unit == PX_PROGRESS_THINGS) {
        px_buf_printf(b, r->total > 0 ? "%llu/%llu" : "%llu", (unsigned long long)r->done,
                      (unsigned long long)r->total);
        return;
    }
    put_bytes(b, (double)r->done);
    if (r->total > 0) {
        px_buf_puts(b, " of ");
        put_bytes(b, (double)r->total);
    }
}

static void put_rate(px_buf *b, const px_progress_report *r, double per_second)
{
    px_buf_puts(b, ", ");
    if (r->unit == PX_PROGRESS_BYTES)
        put_bytes(b, per_second);
    else
        px_fmt_f(b, per_second, per_second < 100 ? 1 : 0);
    px_buf_puts(b, "/s");
}

static void put_time(px_buf *b, double seconds)
{
    const long long s = (long long)(seconds + 0.5);
    if (s < 60)
        px_buf_printf(b, "%lld s", s);
    else if (s < 3600)
        px_buf_printf(b, "%lld min %lld s", s / 60, s % 60);
    else
        px_buf_printf(b, "%lld h %lld min", s / 3600, s % 3600 / 60);
}

static void put_bar(px_buf *b, double part, size_t width)
{
    const size_t n = (size_t)(part * (double)width);
    px_buf_puts(b, " |");
    px_buf_pad(b, '#', n);
    px_buf_pad(b, '.', width - n);
    px_buf_printf(b, "| %3d%%", (int)(part * 100));
}

void px_progress_work_print(px_buf *b, const px_progress_work *work, const px_progress_report *r,
                            double elapsed_s, size_t columns)
{
    const size_t start = b->len;
    px_buf numbers = {0};
    const uint64_t n_new = r->done - PX_MIN(r->done, work->start_done);
    const double rate = elapsed_s > 0 ? (double)n_new / elapsed_s : 0;
    const bool has_end = r->total > 0 && r->done <= r->total;
    put_amount(&numbers, r);
    if (rate > 0)
        put_rate(&numbers, r, rate);
    if (rate > 0 && has_end) {
        px_buf_puts(&numbers, ", ");
        put_time(&numbers, (double)(r->total - r->done) / rate);
        px_buf_puts(&numbers, " left");
    }
    px_buf_puts(b, work->what);
    /* The bar gives way where there is no room. */
    const size_t others = strlen(work->what) + numbers.len + sizeof " || 100%  ";
    if (has_end && others + BAR_MIN <= columns)
        put_bar(b, (double)r->done / (double)r->total, PX_MIN(columns - others, (size_t)BAR));
    px_buf_puts(b, "  ");
    px_buf_putstr(b, px_buf_str(&numbers));
    if (columns > 0 && b->len >= start + columns && !b->failed) {
        b->len = start + columns - 1; /* a full line would wrap */
        b->ptr[b->len] = '\0';
    }
    b->failed |= numbers.failed;
    px_buf_fini(&numbers);
}

static void draw(px_progress_line *line, const px_progress_work *work, const px_progress_report *r,
                 uint64_t now_ns)
{
    px_buf b = {0};
    px_buf_puts(&b, line->use_color ? "\r\x1b[2m" : "\r");
    px_progress_work_print(&b, work, r, (double)(now_ns - work->start_ns) / 1e9,
                           columns_of_terminal());
    px_buf_puts(&b, line->use_color ? "\x1b[0m\x1b[K" : "\x1b[K");
    put(&b);
    px_buf_fini(&b);
    line->is_drawn = true;
    line->drawn_ns = now_ns;
}

void px_progress_line_erase(px_progress_line *line)
{
    static const char erase[] = "\r\x1b[K";
    if (!line->is_drawn)
        return;
    line->is_drawn = false;
    put(&(px_buf){.ptr = (char *)erase, .len = sizeof erase - 1});
}

/* Where this work stands among those begun; their number when it is new. */
static size_t level_of(const px_progress_line *line, const char *what)
{
    size_t i = 0;
    while (i < line->n_work &&
           strncmp(line->work[i].what, what, sizeof line->work[i].what - 1) != 0)
        i++;
    return i;
}

static void begin(px_progress_work *work, const px_progress_report *r, uint64_t now_ns)
{
    *work = (px_progress_work){.start_ns = now_ns, .start_done = r->done};
    memcpy(work->what, r->what, PX_MIN(strlen(r->what), sizeof work->what - 1));
}

void px_progress_line_report(void *user, const px_progress_report *r)
{
    px_progress_line *line = user;
    size_t level = level_of(line, r->what);
    const bool is_new = level == line->n_work;
    if (r->is_over) {
        if (!is_new)
            px_progress_line_erase(line);
        line->n_work = level;
        return;
    }
    const uint64_t now_ns = px_time_ns();
    level = PX_MIN(level, (size_t)PX_PROGRESS_LEVELS - 1);
    px_progress_work *work = &line->work[level];
    if (is_new || r->done < work->last_done)
        begin(work, r, now_ns);
    work->last_done = r->done;
    line->n_work = level + 1; /* a report from further out: what was inside is over */
    if (now_ns - work->start_ns >= PATIENCE_NS && now_ns - line->drawn_ns >= PERIOD_NS)
        draw(line, work, r, now_ns);
}
