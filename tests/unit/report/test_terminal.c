/* Showing on a terminal: the way that is chosen, and what is sent. */
#include "report/terminal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool yes(void)
{
    return true;
}

static void ways(void **state)
{
    static const struct {
        px_show_env env;
        px_show_way way;
    } cases[] = {
        {{.is_terminal = true, .term = "xterm-256color"}, PX_SHOW_256},
        {{.is_terminal = true, .term = "xterm", .colorterm = "truecolor"}, PX_SHOW_TRUE_COLOR},
        {{.is_terminal = true, .term = "xterm", .no_color = "1"}, PX_SHOW_TEXT},
        {{.is_terminal = true, .term = "xterm", .no_color = ""}, PX_SHOW_256},
        {{.is_terminal = true, .term = "dumb"}, PX_SHOW_TEXT},
        {{.is_terminal = true}, PX_SHOW_TEXT},
        {{.term = "xterm-kitty", .has_sixel = yes}, PX_SHOW_TEXT},
        {{.is_terminal = true, .term = "xterm-kitty"}, PX_SHOW_KITTY},
        {{.is_terminal = true, .term = "xterm-256color", .kitty_window = "3"}, PX_SHOW_KITTY},
        {{.is_terminal = true, .term = "screen-256color", .kitty_window = "3"}, PX_SHOW_256},
        {{.is_terminal = true, .term = "tmux", .has_sixel = yes}, PX_SHOW_SIXEL},
        {{.is_terminal = true, .term = "xterm", .term_program = "iTerm.app"}, PX_SHOW_ITERM},
        {{.is_terminal = true, .term = "xterm", .term_program = "WezTerm"}, PX_SHOW_ITERM},
        {{.is_terminal = true, .term = "foot-extra"}, PX_SHOW_SIXEL},
        {{.is_terminal = true, .term = "xterm", .has_sixel = yes}, PX_SHOW_SIXEL},
        {{.is_terminal = true, .term = "xterm", .display = ":0"}, PX_SHOW_256},
        {{.is_terminal = true, .term = "xterm", .display = ":0", .has_opener = true},
         PX_SHOW_VIEWER},
        {{.wayland_display = "wayland-0", .has_opener = true}, PX_SHOW_VIEWER},
        {{.display = "", .has_opener = true}, PX_SHOW_TEXT},
    };
    for (size_t i = 0; i < PX_COUNTOF(cases); i++)
        assert_int_equal(px_show_choose(&cases[i].env), cases[i].way);
}

static void kitty_and_iterm(void **state)
{
    char bytes[5000];
    px_buf png = {0}, out = {0};
    memset(bytes, 'M', sizeof bytes); /* "MMM" is TU1N in base64 */
    px_buf_put(&png, bytes, 4);
    px_iterm_put(&out, &png);
    assert_string_equal(px_buf_cstr(&out), "\x1b]1337;File=inline=1;size=4:TU1NTQ==\a\n");
    out.len = 0;
    px_buf_put(&png, bytes, sizeof bytes - 4);
    px_kitty_put(&out, &png);
    const char *text = px_buf_cstr(&out);
    assert_memory_equal(text, "\x1b_Ga=T,f=100,q=2,m=1;TU1N", 25);
    const char *second = strstr(text + 1, "\x1b_G");
    assert_memory_equal(second, "\x1b_Gm=0;TU1N", 11);
    assert_int_equal(second - text, 21 + 4096 + 2);             /* one full chunk */
    assert_true(px_str_ends(px_buf_str(&out), "TU0=\x1b\\\n")); /* 5000 = 3 * 1666 + 2 */
    px_buf_fini(&png);
    px_buf_fini(&out);
}

/* Reads what was sent as a terminal would, and compares colours with what was asked for. */
static void sixels(void **state)
{
    enum { X = 40, Y = 14 };
    px_rgb in[X * Y], map[PX_COLORMAP_STEPS], colors[256] = {0};
    static px_rgb got[Y + 6][X];
    px_buf out = {0};
    px_colormap_fill(PX_COLORMAP_HEAT, map);
    for (int i = 0; i < X * Y; i++)
        in[i] = i % 7 == 0 ? PX_RGB_PAPER : i % 11 == 0 ? PX_RGB_NAN : map[i * 255 / (X * Y)];
    assert_null(px_sixel_put(&out, in, X, Y));
    const char *p = strstr(px_buf_cstr(&out), "\"1;1;40;14");
    assert_non_null(p);
    p += 10;
    int x = 0, top = 0, color = 0, repeat = 1;
    while (*p != '\x1b') {
        char *end = (char *)(uintptr_t)p + 1;
        if (*p == '#') {
            color = (int)strtol(p + 1, &end, 10);
            if (*end == ';') {
                const unsigned r = (unsigned)strtol(end + 3, &end, 10);
                const unsigned g = (unsigned)strtol(end + 1, &end, 10);
                const unsigned b = (unsigned)strtol(end + 1, &end, 10);
                colors[color] = r * 255 / 100 << 16 | g * 255 / 100 << 8 | b * 255 / 100;
            }
        } else if (*p == '!') {
            repeat = (int)strtol(p + 1, &end, 10);
        } else if (*p == '$') {
            x = 0;
        } else if (*p == '-') {
            x = 0;
            top += 6;
        } else {
            assert_in_range(*p, '?', '~');
            for (; repeat > 0; repeat--, x++)
                for (int bit = 0; bit < 6; bit++)
                    if ((*p - '?') >> bit & 1) {
                        assert_true(x < X && top + bit < Y);
                        got[top + bit][x] = colors[color] | 1u << 24;
                    }
            repeat = 1;
        }
        p = end;
    }
    for (int i = 0; i < X * Y; i++) {
        const px_rgb a = in[i], b = got[i / X][i % X];
        assert_int_equal(b >> 24, 1); /* painted */
        for (int shift = 0; shift <= 16; shift += 8)
            assert_in_range(abs((int)(a >> shift & 255) - (int)(b >> shift & 255)), 0, 14);
        if (a == PX_RGB_PAPER)
            assert_int_equal(b & 0xffffff, PX_RGB_PAPER);
    }
    px_buf_fini(&out);
}

/* Lines are as wide as the terminal and no wider, escapes aside. */
static void check_width(const px_buf *b, int most)
{
    int width = 0;
    for (size_t i = 0; i < b->len; i++) {
        if (b->ptr[i] == '\x1b') {
            while (b->ptr[i] != 'm')
                i++;
        } else if (b->ptr[i] == '\n') {
            assert_true(width <= most);
            width = 0;
        } else if (((uint8_t)b->ptr[i] & 0xc0) != 0x80) {
            width++;
        }
    }
    assert_int_equal(width, 0); /* ends with a newline */
}

static void blocks(void **state)
{
    const px_caption caption = {"y\x1b]0;evil\a", {NULL, NULL}};
    const int64_t dims[] = {3, 20, 30};
    pgy_tensor *t[2] = {NULL};
    px_pair pair;
    px_pair_stats stats;
    for (int i = 0; i < 2; i++) {
        assert_null(px_tensor_new_raw(PGY_DTYPE_F32, 3, dims, &t[i]));
        for (int k = 0; k < 1800; k++)
            ((float *)t[i]->data)[k] = (float)(k % 100) + (i ? (float)(k % 13) * 0.001f : 0);
    }
    ((float *)t[0]->data)[77] = NAN;
    assert_null(px_pair_init(t[0], t[1], false, 1e-5, 1e-5, &pair));
    assert_null(px_pair_stats_of(NULL, &pair, 15, NAN, &stats));
    for (int way = PX_SHOW_TRUE_COLOR; way <= PX_SHOW_TEXT; way++) {
        for (int columns = 20; columns <= 200; columns += 45) {
            px_heatmap map;
            px_error_plot plot;
            px_buf out = {0};
            int x, y;
            px_blocks_area((px_show_way)way, columns, &x, &y);
            assert_null(px_heatmap_init(NULL, &pair, &stats, PX_OF_ABS, x, y, &map));
            assert_null(px_blocks_put_heatmap(&out, (px_show_way)way, &map, &caption));
            assert_non_null(strstr(px_buf_cstr(&out), "NaN"));
            assert_non_null(strstr(px_buf_cstr(&out), "y\\x1b]0;evil\\x07 (3, 20, 30)"));
            assert_true((strchr(px_buf_cstr(&out), '\x1b') == NULL) == (way == PX_SHOW_TEXT));
            check_width(&out, PX_MAX(columns, 110)); /* captions are not cut */
            out.len = 0;
            assert_null(px_error_plot_init(NULL, &pair, &plot));
            assert_null(px_blocks_put_error_plot(&out, (px_show_way)way, columns, &plot, &caption));
            check_width(&out, PX_MAX(columns, 110));
            px_error_plot_fini(&plot);
            px_heatmap_fini(&map);
            px_buf_fini(&out);
        }
    }
    pgy_tensor_free(t[0]);
    pgy_tensor_free(t[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ways), cmocka_unit_test(kitty_and_iterm),
                                       cmocka_unit_test(sixels), cmocka_unit_test(blocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
