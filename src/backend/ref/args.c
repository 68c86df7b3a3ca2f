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
     .metavar = "LIBRARY",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_ref_args, ref_ops, px_opt_strs),
     .flags = PX_OPT_OURS,
     .help = "Shared libraries with operators of your own for --pluginref; each exports "
             "pgy_ref_ops_get as polygraphy/ref_ops.h says. The operators there are: "
             "docs/operators.md.",
     .example = "--ref-ops ./libmyops.so"},
};
const px_opt_section px_ref_group = {"Reference Interpreter", "How --pluginref computes.",
                                     ref_group_rows, PX_COUNTOF(ref_group_rows)};
