/* runner/args.c - options of running. */
#include "runner/args.h"

static const px_opt runner_group_rows[] = {
    {.names = "--warm-up",
     .metavar = "N",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_runner_args, warm_up, px_opt_int),
     .help = "Run the first inputs this many times before anything is timed."},
    {.names = "--use-subprocess",
     .type = &px_type_flag,
     PX_BIND(px_runner_args, use_subprocess, px_opt_flag),
     .help = "Run each runner in a process of its own, so that a crash ends that runner "
             "only: it is reported and left out, the others go on, and the exit code is 1."},
    {.names = "--save-inputs|--save-input-data",
     .metavar = "PATH",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_runner_args, save_inputs, px_opt_str),
     .help = "Write the inputs to this JSON file."},
    {.names = "--save-input-blob",
     .metavar = "DIR",
     .type = &px_type_dir,
     .nargs = PX_NARGS_OPT,
     PX_BIND(px_runner_args, save_input_blob, px_opt_str),
     .flags = PX_OPT_NEWER,
     .help = "Write each input tensor as raw bytes to a file in this folder, the "
             "current one unless named."},
    {.names = "--save-outputs|--save-results",
     .metavar = "PATH",
     .type = &px_type_file,
     .nargs = PX_NARGS_1,
     PX_BIND(px_runner_args, save_outputs, px_opt_str),
     .help = "Write the outputs of all runners to this JSON file, to be compared with "
             "later."},
    {.names = "--streaming",
     .type = &px_type_flag,
     PX_BIND(px_runner_args, streaming, px_opt_flag),
     .flags = PX_OPT_OURS,
     .help = "Run all runners together, iteration by iteration, keeping only one "
             "iteration in memory. Otherwise they run one after the other. Inputs and "
             "outputs saved to a path without an ending go to a folder with a file per "
             "iteration then."},
    {.names = "--memory-budget",
     .metavar = "BYTES",
     .type = &px_type_bytes,
     .nargs = PX_NARGS_1,
     PX_BIND(px_runner_args, memory_budget, px_opt_int),
     .flags = PX_OPT_OURS,
     .help = "Memory for kept outputs; more is kept in a temporary file. Default: half "
             "of the memory.",
     .example = "--memory-budget 4G"},
    {.names = "--threads",
     .metavar = "N",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_runner_args, threads, px_opt_int),
     .flags = PX_OPT_OURS,
     .help = "Threads of our own computations. Default: one per processor that may be "
             "used."},
    {.names = "--timeout",
     .metavar = "SECONDS",
     .type = &px_type_float,
     .nargs = PX_NARGS_1,
     PX_BIND(px_runner_args, timeout, px_opt_float),
     .flags = PX_OPT_OURS,
     .help = "End a runner, or a call of a script's function, that takes longer than this many "
             "seconds. Runs each runner in a process of its own."},
    {.names = "--mem-limit",
     .metavar = "BYTES",
     .type = &px_type_bytes,
     .nargs = PX_NARGS_1,
     PX_BIND(px_runner_args, mem_limit, px_opt_int),
     .flags = PX_OPT_OURS,
     .help = "End a runner that takes more memory than this. Runs each runner in a process of "
             "its own.",
     .example = "--mem-limit 8G"},
    {.names = "--repeat",
     .metavar = "N",
     .type = &px_type_int,
     .nargs = PX_NARGS_1,
     PX_BIND(px_runner_args, repeat, px_opt_int),
     .flags = PX_OPT_OURS,
     .help = "After the comparison, run each runner N times in one session, in N sessions and in N "
             "builds, and fail unless every bit of the outputs is the same. With "
             "`--onnx-outputs mark all` the first layer that differs is named.",
     .example = "--repeat 5"},
    {.names = "--check-batch-invariance",
     .type = &px_type_flag,
     PX_BIND(px_runner_args, check_batch_invariance, px_opt_flag),
     .flags = PX_OPT_OURS,
     .help = "After the comparison, run each element of the batch on its own, too, and fail unless "
             "its outputs are those it has in the batch, within the tolerances. The batch is the "
             "first dimension of the inputs that leave it open."},
};
const px_opt_section px_runner_group = {"Comparator Inference",
                                        "How the runners are run, and what is kept.",
                                        runner_group_rows, PX_COUNTOF(runner_group_rows)};

pgy_status *px_runner_args_check(pgy_context *cx, const px_runner_args *args)
{
    if (args->threads.given && (args->threads.value < 1 || args->threads.value > 4096))
        return PX_FAIL(PGY_ERR_USAGE, "--threads %lld: write a number from 1 to 4096.",
                       (long long)args->threads.value);
    if (args->memory_budget.given && args->memory_budget.value < 1)
        return PX_FAIL(PGY_ERR_USAGE, "--memory-budget %lld: write a number of bytes above 0.",
                       (long long)args->memory_budget.value);
    if (args->mem_limit.given && args->mem_limit.value < 1)
        return PX_FAIL(PGY_ERR_USAGE, "--mem-limit %lld: write a number of bytes above 0.",
                       (long long)args->mem_limit.value);
    if (args->repeat.given && (args->repeat.value < 2 || args->repeat.value > 1000000))
        return PX_FAIL(PGY_ERR_USAGE, "--repeat %lld: write a number from 2 to 1000000.",
                       (long long)args->repeat.value);
    if (args->timeout.given && !(args->timeout.value > 0))
        return PX_FAIL(PGY_ERR_USAGE, "--timeout %g: write a number of seconds above 0.",
                       args->timeout.value);
    if (args->threads.given)
        pgy_context_set_threads(cx, (int)args->threads.value);
    if (args->memory_budget.given)
        pgy_context_set_memory_budget(cx, (uint64_t)args->memory_budget.value);
    return NULL;
}

uint64_t px_runner_timeout_ns(const px_runner_args *args)
{
    const double most = 1e18; /* far beyond any run, far below overflow */
    if (!args->timeout.given)
        return 0;
    return (uint64_t)PX_MAX(PX_MIN(args->timeout.value * 1e9, most), 1.0);
}

px_isolation px_runner_isolation(const px_runner_args *args, px_data_script *script)
{
    px_isolation isolation = {.on = args->use_subprocess.given || args->timeout.given ||
                                    args->mem_limit.given,
                              .timeout_ns = px_runner_timeout_ns(args),
                              .script = script};
    if (args->mem_limit.given)
        isolation.mem_limit = (uint64_t)args->mem_limit.value;
    return isolation;
}
