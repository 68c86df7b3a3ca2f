/* data/metadata.c - see metadata.h. */
#include "data/metadata.h"

#include "base/tensor.h"

#include <inttypes.h>

/* `symbols` may be NULL; a dynamic dim without a symbol prints as `unnamed`. */
static void print_dims(px_buf *b, int rank, const int64_t *dims, const char *const *symbols,
                       const char *unnamed)
{
    for (int i = 0; i < rank; i++) {
        if (i > 0)
            px_buf_puts(b, ", ");
        if (dims[i] >= 0)
            px_buf_printf(b, "%" PRId64, dims[i]);
        else if (symbols != NULL && symbols[i] != NULL)
            px_buf_repr(b, px_str_of(symbols[i]));
        else
            px_buf_puts(b, unnamed);
    }
}

static void print_tuple(px_buf *b, int rank, const int64_t *dims, const char *const *symbols,
                        const char *unnamed)
{
    px_buf_putc(b, '(');
    print_dims(b, rank, dims, symbols, unnamed);
    px_buf_puts(b, rank == 1 ? ",)" : ")");
}

static void print_bounded(px_buf *b, int rank, const int64_t *dims, const char *const *symbols,
                          const char *unnamed)
{
    px_buf_puts(b, "BoundedShape([");
    print_dims(b, rank, dims, symbols, unnamed);
    px_buf_puts(b, "], min=None, max=None)");
}

void px_io_print_bounded(px_buf *b, const pgy_io *io)
{
    if (io->rank < 0)
        px_buf_puts(b, "None");
    else
        print_bounded(b, io->rank, io->dims, io->dim_names, "None");
}

void px_io_print_type(px_buf *b, const pgy_io *io)
{
    if (io->dtype == PGY_DTYPE_UNKNOWN && io->rank < 0)
        return;
    px_buf_putc(b, '[');
    if (io->dtype != PGY_DTYPE_UNKNOWN)
        px_buf_printf(b, "dtype=%s%s", pgy_dtype_name(io->dtype), io->rank < 0 ? "" : ", ");
    if (io->rank >= 0) {
        px_buf_puts(b, "shape=");
        print_tuple(b, io->rank, io->dims, io->dim_names, "None");
    }
    px_buf_putc(b, ']');
}

void px_metadata_print(px_buf *b, const pgy_io *io, size_t n)
{
    px_buf_putc(b, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            px_buf_puts(b, ",\n ");
        px_buf_puts(b, io[i].name);
        if (io[i].dtype != PGY_DTYPE_UNKNOWN || io[i].rank >= 0)
            px_buf_putc(b, ' ');
        px_io_print_type(b, &io[i]);
    }
    px_buf_putc(b, '}');
}

void px_opt_shapes_print(px_buf *b, const px_opt_shapes *shapes)
{
    px_buf_putc(b, '{');
    for (size_t i = 0; i < shapes->n; i++) {
        const px_opt_shape *const s = &shapes->at[i];
        px_buf_printf(b, "%s%s", i > 0 ? ",\n " : "", s->name);
        if (s->is_auto)
            continue;
        px_buf_puts(b, " [shape=");
        print_tuple(b, s->rank, s->dims, s->texts, "-1");
        px_buf_putc(b, ']');
    }
    px_buf_putc(b, '}');
}

void px_opt_shape_print_bounded(px_buf *b, const px_opt_shape *shape)
{
    print_bounded(b, shape->rank, shape->dims, shape->texts, "-1");
}
