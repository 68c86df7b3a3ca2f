/* report/layers_text.c - layers as a table for people. */
#include "report/layers.h"

#include "base/fmt.h"
#include "base/tensor.h"
#include "report/wrap.h"

#define MAX_ROWS 20   /* as many layers are shown whole */
#define ROWS_BEFORE 3 /* of a longer list: around the first failure */
#define ROWS_AFTER 6
#define MAX_TEXT 36 /* columns of a name */

enum {
    COL_POSITION,
    COL_OPERATOR,
    COL_NODE,
    COL_OUTPUT,
    COL_SHAPE,
    COL_ABS,
    COL_REL,
    COL_ULP,
    COL_OWN_ABS,
    COL_OWN_REL,
    COL_OWN_ULP,
    COL_VERDICT,
    N_COLUMNS
};

static const char *const headings[N_COLUMNS] = {"#",       "Operator", "Node",    "Output",
                                                "Shape",   "Max abs",  "Max rel", "ULP",
                                                "Own abs", "Own rel",  "Own ULP", "Verdict"};

static bool is_number(int column)
{
    return column == COL_POSITION || (column >= COL_ABS && column <= COL_OWN_ULP);
}

/* Long names keep their end, which is what tells them apart. */
static void put_name(px_buf *b, px_str name)
{
    if (name.len > MAX_TEXT) {
        px_buf_puts(b, "...");
        name.ptr += name.len - (MAX_TEXT - 3);
        name.len = MAX_TEXT - 3;
        while (name.len > 0 && ((unsigned char)*name.ptr & 0xc0) == 0x80) { /* inside a character */
            name.ptr++;
            name.len--;
        }
    }
    px_buf_putstr(b, name.len > 0 ? name : PX_STR("-"));
}

static void put_error(px_buf *b, const px_layer_error *e, int column)
{
    if (!e->given || (column == 2 && !e->has_ulp))
        px_buf_putc(b, '-');
    else if (column == 2)
        px_buf_printf(b, "%llu", (unsigned long long)e->max_ulp);
    else
        px_fmt_g(b, column == 0 ? e->max_abs : e->max_rel, 4);
}

static void put_verdict(px_buf *b, const px_layer *layer)
{
    px_buf_puts(b, layer->error.passed ? "PASSED" : "FAILED");
    if (layer->own.given && layer->own.passed != layer->error.passed)
        px_buf_puts(b, layer->own.passed ? ", own error PASSED" : ", own error FAILED");
    if (layer->of[0].n_nan + layer->of[1].n_nan > 0)
        px_buf_puts(b, ", NaN");
    if (layer->of[0].n_inf + layer->of[1].n_inf > 0)
        px_buf_puts(b, ", infinity");
}

static void put_cell(px_buf *b, const px_layer *layer, int column)
{
    switch (column) {
    case COL_POSITION:
        px_buf_printf(b, "%zu", layer->position);
        break;
    case COL_OPERATOR:
        px_buf_putstr(b, layer->node->op_type);
        break;
    case COL_NODE:
        put_name(b, layer->node->name);
        break;
    case COL_OUTPUT:
        put_name(b, px_str_of(layer->output));
        break;
    case COL_SHAPE:
        if (layer->rank >= 0)
            px_shape_print(b, layer->rank, layer->dims);
        else
            px_buf_putc(b, '-');
        break;
    case COL_VERDICT:
        put_verdict(b, layer);
        break;
    default:
        if (column >= COL_OWN_ABS)
            put_error(b, &layer->own, column - COL_OWN_ABS);
        else
            put_error(b, &layer->error, column - COL_ABS);
    }
}

static void put_padded(px_buf *b, px_str text, size_t width, bool right)
{
    const size_t blanks = width - PX_MIN(width, px_text_width(text));
    if (right)
        px_buf_pad(b, ' ', blanks);
    px_buf_putstr(b, text);
    if (!right)
        px_buf_pad(b, ' ', blanks);
}

static bool is_shown(const px_layers *layers, int column)
{
    return layers->has_own || column < COL_OWN_ABS || column > COL_OWN_ULP;
}

/* A line of cells; of headings when `layer` is NULL. */
static void put_row(px_buf *b, const px_layers *layers, const px_layer *layer,
                    const size_t widths[N_COLUMNS])
{
    px_buf cell = {0};
    px_buf_puts(b, "\n   ");
    for (int c = 0; c < N_COLUMNS; c++) {
        if (!is_shown(layers, c))
            continue;
        cell.len = 0;
        if (layer)
            put_cell(&cell, layer, c);
        else
            px_buf_puts(&cell, headings[c]);
        px_buf_putc(b, ' ');
        if (c == COL_VERDICT)
            px_buf_putstr(b, px_buf_str(&cell));
        else
            put_padded(b, px_buf_str(&cell), widths[c], is_number(c));
        px_buf_puts(b, c == COL_VERDICT ? "" : " ");
    }
    b->failed |= cell.failed;
    px_buf_fini(&cell);
}

static void put_rows(px_buf *b, const px_layers *layers, size_t first, size_t end)
{
    size_t widths[N_COLUMNS];
    px_buf cell = {0};
    for (int c = 0; c < N_COLUMNS; c++) {
        widths[c] = strlen(headings[c]);
        for (size_t i = first; i < end; i++) {
            cell.len = 0;
            put_cell(&cell, &layers->at[i], c);
            widths[c] = PX_MAX(widths[c], px_text_width(px_buf_str(&cell)));
        }
    }
    px_buf_fini(&cell);
    put_row(b, layers, NULL, widths);
    for (size_t i = first; i < end; i++)
        put_row(b, layers, &layers->at[i], widths);
}

/* The layer with the largest absolute error; NULL when none has numbers. */
static const px_layer *largest(const px_layers *layers)
{
    const px_layer *best = NULL;
    for (size_t i = 0; i < layers->n; i++) {
        const px_layer *layer = &layers->at[i];
        if (layer->error.given && (!best || !(layer->error.max_abs <= best->error.max_abs)))
            best = layer;
    }
    return best;
}

static void put_title(px_buf *b, const px_layers *layers)
{
    const px_layer *most = largest(layers);
    px_buf_printf(b, "Layers | %s vs. %s | %zu in the graph's order, ", layers->runner[0],
                  layers->runner[1], layers->n);
    if (layers->n_failed > 0)
        px_buf_printf(b, "%zu beyond tolerance", layers->n_failed);
    else
        px_buf_puts(b, "all within tolerance");
    if (most) {
        px_buf_puts(b, " | Largest error: ");
        px_fmt_g(b, most->error.max_abs, 4);
        px_buf_puts(b, " in ");
        px_buf_repr(b, px_str_of(most->output));
    }
}

void px_layers_print(px_buf *b, const px_layers *layers, bool brief)
{
    size_t first = 0, end = layers->n;
    put_title(b, layers);
    if (brief && layers->n > MAX_ROWS) {
        const size_t at =
            layers->first_failed != PX_NO_LAYER ? layers->first_failed : layers->first_bad;
        if (at == PX_NO_LAYER)
            return;
        first = at - PX_MIN(at, (size_t)ROWS_BEFORE);
        end = PX_MIN(layers->n, at + 1 + ROWS_AFTER);
    }
    put_rows(b, layers, first, end);
    if (end - first < layers->n)
        px_buf_printf(b, "\n    (%zu of %zu layers; -v shows all)", end - first, layers->n);
}

/* --- one layer --- */

static void put_range(px_buf *b, const px_layer_range *r)
{
    if (!r->known) {
        px_buf_puts(b, "not known");
        return;
    }
    px_buf_putc(b, '[');
    px_fmt_g(b, r->min, 5);
    px_buf_puts(b, ", ");
    px_fmt_g(b, r->max, 5);
    px_buf_putc(b, ']');
    if (r->n_nan > 0)
        px_buf_printf(b, " with %lld NaN", (long long)r->n_nan);
    if (r->n_inf > 0)
        px_buf_printf(b, "%s %lld infinite", r->n_nan > 0 ? " and" : " with", (long long)r->n_inf);
}

static void put_ranges(px_buf *b, const px_layer_range of[2], bool is_shared)
{
    put_range(b, &of[0]);
    if (is_shared)
        return;
    px_buf_puts(b, " and ");
    put_range(b, &of[1]);
}

static void put_one_error(px_buf *b, const char *title, const px_layer_error *e)
{
    if (!e->given)
        return;
    px_buf_printf(b, "\n    %s: max abs ", title);
    px_fmt_g(b, e->max_abs, 5);
    px_buf_puts(b, ", max rel ");
    px_fmt_g(b, e->max_rel, 5);
    if (e->has_ulp)
        px_buf_printf(b, ", max ULP %llu", (unsigned long long)e->max_ulp);
    px_buf_puts(b, e->passed ? " | PASSED" : " | FAILED");
}

void px_layers_print_one(px_buf *b, const px_layers *layers, const px_layer *layer,
                         const px_layer_input *inputs, size_t n)
{
    px_buf_printf(b, "#%zu %.*s", layer->position, PX_STR_ARG(layer->node->op_type));
    if (layer->node->name.len > 0) {
        px_buf_putc(b, ' ');
        px_buf_repr(b, layer->node->name);
    }
    px_buf_puts(b, " gives ");
    px_buf_repr(b, px_str_of(layer->output));
    if (layer->rank >= 0) {
        px_buf_puts(b, " of shape ");
        px_shape_print(b, layer->rank, layer->dims);
    }
    put_one_error(b, layers->has_own ? "Accumulated error" : "Error", &layer->error);
    put_one_error(b, "Own error", &layer->own);
    px_buf_puts(b, "\n    Values: ");
    put_ranges(b, layer->of, false);
    for (size_t i = 0; i < n; i++) {
        px_buf_printf(b, "\n    Reads the %s ", inputs[i].kind);
        px_buf_repr(b, inputs[i].name);
        px_buf_puts(b, ": ");
        put_ranges(b, inputs[i].of, strcmp(inputs[i].kind, "layer") != 0);
    }
}
