/* data/args.c - options of the input data. */
#include "data/args.h"
#include "base/log.h"

static const char *const data_loader_backend_module_choices[] = {"numpy", "torch", NULL};
static const px_opt data_group_rows[] = {
    {.names = "--seed",
     .metavar = "SEED",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_data_args, seed, px_opt_int),
     .help = "Seed of the random inputs; iteration i uses SEED + i. Default 1."},
    {.names = "--val-range",
     .metavar = "[NAME:][MIN,MAX]",
     .type = &px_type_keyed,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_data_args, val_range, px_opt_keyed),
     .help = "Range of the random inputs, default [0,1]. Without a name it holds for "
             "all inputs that are not named.",
     .example = "--val-range [0,1] ids:[2,50]"},
    {.names = "--int-min",
     .metavar = "N",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_data_args, int_min, px_opt_int),
     .flags = PX_OPT_DEPRECATED,
     .help = "Smallest random integer, 1 if only --int-max is given. "
             "Use --val-range instead."},
    {.names = "--int-max",
     .metavar = "N",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_data_args, int_max, px_opt_int),
     .flags = PX_OPT_DEPRECATED,
     .help = "Largest random integer, 25 if only --int-min is given. "
             "Use --val-range instead."},
    {.names = "--float-min",
     .metavar = "X",
     .type = &px_type_float,
     .nargs = PX_NARGS_1,
     PX_BIND(px_data_args, float_min, px_opt_float),
     .flags = PX_OPT_DEPRECATED,
     .help = "Smallest random float, -1 if only --float-max is given. "
             "Use --val-range instead."},
    {.names = "--float-max",
     .metavar = "X",
     .type = &px_type_float,
     .nargs = PX_NARGS_1,
     PX_BIND(px_data_args, float_max, px_opt_float),
     .flags = PX_OPT_DEPRECATED,
     .help = "Largest random float, 1 if only --float-min is given. "
             "Use --val-range instead."},
    {.names = "--iterations|--iters",
     .metavar = "N",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_data_args, iterations, px_opt_int),
     .help = "How many sets of inputs are generated and run. Default 1."},
    {.names = "--data-loader-backend-module",
     .metavar = "NAME",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     PX_BIND(px_data_args, data_loader_backend_module, px_opt_str),
     .choices = data_loader_backend_module_choices,
     .help = "Whose random numbers are reproduced, numpy's (the default) or torch's."},
    {.names = "--load-inputs|--load-input-data",
     .metavar = "PATH",
     .type = &px_type_files,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_data_args, load_inputs, px_opt_strs),
     .only_one_of = "custom loader",
     .help = "Read the inputs from these files, as --save-inputs writes them, one set "
             "per iteration. Other data options are then ignored."},
    {.names = "--data-loader-script",
     .metavar = "PATH[:FUNC]",
     .type = &px_type_script,
     .nargs = PX_NARGS_1,
     PX_BIND(px_data_args, data_loader_script, px_opt_script),
     .only_one_of = "custom loader",
     .help = "Python file with a function load_data() that yields one dict of arrays "
             "per iteration. Other data options are then ignored."},
    {.names = "--data-loader-func-name",
     .metavar = "FUNC",
     .type = &px_type_str,
     .nargs = PX_NARGS_1,
     PX_BIND(px_data_args, data_loader_func_name, px_opt_str),
     .flags = PX_OPT_DEPRECATED,
     .help = "Name of the function in --data-loader-script. Write it behind the path "
             "instead."},
};
const px_opt_section px_data_group = {
    "Data Loader", "Where the inputs come from: random numbers unless files or a script are given.",
    data_group_rows, PX_COUNTOF(data_group_rows)};

/* What a range word was read as, in Python's tuple notation. */
static void tuple_print(px_buf *b, const px_cast *items, size_t n)
{
    px_buf_putc(b, '(');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            px_buf_puts(b, ", ");
        px_cast_repr(b, &items[i]);
    }
    px_buf_puts(b, n == 1 ? ",)" : ")");
}

static pgy_status *range_fail(const char *input, const px_cast *items, size_t n)
{
    pgy_status *st = NULL;
    px_buf b = {0};
    tuple_print(&b, items, n);
    PX_TRY(px_buf_status(&b));
    if (n != 2)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "In --val-range, for input: %s, expected to receive exactly 2 values, but "
                       "received %zu.\nNote: Option was parsed as: input: %s, range: %s",
                       input, n, input, px_buf_cstr(&b)));
    PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                   "In --val-range, for input: %s, one or more elements of the range could not be "
                   "parsed as a number.\nNote: Option was parsed as: input: %s, range: %s",
                   input, input, px_buf_cstr(&b)));
done:
    px_buf_fini(&b);
    return st;
}

static pgy_status *range_decode(const struct px_opt_key_value *item, px_val_range *out)
{
    const px_cast *v = &item->value;
    if (v->kind != PX_CAST_LIST)
        return PX_FAIL(PGY_ERR_USAGE,
                       "--val-range %s: a range is two numbers in brackets, such as [0,1].",
                       item->word);
    if (v->n != 2 || !px_cast_is_number(&v->items[0]) || !px_cast_is_number(&v->items[1]))
        return range_fail(item->key, v->items, v->n);
    *out = (px_val_range){item->key, v->items[0], v->items[1]};
    return NULL;
}

static void warn_ignored(pgy_context *cx, bool given, const char *name)
{
    if (given)
        px_log(cx, PGY_LOG_WARNING, PX_AT_ARGS,
               "Argument: '%s' will be ignored since a custom data loader was provided.\nThis "
               "argument is only valid when using the default data loader.",
               name);
}

static void warn(pgy_context *cx, const px_data_args *args)
{
    if (args->int_min.given || args->int_max.given || args->float_min.given ||
        args->float_max.given)
        px_log_once(cx, PGY_LOG_WARNING, PX_AT_ARGS,
                    "--int-min/--int-max and --float-min/--float-max is deprecated and will be "
                    "removed in Polygraphy 0.50.0. Use --val-range, which allows you to specify "
                    "per-input data ranges, instead.");
    if (args->data_loader_func_name.given)
        px_log_once(cx, PGY_LOG_WARNING, PX_AT_ARGS,
                    "--data-loader-func-name is deprecated and will be removed in Polygraphy "
                    "0.50.0. Use --data-loader-script instead.");
    if (args->load_inputs.given || args->data_loader_script.given) {
        warn_ignored(cx, args->seed.given, "--seed");
        warn_ignored(cx, args->int_min.given, "--int-min");
        warn_ignored(cx, args->int_max.given, "--int-max");
        warn_ignored(cx, args->float_min.given, "--float-min");
        warn_ignored(cx, args->float_max.given, "--float-max");
        warn_ignored(cx, args->val_range.given, "--val-range");
        warn_ignored(cx, args->iterations.given, "--iterations");
    }
}

pgy_status *px_data_args_check(pgy_context *cx, px_arena *arena, px_data_args *args)
{
    pgy_status *st = NULL;
    warn(cx, args);
    if (args->data_loader_func_name.given && args->data_loader_script.given)
        args->data_loader_script.func = args->data_loader_func_name.value;
    args->n_ranges = 0;
    args->ranges = px_arena_calloc(arena, args->val_range.n, sizeof *args->ranges);
    if (!args->ranges)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < args->val_range.n; i++) {
        PX_TRY(range_decode(&args->val_range.at[i], &args->ranges[i]));
        args->n_ranges++;
    }
    /* A custom loader draws nothing, so its seed may be anything. */
    if (args->seed.given && !args->load_inputs.given && !args->data_loader_script.given &&
        (args->seed.value < 0 || args->seed.value > UINT32_MAX))
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "--seed %lld: Seed must be between 0 and 2**32 - 1.",
                       (long long)args->seed.value));
done:
    return st;
}
