/* report/canvas.c - see canvas.h. */
#include "report/canvas.h"

#include "report/cairo_lib.h"
#include "report/font.h"

#include <math.h>

struct px_canvas {
    const px_cairo_lib *lib;
    px_picture_format format;
    cairo_surface_t *surface;
    cairo_t *cr;
    px_buf bytes; /* what an SVG surface has written */
};

const char *px_picture_format_name(px_picture_format format)
{
    return format == PX_PICTURE_SVG ? "svg" : "png";
}

static cairo_status_t append(void *user, const unsigned char *bytes, unsigned int n)
{
    px_buf *b = user;
    px_buf_put(b, bytes, n);
    return b->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

pgy_status *px_canvas_new(px_picture_format format, double width, double height, double scale,
                          px_canvas **out)
{
    pgy_status *st = NULL;
    px_canvas *c = NULL;
    PX_TRY(PX_ALLOC(c, 1));
    PX_TRY(px_cairo_get(&c->lib));
    c->format = format;
    if (format == PX_PICTURE_SVG) {
        c->surface = c->lib->svg_surface_create_for_stream(append, &c->bytes, width, height);
        if (c->lib->surface_status(c->surface) == CAIRO_STATUS_SUCCESS)
            c->lib->svg_surface_set_document_unit(c->surface, CAIRO_SVG_UNIT_PX);
        scale = 1;
    } else {
        c->surface = c->lib->image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * scale),
                                                  (int)ceil(height * scale));
    }
    c->cr = c->lib->create(c->surface);
    c->lib->scale(c->cr, scale, scale);
    px_canvas_rect(c, 0, 0, width, height, PX_RGB_PAPER);
    *out = c;
    c = NULL;
done:
    px_canvas_free(c);
    return st;
}

void px_canvas_free(px_canvas *c)
{
    if (c == NULL)
        return;
    if (c->cr != NULL)
        c->lib->destroy(c->cr);
    if (c->surface != NULL)
        c->lib->surface_destroy(c->surface);
    px_buf_fini(&c->bytes);
    px_mem_free(c);
}

static void set_color(px_canvas *c, px_rgb color)
{
    c->lib->set_source_rgb(c->cr, (color >> 16 & 0xff) / 255.0, (color >> 8 & 0xff) / 255.0,
                           (color & 0xff) / 255.0);
}

void px_canvas_rect(px_canvas *c, double x, double y, double width, double height, px_rgb fill)
{
    set_color(c, fill);
    c->lib->rectangle(c->cr, x, y, width, height);
    c->lib->fill(c->cr);
}

void px_canvas_frame(px_canvas *c, double x, double y, double width, double height, px_rgb color)
{
    set_color(c, color);
    c->lib->set_line_width(c->cr, 1);
    c->lib->rectangle(c->cr, x - 0.5, y - 0.5, width + 1, height + 1);
    c->lib->stroke(c->cr);
}

void px_canvas_line(px_canvas *c, double x0, double y0, double x1, double y1, px_rgb color)
{
    const double at[2][2] = {{x0, y0}, {x1, y1}};
    px_canvas_polyline(c, at, 2, 1, 0, color);
}

void px_canvas_polyline(px_canvas *c, const double (*at)[2], size_t n, double width, double dash,
                        px_rgb color)
{
    bool down = false;
    set_color(c, color);
    c->lib->save(c->cr);
    c->lib->set_line_width(c->cr, width);
    c->lib->set_line_join(c->cr, CAIRO_LINE_JOIN_ROUND);
    if (dash > 0)
        c->lib->set_dash(c->cr, &dash, 1, 0);
    for (size_t i = 0; i < n; i++) {
        if (isnan(at[i][0]) || isnan(at[i][1])) {
            down = false;
            continue;
        }
        if (down)
            c->lib->line_to(c->cr, at[i][0], at[i][1]);
        else
            c->lib->move_to(c->cr, at[i][0], at[i][1]);
        down = true;
    }
    c->lib->stroke(c->cr);
    c->lib->restore(c->cr);
}

/* ---- text ---- */

static void pen_move(void *user, double x, double y)
{
    const px_canvas *c = user;
    c->lib->move_to(c->cr, x, -y);
}

static void pen_line(void *user, double x, double y)
{
    const px_canvas *c = user;
    c->lib->line_to(c->cr, x, -y);
}

static void pen_curve(void *user, const double xy[6])
{
    const px_canvas *c = user;
    c->lib->curve_to(c->cr, xy[0], -xy[1], xy[2], -xy[3], xy[4], -xy[5]);
}

void px_canvas_text(px_canvas *c, double x, double y, const px_text_style *style, px_str text)
{
    const px_pen pen = {pen_move, pen_line, pen_curve, c};
    const double part = style->anchor == PX_ANCHOR_START    ? 0
                        : style->anchor == PX_ANCHOR_MIDDLE ? 0.5
                                                            : 1;
    c->lib->save(c->cr);
    c->lib->translate(c->cr, x, y);
    if (style->upwards)
        c->lib->rotate(c->cr, -3.14159265358979323846 / 2);
    c->lib->translate(c->cr, -part * px_font_width(text, style->size), 0);
    set_color(c, style->color);
    c->lib->set_line_width(c->cr, px_font_weight(style->size, style->bold));
    c->lib->set_line_cap(c->cr, CAIRO_LINE_CAP_ROUND);
    c->lib->set_line_join(c->cr, CAIRO_LINE_JOIN_ROUND);
    c->lib->new_path(c->cr);
    (void)px_font_draw(text, style->size, &pen);
    c->lib->stroke(c->cr);
    c->lib->restore(c->cr);
}

/* Last whole character that ends at or before `n`. */
static size_t char_end(px_str text, size_t n)
{
    while (n > 0 && n < text.len && ((uint8_t)text.ptr[n] & 0xc0) == 0x80)
        n--;
    return n;
}

void px_text_fit(px_buf *out, px_str text, double size, double width)
{
    if (px_font_width(text, size) <= width) {
        px_buf_putstr(out, text);
        return;
    }
    const double room = width - px_font_width(PX_STR("\u2026"), size);
    size_t low = 0, high = text.len; /* low bytes fit */
    while (low + 1 < high) {
        const size_t mid = (low + high) / 2;
        if (px_font_width((px_str){text.ptr, char_end(text, mid)}, size) <= room)
            low = mid;
        else
            high = mid;
    }
    px_buf_put(out, text.ptr, char_end(text, low));
    px_buf_puts(out, "\u2026");
}

/* ---- pixels ---- */

void px_canvas_image(px_canvas *c, double x, double y, double width, double height,
                     const px_rgb *pixels, int n_x, int n_y)
{
    if (n_x <= 0 || n_y <= 0)
        return;
    /* RGB24 is a native 32-bit word with an unused top byte, which is what px_rgb is; rows of
     * 32-bit pixels need no padding. The cast drops a const that cairo does not know. */
    cairo_surface_t *image = c->lib->image_surface_create_for_data(
        (unsigned char *)(uintptr_t)pixels, CAIRO_FORMAT_RGB24, n_x, n_y, 4 * n_x);
    c->lib->save(c->cr);
    c->lib->translate(c->cr, x, y);
    c->lib->scale(c->cr, width / n_x, height / n_y);
    c->lib->set_source_surface(c->cr, image, 0, 0);
    c->lib->pattern_set_filter(c->lib->get_source(c->cr), CAIRO_FILTER_NEAREST);
    c->lib->paint(c->cr);
    c->lib->restore(c->cr);
    if (c->format == PX_PICTURE_SVG)
        c->lib->surface_flush(c->surface); /* before the caller's pixels go */
    c->lib->surface_destroy(image);
}

/* The top byte of a pixel is whatever cairo left there. */
static void put_pixels(px_canvas *c, px_buf *out)
{
    c->lib->surface_flush(c->surface);
    const int size[2] = {c->lib->image_surface_get_width(c->surface),
                         c->lib->image_surface_get_height(c->surface)};
    const int stride = c->lib->image_surface_get_stride(c->surface);
    const unsigned char *data = c->lib->image_surface_get_data(c->surface);
    px_buf_put(out, size, sizeof size);
    for (int y = 0; y < size[1]; y++)
        px_buf_put(out, data + (size_t)y * (size_t)stride, (size_t)size[0] * sizeof(px_rgb));
}

/* Cairo's SVG does not say that pixels have edges, and a viewer that has more pixels than the page
 * blurs a lone one away. One that has fewer shall blend them: it would drop some otherwise. */
static void put_svg(const px_buf *svg, px_buf *out)
{
    static const char style[] =
        "\n<style>@media (min-resolution: 1.2dppx) {image {image-rendering: pixelated}}</style>";
    const px_str text = px_buf_str(svg);
    size_t head = 0; /* up to the end of the root's tag */
    while (head + 4 < text.len && memcmp(text.ptr + head, "<svg", 4) != 0)
        head++;
    while (head < text.len && text.ptr[head] != '>')
        head++;
    head = PX_MIN(head + 1, text.len);
    px_buf_put(out, text.ptr, head);
    px_buf_puts(out, style);
    px_buf_put(out, text.ptr + head, text.len - head);
}

pgy_status *px_canvas_finish(px_canvas *c, px_buf *out)
{
    cairo_status_t status = c->lib->status(c->cr);
    if (status == CAIRO_STATUS_SUCCESS && c->format == PX_PICTURE_PNG)
        status = c->lib->surface_write_to_png_stream(c->surface, append, &c->bytes);
    if (c->format == PX_PICTURE_SVG) {
        c->lib->surface_finish(c->surface);
        if (status == CAIRO_STATUS_SUCCESS)
            status = c->lib->surface_status(c->surface);
    }
    if (status == CAIRO_STATUS_SUCCESS && c->format == PX_PICTURE_PIXELS)
        put_pixels(c, &c->bytes);
    if (c->bytes.failed || status == CAIRO_STATUS_NO_MEMORY)
        return px_status_nomem();
    if (status != CAIRO_STATUS_SUCCESS)
        return PX_FAIL(PGY_ERR_IO, "The picture could not be drawn: %s",
                       c->lib->status_to_string(status));
    if (c->format == PX_PICTURE_SVG)
        put_svg(&c->bytes, out);
    else
        px_buf_put(out, c->bytes.ptr, c->bytes.len);
    return px_buf_status(out);
}
