/* report/heatmap.h - a tensor of errors as a picture.
 *
 * The last two dimensions are a tile, the others enumerate tiles. One long dimension is folded into
 * rows; where there are more tiles than can be seen, each tile becomes one row of a matrix. What
 * has more elements than the picture has room is reduced by maximum, NaN above infinity above every
 * number, so nothing large can vanish.
 */
#ifndef PX_REPORT_HEATMAP_H
#define PX_REPORT_HEATMAP_H

#include "compare/compare.h"
#include "report/canvas.h"
#include "report/scale.h"

typedef enum px_view {
    PX_VIEW_TILES,
    PX_VIEW_FOLDED, /* one dimension, in rows of `width` */
    PX_VIEW_ROWS    /* each tile is a row */
} px_view;

/* How a shape is laid out on an area of pixels. */
typedef struct px_tiles {
    px_view view;
    int rank;
    const int64_t *dims; /* borrowed */
    int64_t count;
    int64_t n, height, width; /* tiles, and elements of one */
    int columns, rows;        /* tiles side by side and above each other */
    int tile_x, tile_y;       /* pixels */
    int gap_x, gap_y;         /* between tiles */
    bool labelled;            /* each gap above a tile has room for its index */
    int cells_x, cells_y;     /* of one tile after reduction; at most its pixels */
    int size_x, size_y;       /* pixels of it all, within the area */
} px_tiles;

/* Room that pictures offer. */
#define PX_AREA_X 880
#define PX_AREA_Y 600
#define PX_LABEL_Y 16 /* of a gap with an index in it */

void px_tiles_layout(int rank, const int64_t *dims, int area_x, int area_y, px_tiles *out);

/* A cell: the bits of a float >= 0, infinity or NaN; PX_CELL_NONE where the tensor has ended. */
#define PX_CELL_NONE INT32_MIN

typedef struct px_heatmap {
    px_which which; /* PX_OF_ABS or PX_OF_REL */
    px_tiles tiles;
    int32_t *cells; /* tile by tile, row by row */
    px_scale scale; /* of the finite cells; low < high always */
    bool all_zero; /* nothing but zeros (if has_zero), NaN and infinities: the scale says nothing */
    bool has_zero;
    px_stats stats;
} px_heatmap;

/* Reads the pair once. The pair's tensors must outlive it (the shape is theirs). Empty tensors are
 * USAGE. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_heatmap_init(pgy_context *cx, const px_pair *pair,
                                        const px_pair_stats *stats, px_which which, int area_x,
                                        int area_y, px_heatmap *out);
void px_heatmap_fini(px_heatmap *map);

/* size_x * size_y pixels; gaps are `paper`. Caller frees. Errors: NOMEM. */
PX_MUST_USE pgy_status *px_heatmap_pixels(const px_heatmap *map, px_rgb paper, px_rgb **out);

/* What a caption says of a comparison; borrowed. */
typedef struct px_caption {
    const char *output;
    const char *runner[2]; /* NULL: not said */
} px_caption;

/* The whole picture with title, scale and axes, appended to `out`. */
PX_MUST_USE pgy_status *px_heatmap_render(const px_heatmap *map, const px_caption *caption,
                                          px_picture_format format, double scale, px_buf *out);

/* Words for captions, the same in pictures and on the terminal. */
const char *px_heatmap_title(const px_heatmap *map);               /* "Absolute error" */
void px_heatmap_put_numbers(const px_heatmap *map, px_buf *out);   /* "min 0, mean ..." */
void px_heatmap_put_layout(const px_heatmap *map, px_buf *out);    /* "rows: dimension 2, ..." */
void px_heatmap_put_reduction(const px_heatmap *map, px_buf *out); /* "" when nothing is reduced */
/* The leading indices of a tile, "0, 3". */
void px_tiles_put_index(const px_tiles *t, int64_t tile, px_buf *out);

#endif
