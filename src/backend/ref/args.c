/* backend/ref/args.c - options of the reference interpreter. */
#include "backend/ref/args.h"

static const char *const ref_precision_choices[] = {"float64", "typed", NULL};
static const px_opt ref_group_rows[] = {
    {.names = "--ref-precision",
     .metavar = "HOW",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     PX_BIND(px_ref_args, ref_precision, px_opt_str),
     .choices = ref_precision_choices,
     .flags = PX_OPT_OURS,
     .help = "Carry float64 from operator to operator and round at the outputs "
             "(float64, the default), or round to the declared type after each operator "
             "(typed)."},
    {.names = "--ref-ops",
     .type = &px_type_flag,
     PX_BIND(px_ref_args, ref_ops, px_opt_flag),
     .flags = PX_OPT_OURS,
     .help = "List the operators and versions that --pluginref computes, and end."},
};
const px_opt_section px_ref_group = {"Reference Interpreter", "How --pluginref computes.",
                                     ref_group_rows, PX_COUNTOF(ref_group_rows)};
