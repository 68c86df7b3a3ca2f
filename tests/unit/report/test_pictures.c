/* Pictures: layout, reduction, scales, colours, files. */
#include "report/canvas.h"
#include "report/error_plot.h"
#include "report/font.h"
#include "report/heatmap.h"
#include "report/pictures.h"

#include "base/log.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void ok(pgy_status *st)
{
    if (st != NULL)
        print_error("%s\n", pgy_status_message(st));
    assert_null(st);
}

/* ---- colours ---- */

static void colours_are_even(void **state)
{
    px_rgb c[PX_COLORMAP_STEPS];
    for (int map = PX_COLORMAP_HEAT; map <= PX_COLORMAP_INK; map++) {
        px_colormap_fill((px_colormap)map, c);
        const double first = px_rgb_lightness(c[0]), last = px_rgb_lightness(c[255]);
        const double step = (last - first) / 255;
        assert_true(fabs(last - first) > 0.6);
        for (int i = 0; i < PX_COLORMAP_STEPS; i++) {
            /* Bytes round: 1/2 of 255 in the darkest green is 0.006 of lightness. */
            assert_true(fabs(px_rgb_lightness(c[i]) - (first + step * i)) < 0.01);
            assert_true(c[i] != PX_RGB_NAN && c[i] != PX_RGB_INF && c[i] != PX_RGB_ZERO);
        }
        for (int i = 4; i < PX_COLORMAP_STEPS; i++)
            assert_true((px_rgb_lightness(c[i]) - px_rgb_lightness(c[i - 4])) * step > 0);
    }
}

/* ---- scales ---- */

static void check_ticks(px_scale s, int most, int n, const char *const *labels)
{
    px_tick t[PX_MAX_TICKS];
    assert_int_equal(px_scale_ticks(&s, most, t), n);
    for (int i = 0; i < n; i++) {
        assert_string_equal(t[i].label, labels[i]);
        const double at = px_scale_at(&s, t[i].value);
        assert_true(at >= -1e-6 && at <= 1 + 1e-6);
        assert_true(fabs(px_scale_value(&s, at) - t[i].value) <= 1e-9 * fabs(t[i].value) + 1e-12);
    }
}

static void ticks_are_round(void **state)
{
    check_ticks((px_scale){0, 1, false, false}, 6, 6,
                (const char *[]){"0", "0.2", "0.4", "0.6", "0.8", "1"});
    check_ticks((px_scale){0, 0.0137, false, false}, 4, 3, (const char *[]){"0", "0.005", "0.01"});
    check_ticks((px_scale){2e-5, 40, true, false}, 9, 6,
                (const char *[]){"0.0001", "0.001", "0.01", "0.1", "1", "10"});
    check_ticks((px_scale){1e-12, 1, true, false}, 5, 5,
                (const char *[]){"1e-12", "1e-09", "1e-06", "0.001", "1"});
    check_ticks((px_scale){0.3, 6, true, false}, 6, 4, (const char *[]){"0.5", "1", "2", "5"});
    /* Within one decade and no round value but one: linear steps. */
    check_ticks((px_scale){1.1, 1.9, true, false}, 5, 4,
                (const char *[]){"1.2", "1.4", "1.6", "1.8"});
    check_ticks((px_scale){3.2e-6, 4e-3, true, true}, 9, 4,
                (const char *[]){"\u22643.2e-06", "1e-05", "0.0001", "0.001"});
    check_ticks((px_scale){9.5e-6, 4e-3, true, true}, 9, 3,
                (const char *[]){"\u22649.5e-06", "0.0001", "0.001"});
    check_ticks((px_scale){0, 100000, false, false}, 3, 3,
                (const char *[]){"0", "50000", "100000"});
}

static void index_ticks(void **state)
{
    int64_t t[PX_MAX_TICKS];
    assert_int_equal(px_index_ticks(1, 5, t), 1);
    assert_int_equal(px_index_ticks(4, 5, t), 4);
    assert_int_equal(px_index_ticks(1200, 12, t), 12);
    assert_int_equal(t[11], 1100);
    assert_int_equal(px_index_ticks((int64_t)1 << 40, 7, t), 6);
    assert_int_equal(t[1], 200000000000);
    assert_int_equal(px_index_ticks(7, 1, t), 1);
}

/* ---- layout ---- */

/* What always holds. */
static px_tiles lay(int rank, const int64_t *dims, int x, int y)
{
    px_tiles t;
    px_tiles_layout(rank, dims, x, y, &t);
    assert_true(t.size_x >= 1 && t.size_x <= x && t.size_y >= 1 && t.size_y <= y);
    assert_true(t.cells_x >= 1 && t.cells_x <= t.tile_x && t.cells_x <= t.width);
    assert_true(t.cells_y >= 1 && t.cells_y <= t.tile_y && t.cells_y <= t.height);
    assert_true(t.n * t.width * t.height >= t.count);
    assert_true((int64_t)t.columns * t.rows >= t.n);
    return t;
}

static void layouts(void **state)
{
    const int64_t scalar[1] = {0};
    px_tiles t = lay(0, scalar, PX_AREA_X, PX_AREA_Y);
    assert_int_equal(t.count, 1);
    t = lay(4, (int64_t[]){2, 20, 8, 8}, PX_AREA_X, PX_AREA_Y);
    assert_int_equal(t.view, PX_VIEW_TILES);
    assert_int_equal(t.n, 40);
    assert_true(t.labelled && 20 % t.columns == 0);
    t = lay(3, (int64_t[]){1, 1000000, 1}, PX_AREA_X, PX_AREA_Y);
    assert_int_equal(t.view, PX_VIEW_FOLDED);
    t = lay(3, (int64_t[]){100000, 4, 4}, PX_AREA_X, PX_AREA_Y);
    assert_int_equal(t.view, PX_VIEW_ROWS);
    assert_int_equal(t.width, 16);
    t = lay(2, (int64_t[]){3, 8400}, PX_AREA_X, PX_AREA_Y);
    assert_true(t.tile_y >= 30); /* a thin band is stretched */
    /* Anything: also on a terminal, and at sizes of one. */
    uint32_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        int64_t dims[8];
        const int rank = i % 8;
        for (int k = 0; k < rank; k++) {
            seed = seed * 1664525u + 1013904223u;
            dims[k] = (seed >> 8) % 5 == 0 ? 1 + (seed >> 12) % 3000 : 1 + (seed >> 12) % 9;
        }
        (void)lay(rank, dims, PX_AREA_X, PX_AREA_Y);
        (void)lay(rank, dims, 78, 40);
        (void)lay(rank, dims, 4, 4);
    }
}

/* ---- heat maps ---- */

typedef struct made {
    pgy_tensor *a, *b;
    px_pair pair;
    px_pair_stats stats;
} made;

static void make(made *m, pgy_dtype dtype, int rank, const int64_t *dims)
{
    ok(px_tensor_new_raw(dtype, rank, dims, &m->a));
    ok(px_tensor_new_raw(dtype, rank, dims, &m->b));
    memset(m->a->data, 0, m->a->size);
    memset(m->b->data, 0, m->b->size);
}

static void measure(pgy_context *cx, made *m)
{
    ok(px_pair_init(m->a, m->b, false, 1e-5, 1e-5, &m->pair));
    ok(px_pair_stats_of(cx, &m->pair, 15, NAN, &m->stats));
}

static void unmake(made *m)
{
    pgy_tensor_free(m->a);
    pgy_tensor_free(m->b);
}

static bool has_color(const px_heatmap *map, px_rgb color)
{
    px_rgb *pixels = NULL;
    bool found = false;
    ok(px_heatmap_pixels(map, PX_RGB_PAPER, &pixels));
    for (int i = 0; i < map->tiles.size_x * map->tiles.size_y; i++)
        found = found || pixels[i] == color;
    px_mem_free(pixels);
    return found;
}

static void one_outlier_stays(void **state)
{
    pgy_context *cx = NULL;
    made m;
    px_heatmap map;
    px_rgb colors[PX_COLORMAP_STEPS];
    px_colormap_fill(PX_COLORMAP_HEAT, colors);
    ok(pgy_context_new(&cx));
    make(&m, PGY_DTYPE_F32, 3, (int64_t[]){2, 400, 1001});
    float *a = m.a->data;
    for (int64_t at = 0; at < m.a->count; at += 87001) {
        a[at] = -3;
        measure(cx, &m);
        ok(px_heatmap_init(cx, &m.pair, &m.stats, PX_OF_ABS, PX_AREA_X, PX_AREA_Y, &map));
        assert_true(map.scale.high == 3 && has_color(&map, colors[255]));
        assert_true(map.tiles.cells_x < 1001);
        px_heatmap_fini(&map);
        a[at] = 0;
    }
    /* NaN above infinity above numbers, whatever its sign, wherever it is. */
    a[5] = -NAN;
    a[6] = INFINITY;
    a[200000] = INFINITY;
    a[300000] = 2;
    measure(cx, &m);
    ok(px_heatmap_init(cx, &m.pair, &m.stats, PX_OF_ABS, 60, 40, &map));
    assert_true(has_color(&map, PX_RGB_NAN) && has_color(&map, PX_RGB_INF));
    assert_true(map.scale.high == 2 && has_color(&map, colors[255]));
    px_heatmap_fini(&map);
    unmake(&m);
    pgy_context_free(cx);
}

/* A maximum that is a dot is ringed: what the ring changes has the dot in its middle. */
static void a_dot_is_ringed(void **state)
{
    const px_caption caption = {"y", {NULL, NULL}};
    px_rgb colors[PX_COLORMAP_STEPS];
    px_buf with = {0}, without = {0};
    px_heatmap map;
    made m;
    int size[2], left = INT_MAX, right = 0, top = INT_MAX, bottom = 0;
    px_colormap_fill(PX_COLORMAP_HEAT, colors);
    make(&m, PGY_DTYPE_F32, 3, (int64_t[]){8, 256, 256});
    ((float *)m.a->data)[(5 * 256 + 175) * 256 + 83] = 3;
    measure(NULL, &m);
    ok(px_heatmap_init(NULL, &m.pair, &m.stats, PX_OF_ABS, PX_AREA_X, PX_AREA_Y, &map));
    ok(px_heatmap_render(&map, &caption, PX_PICTURE_PIXELS, 1, &with));
    map.stats.min = map.stats.max; /* all the same: nothing to ring */
    ok(px_heatmap_render(&map, &caption, PX_PICTURE_PIXELS, 1, &without));
    assert_int_equal(with.len, without.len);
    memcpy(size, with.ptr, sizeof size);
    const px_rgb *a = (const px_rgb *)(const void *)(with.ptr + sizeof size);
    const px_rgb *b = (const px_rgb *)(const void *)(without.ptr + sizeof size);
    for (int y = 75; y < size[1] - 40; y++) /* below the caption, above the legend */
        for (int x = 0; x < size[0]; x++)
            if (((a[y * size[0] + x] ^ b[y * size[0] + x]) & 0xffffff) != 0) {
                left = PX_MIN(left, x);
                right = PX_MAX(right, x);
                top = PX_MIN(top, y);
                bottom = PX_MAX(bottom, y);
            }
    assert_in_range(right - left, 14, 20);
    assert_in_range(bottom - top, 14, 20);
    bool found = false;
    for (int y = (top + bottom) / 2 - 1; y <= (top + bottom) / 2 + 1; y++)
        for (int x = (left + right) / 2 - 1; x <= (left + right) / 2 + 1; x++)
            found = found || (a[y * size[0] + x] & 0xffffff) == colors[255];
    assert_true(found);
    px_buf_fini(&with);
    px_buf_fini(&without);
    px_heatmap_fini(&map);
    unmake(&m);
}

/* Cells are the maximum of the elements that belong to them, for any threads. */
static void cells_are_maxima(void **state)
{
    const int64_t dims[] = {3, 37, 53};
    pgy_context *cx = NULL;
    made m;
    px_heatmap map;
    ok(pgy_context_new(&cx));
    pgy_context_set_threads(cx, 4);
    make(&m, PGY_DTYPE_F64, 3, dims);
    double *a = m.a->data;
    for (int64_t i = 0; i < m.a->count; i++)
        a[i] = (double)((i * 7919) % 5881) * 1e-3;
    measure(cx, &m);
    ok(px_heatmap_init(cx, &m.pair, &m.stats, PX_OF_ABS, 60, 30, &map));
    const px_tiles *t = &map.tiles;
    assert_int_equal(t->view, PX_VIEW_TILES);
    float *wanted = calloc((size_t)(t->n * t->cells_x * t->cells_y), sizeof *wanted);
    for (int64_t i = 0; i < m.a->count; i++) {
        const int64_t tile = i / (37 * 53), y = i / 53 % 37, x = i % 53;
        float *cell =
            &wanted[(tile * t->cells_y + y * t->cells_y / 37) * t->cells_x + x * t->cells_x / 53];
        *cell = fmaxf(*cell, (float)a[i]);
    }
    assert_memory_equal(map.cells, wanted, (size_t)(t->n * t->cells_x * t->cells_y) * 4);
    free(wanted);
    px_heatmap_fini(&map);
    unmake(&m);
    pgy_context_free(cx);
}

/* Errors that float32 cannot hold are neither zero nor infinite. */
static void doubles_keep_their_kind(void **state)
{
    made m;
    px_heatmap map;
    make(&m, PGY_DTYPE_F64, 1, (int64_t[]){4});
    ((double *)m.a->data)[0] = 1e-300;
    ((double *)m.a->data)[1] = 1e300;
    measure(NULL, &m);
    ok(px_heatmap_init(NULL, &m.pair, &m.stats, PX_OF_ABS, PX_AREA_X, PX_AREA_Y, &map));
    assert_true(map.cells[0] == 1 && map.cells[2] == 0);
    assert_true(map.scale.is_log && isfinite(map.scale.high) && !has_color(&map, PX_RGB_INF));
    px_heatmap_fini(&map);
    unmake(&m);
}

/* ---- files ---- */

static uint32_t big_endian(const char *p)
{
    const uint8_t *u = (const uint8_t *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static void check_png(const px_buf *b, uint32_t *out_x, uint32_t *out_y)
{
    assert_true(b->len > 100 && memcmp(b->ptr, "\x89PNG\r\n\x1a\n", 8) == 0);
    *out_x = big_endian(b->ptr + 16);
    *out_y = big_endian(b->ptr + 20);
    assert_memory_equal(b->ptr + b->len - 8, "IEND", 4);
}

static void render_all(made *m, const char *name)
{
    const px_caption caption = {name, {"runner-0", "runner-1"}};
    px_heatmap map;
    px_error_plot plot;
    uint32_t x1, y1, x2, y2;
    measure(NULL, m);
    for (int which = PX_OF_ABS; which <= PX_OF_REL; which++) {
        px_buf one = {0}, two = {0}, svg = {0};
        ok(px_heatmap_init(NULL, &m->pair, &m->stats, (px_which)which, PX_AREA_X, PX_AREA_Y, &map));
        assert_true(map.scale.low < map.scale.high);
        ok(px_heatmap_render(&map, &caption, PX_PICTURE_PNG, 1, &one));
        check_png(&one, &x1, &y1);
        assert_true(x1 <= 1200 && y1 <= 800);
        if (m->pair.count == 300) { /* once is enough */
            ok(px_heatmap_render(&map, &caption, PX_PICTURE_PNG, 2, &two));
            check_png(&two, &x2, &y2);
            assert_true(x2 == 2 * x1 && y2 == 2 * y1);
        }
        ok(px_heatmap_render(&map, &caption, PX_PICTURE_SVG, 1, &svg));
        assert_true(strstr(px_buf_cstr(&svg), "<svg") != NULL);
        assert_true(strstr(px_buf_cstr(&svg), ">\n<style>@media") != NULL); /* sharp edges */
        assert_true(px_str_ends(px_str_trim(px_buf_str(&svg)), "</svg>"));
        px_buf_fini(&one);
        px_buf_fini(&two);
        px_buf_fini(&svg);
        px_heatmap_fini(&map);
    }
    px_buf png = {0};
    ok(px_error_plot_init(NULL, &m->pair, &plot));
    ok(px_error_plot_render(&plot, &caption, PX_PICTURE_PNG, 1, &png));
    check_png(&png, &x1, &y1);
    uint64_t sum[2] = {0};
    for (int i = 0; i < 2; i++)
        for (int c = 0; c < (plot.n_x + 1) * (plot.n_y + 1); c++)
            sum[i] += plot.panel[i].counts[c];
    assert_int_equal(sum[0], plot.count - plot.n_left_out); /* every pair is in a cell */
    assert_int_equal(sum[1], sum[0]);
    px_error_plot_fini(&plot);
    px_buf_fini(&png);
}

static void odd_tensors(void **state)
{
    static const pgy_dtype types[] = {PGY_DTYPE_F32, PGY_DTYPE_BOOL, PGY_DTYPE_I64, PGY_DTYPE_F16,
                                      PGY_DTYPE_U8};
    static const struct {
        int rank;
        int64_t dims[8];
    } shapes[] = {{0, {0}},       {1, {1}},       {1, {300}}, {6, {2, 1, 2, 2, 3, 4}},
                  {2, {1, 5000}}, {3, {7, 40, 2}}};
    for (size_t t = 0; t < PX_COUNTOF(types); t++)
        for (size_t s = 0; s < PX_COUNTOF(shapes); s++) {
            if (t > 0 && s != 2) /* shapes and types meet in one shape */
                continue;
            made m;
            make(&m, types[t], shapes[s].rank, shapes[s].dims);
            render_all(&m, "all zero"); /* no error anywhere */
            memset(m.a->data, 1, m.a->size);
            render_all(&m, "a/b:\xe4\xb8\xad \xff\xf0\x90");
            unmake(&m);
        }
    made m;
    make(&m, PGY_DTYPE_F32, 2, (int64_t[]){20, 20});
    for (int i = 0; i < 400; i++)
        ((float *)m.a->data)[i] = NAN;
    render_all(&m, "all NaN");
    for (int i = 0; i < 400; i++)
        ((float *)m.a->data)[i] = i % 3 ? INFINITY : 1e30f;
    render_all(&m, "");
    unmake(&m);
}

/* Half of the errors are 0.01, a hundredth is 1, the rest zero: the lines are where they must be.
 */
static void quantiles(void **state)
{
    made m;
    px_error_plot plot;
    make(&m, PGY_DTYPE_F32, 1, (int64_t[]){10000});
    for (int i = 0; i < 10000; i++) {
        ((float *)m.b->data)[i] = 4;
        ((float *)m.a->data)[i] = 4 + (i % 100 == 0 ? 1.0f : i % 2 ? 0.0f : 0.01f);
    }
    measure(NULL, &m);
    ok(px_error_plot_init(NULL, &m.pair, &plot));
    assert_int_equal(plot.n_zero, 5000);
    int column = 1;
    while (isnan(px_error_plot_quantile(&plot, 0, column, 0.5)))
        column++;
    assert_true(px_error_plot_quantile(&plot, 0, column, 0.4) == 0);
    const double cell = pow(plot.panel[0].y.high / plot.panel[0].y.low, 1.0 / plot.n_y);
    const double p90 = px_error_plot_quantile(&plot, 0, column, 0.9);
    assert_true(p90 >= 0.01 / cell && p90 <= 0.01 * cell);
    const double p995 = px_error_plot_quantile(&plot, 0, column, 0.995);
    assert_true(p995 >= 1 / cell && p995 <= 1.001);
    px_error_plot_fini(&plot);
    unmake(&m);
}

static void empty_is_said(void **state)
{
    made m;
    px_heatmap map;
    px_error_plot plot;
    make(&m, PGY_DTYPE_F32, 2, (int64_t[]){0, 3});
    measure(NULL, &m);
    pgy_status *st = px_heatmap_init(NULL, &m.pair, &m.stats, PX_OF_ABS, 10, 10, &map);
    assert_int_equal(pgy_status_code(st), PGY_ERR_USAGE);
    pgy_status_free(st);
    st = px_error_plot_init(NULL, &m.pair, &plot);
    assert_int_equal(pgy_status_code(st), PGY_ERR_USAGE);
    pgy_status_free(st);
    unmake(&m);
}

/* ---- text ---- */

static void text_is_cut(void **state)
{
    px_buf b = {0};
    px_text_fit(&b, PX_STR("short"), 12, 1000);
    assert_string_equal(px_buf_cstr(&b), "short");
    b.len = 0;
    px_text_fit(&b, PX_STR("a name far too long for this"), 12, 60);
    assert_true(px_str_ends(px_buf_str(&b), "\u2026") && b.len < 20);
    assert_true(px_font_width(px_buf_str(&b), 12) <= 60);
    px_buf_fini(&b);
    /* Tabular digits; what the font lacks is spelled out. */
    assert_true(px_font_width(PX_STR("111"), 10) == px_font_width(PX_STR("808"), 10));
    assert_true(px_font_width(PX_STR("\xe4\xb8\xad"), 10) == px_font_width(PX_STR("\\u4e2d"), 10));
}

static void names(void **state)
{
    made m;
    px_buf b = {0}, longer = {0};
    make(&m, PGY_DTYPE_F32, 4, (int64_t[]){2, 3, 4, 5});
    ((float *)m.a->data)[3] = 1;
    measure(NULL, &m);
    px_heatmap_file_name(&b, PX_OF_REL, "c/d", &m.pair, &m.stats.of[PX_OF_REL]);
    assert_string_equal(px_buf_cstr(&b),
                        "Relative Error | c_d (Log Scale): (0,0,0:4,0:5) to (1,2,0:4,0:5)");
    b.len = 0;
    char name[601];
    memset(name, 'x', 600);
    name[600] = '\0';
    px_heatmap_file_name(&b, PX_OF_ABS, name, &m.pair, &m.stats.of[PX_OF_ABS]);
    name[300] = 'y';
    px_heatmap_file_name(&longer, PX_OF_ABS, name, &m.pair, &m.stats.of[PX_OF_ABS]);
    assert_true(b.len <= 200 && longer.len == b.len);
    assert_string_not_equal(px_buf_cstr(&b), px_buf_cstr(&longer));
    px_buf_fini(&b);
    px_buf_fini(&longer);
    unmake(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_are_even),
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(index_ticks),
        cmocka_unit_test(layouts),
        cmocka_unit_test(one_outlier_stays),
        cmocka_unit_test(a_dot_is_ringed),
        cmocka_unit_test(cells_are_maxima),
        cmocka_unit_test(doubles_keep_their_kind),
        cmocka_unit_test(odd_tensors),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(empty_is_said),
        cmocka_unit_test(text_is_cut),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
