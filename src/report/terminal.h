/* report/terminal.h - what pictures can be shown with here, and pictures as bytes for a terminal.
 */
#ifndef PX_REPORT_TERMINAL_H
#define PX_REPORT_TERMINAL_H

#include "report/error_plot.h"
#include "report/heatmap.h"

typedef enum px_show_way {
    PX_SHOW_VIEWER, /* a window of the desktop's own program */
    PX_SHOW_KITTY,  /* graphics protocols of terminals */
    PX_SHOW_ITERM,
    PX_SHOW_SIXEL,
    PX_SHOW_TRUE_COLOR, /* half blocks */
    PX_SHOW_256,
    PX_SHOW_TEXT /* letters for shades: no terminal, or NO_COLOR */
} px_show_way;

/* What there is to choose by. Environment variables are NULL when unset. */
typedef struct px_show_env {
    bool is_terminal;
    bool has_opener; /* xdg-open is on PATH */
    const char *display, *wayland_display, *term, *term_program, *lc_terminal, *kitty_window;
    const char *colorterm, *no_color;
    /* Asks the terminal itself; called only where nothing else decides. NULL: cannot be asked. */
    bool (*has_sixel)(void);
} px_show_env;

px_show_way px_show_choose(const px_show_env *env);
/* The process's environment and standard output. */
void px_show_env_get(px_show_env *out);
/* Columns of the terminal, 80 when there is none; at most 200. */
int px_terminal_columns(void);

/* A picture in the terminal's protocol, appended to `out`. */
void px_kitty_put(px_buf *out, const px_buf *png);
void px_iterm_put(px_buf *out, const px_buf *png);
PX_MUST_USE pgy_status *px_sixel_put(px_buf *out, const px_rgb *pixels, int n_x, int n_y);

/* Pictures of characters, with their captions, for `columns` columns. `way` is one of the last
 * three. Every line begins with two blanks and ends with a newline. */
PX_MUST_USE pgy_status *px_blocks_put_heatmap(px_buf *out, px_show_way way, const px_heatmap *map,
                                              const px_caption *caption);
PX_MUST_USE pgy_status *px_blocks_put_error_plot(px_buf *out, px_show_way way, int columns,
                                                 const px_error_plot *plot,
                                                 const px_caption *caption);
/* Pixels that a heat map for the terminal is laid out on. */
void px_blocks_area(px_show_way way, int columns, int *out_x, int *out_y);

#endif
