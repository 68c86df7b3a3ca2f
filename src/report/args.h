/* report/args.h - options of the pictures of an elementwise comparison. */
#ifndef PX_REPORT_ARGS_H
#define PX_REPORT_ARGS_H

#include "base/opt.h"

typedef struct px_report_args {
    px_opt_str save_heatmaps; /* folder */
    px_opt_flag show_heatmaps;
    px_opt_str save_error_metrics_plot; /* folder */
    px_opt_flag show_error_metrics_plot;
    px_opt_strs report;        /* documents, by ending; ours */
    px_opt_str picture_format; /* "png" or "svg" */

    /* Ours. */
    px_opt_flag isolate_layers;
    px_opt_str extract_first_failure; /* folder */
} px_report_args;

extern const px_opt_section px_report_group, px_report_layers;

#endif
