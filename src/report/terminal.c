/* report/terminal.c - which way to show, and the Kitty and iTerm2 protocols; see terminal.h. */
#include "report/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* ---- choosing ---- */

static bool is_set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

static bool is(const char *value, const char *wanted)
{
    return value != NULL && strcmp(value, wanted) == 0;
}

static bool starts(const char *value, const char *prefix)
{
    return value != NULL && px_str_starts(px_str_of(value), prefix);
}

px_show_way px_show_choose(const px_show_env *e)
{
    if ((is_set(e->display) || is_set(e->wayland_display)) && e->has_opener)
        return PX_SHOW_VIEWER;
    if (!e->is_terminal || is_set(e->no_color) || !is_set(e->term) || is(e->term, "dumb"))
        return PX_SHOW_TEXT;
    /* A multiplexer passes on no graphics but those it says it knows. */
    const bool inside = starts(e->term, "screen") || starts(e->term, "tmux");
    if (!inside) {
        if (is_set(e->kitty_window) || is(e->term, "xterm-kitty") || is(e->term, "xterm-ghostty") ||
            is(e->term_program, "ghostty"))
            return PX_SHOW_KITTY;
        if (is(e->term_program, "iTerm.app") || is(e->term_program, "WezTerm") ||
            is(e->term_program, "mintty") || is(e->lc_terminal, "iTerm2"))
            return PX_SHOW_ITERM;
        if (starts(e->term, "foot") || starts(e->term, "mlterm") || starts(e->term, "yaft") ||
            strstr(e->term, "sixel") != NULL)
            return PX_SHOW_SIXEL;
    }
    if (e->has_sixel != NULL && e->has_sixel())
        return PX_SHOW_SIXEL;
    return is(e->colorterm, "truecolor") || is(e->colorterm, "24bit") ? PX_SHOW_TRUE_COLOR
                                                                      : PX_SHOW_256;
}

/* "\x1b[?62;4;22c": attribute 4 is sixel. */
static bool says_sixel(const char *answer)
{
    const char *p = strstr(answer, "\x1b[?");
    for (p = p != NULL ? p + 3 : ""; *p != '\0' && *p != 'c';) {
        int v = 0;
        for (; *p >= '0' && *p <= '9' && v < 1000; p++)
            v = v * 10 + (*p - '0');
        if (v == 4)
            return true;
        p += *p == ';';
        if (*p != ';' && *p != 'c' && !(*p >= '0' && *p <= '9'))
            return false;
    }
    return false;
}

/* Asks for the primary device attributes, which every terminal knows, and waits a fifth of a second
 * at most for each piece of the answer. */
static bool ask_sixel(void)
{
    char answer[128] = "";
    size_t n = 0;
    struct termios before, raw;
    const int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (tcgetattr(fd, &before) == 0) {
        raw = before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        if (tcsetattr(fd, TCSAFLUSH, &raw) == 0) {
            struct pollfd p = {.fd = fd, .events = POLLIN};
            if (write(fd, "\x1b[c", 3) == 3) {
                while (n + 1 < sizeof answer && strchr(answer, 'c') == NULL &&
                       poll(&p, 1, 200) == 1) {
                    const ssize_t got = read(fd, answer + n, sizeof answer - 1 - n);
                    if (got <= 0)
                        break;
                    n += (size_t)got;
                    answer[n] = '\0';
                }
            }
            (void)tcsetattr(fd, TCSAFLUSH, &before);
        }
    }
    close(fd);
    return says_sixel(answer);
}

static bool is_on_path(const char *program)
{
    const char *path = getenv("PATH");
    px_buf file = {0};
    bool found = false;
    while (path != NULL && !found) {
        const size_t n = strcspn(path, ":");
        file.len = 0;
        px_buf_printf(&file, "%.*s/%s", (int)n, path, program);
        found = n > 0 && access(px_buf_cstr(&file), X_OK) == 0;
        path = path[n] == ':' ? path + n + 1 : NULL;
    }
    px_buf_fini(&file);
    return found;
}

void px_show_env_get(px_show_env *out)
{
    *out = (px_show_env){.is_terminal = isatty(STDOUT_FILENO) == 1,
                         .has_opener = is_on_path("xdg-open"),
                         .display = getenv("DISPLAY"),
                         .wayland_display = getenv("WAYLAND_DISPLAY"),
                         .term = getenv("TERM"),
                         .term_program = getenv("TERM_PROGRAM"),
                         .lc_terminal = getenv("LC_TERMINAL"),
                         .kitty_window = getenv("KITTY_WINDOW_ID"),
                         .colorterm = getenv("COLORTERM"),
                         .no_color = getenv("NO_COLOR"),
                         .has_sixel = ask_sixel};
}

int px_terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return PX_MAX(20, PX_MIN(size.ws_col, 200));
}

/* ---- protocols that take a PNG ---- */

static void put_base64(px_buf *out, const uint8_t *p, size_t n)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const size_t left = n - i;
        const uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                           (left > 2 ? p[i + 2] : 0);
        const char four[4] = {letters[v >> 18], letters[v >> 12 & 63],
                              left > 1 ? letters[v >> 6 & 63] : '=',
                              left > 2 ? letters[v & 63] : '='};
        px_buf_put(out, four, 4);
    }
}

void px_kitty_put(px_buf *out, const px_buf *png)
{
    enum { CHUNK = 3072 }; /* bytes: 4096 letters, what the protocol takes at once */
    for (size_t at = 0; at < png->len; at += CHUNK) {
        const size_t n = PX_MIN((size_t)CHUNK, png->len - at);
        px_buf_printf(out, "\x1b_G%sm=%d;", at == 0 ? "a=T,f=100,q=2," : "", at + n < png->len);
        put_base64(out, (const uint8_t *)png->ptr + at, n);
        px_buf_puts(out, "\x1b\\");
    }
    px_buf_putc(out, '\n');
}

void px_iterm_put(px_buf *out, const px_buf *png)
{
    px_buf_printf(out, "\x1b]1337;File=inline=1;size=%zu:", png->len);
    put_base64(out, (const uint8_t *)png->ptr, png->len);
    px_buf_puts(out, "\a\n");
}
