/* report/args.c - options of the pictures of a comparison. */
#include "report/args.h"

static const char *const picture_formats[] = {"png", "svg", NULL};

static const px_opt report_group_rows[] = {
    {.names = "--save-heatmaps",
     .metavar = "DIR",
     .type = &px_type_dir,
     .nargs = PX_NARGS_1,
     PX_BIND(px_report_args, save_heatmaps, px_opt_str),
     .help = "Write heat maps of the absolute and relative errors to this folder."},
    {.names = "--show-heatmaps",
     .type = &px_type_flag,
     PX_BIND(px_report_args, show_heatmaps, px_opt_flag),
     .help = "Show these heat maps: in a viewer where there is a display, else on the terminal."},
    {.names = "--save-error-metrics-plot",
     .metavar = "DIR",
     .type = &px_type_dir,
     .nargs = PX_NARGS_1,
     PX_BIND(px_report_args, save_error_metrics_plot, px_opt_str),
     .help = "Write plots of the errors against the size of the reference values to "
             "this folder."},
    {.names = "--show-error-metrics-plot",
     .type = &px_type_flag,
     PX_BIND(px_report_args, show_error_metrics_plot, px_opt_flag),
     .help = "Show these plots: in a viewer where there is a display, else on the terminal."},
    {.names = "--picture-format",
     .metavar = "FORMAT",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     .choices = picture_formats,
     .flags = PX_OPT_OURS,
     PX_BIND(px_report_args, picture_format, px_opt_str),
     .help = "Format of saved pictures. Default: svg for heat maps, png for error plots."},
    {.names = "--report",
     .metavar = "FILE",
     .type = &px_type_files,
     .nargs = PX_NARGS_1,
     .flags = PX_OPT_OURS | PX_OPT_REPEATABLE,
     PX_BIND(px_report_args, report, px_opt_strs),
     .help = "Write a document about the run: .html (one page with everything), .json, .xml "
             "(JUnit), .md (for a pull request) or .csv, by the file's ending. May be given "
             "several times.",
     .example = "--report run.html --report junit.xml"},
};
const px_opt_section px_report_group = {"Comparison Function: `simple`", NULL, report_group_rows,
                                        PX_COUNTOF(report_group_rows)};

static const px_opt report_layers_rows[] = {
    {.names = "--isolate-layers",
     .type = &px_type_flag,
     PX_BIND(px_report_args, isolate_layers, px_opt_flag),
     .flags = PX_OPT_OURS,
     .help = "Run every layer once more on the first runner's inputs of that layer, so that the "
             "report tells its own error from what was accumulated before it. For use with "
             "`--onnx-outputs mark all`."},
    {.names = "--extract-first-failure",
     .metavar = "DIR",
     .type = &px_type_dir,
     .nargs = PX_NARGS_1,
     PX_BIND(px_report_args, extract_first_failure, px_opt_str),
     .flags = PX_OPT_OURS,
     .help = "Write the smallest part of the model in which the first layer that differs still "
             "fails to this folder: model.onnx, its inputs, the expected outputs, and command.sh, "
             "which shows the failure."},
};
const px_opt_section px_report_layers = {
    "Layer by Layer", "Where runners begin to differ, when several outputs are compared.",
    report_layers_rows, PX_COUNTOF(report_layers_rows)};
