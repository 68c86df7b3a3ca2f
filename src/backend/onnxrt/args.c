/* backend/onnxrt/args.c - options of ONNX Runtime sessions. */
#include "backend/onnxrt/args.h"

static const px_opt onnxrt_group_rows[] = {
    {.names = "--providers|--execution-providers",
     .metavar = "NAME",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_onnxrt_args, providers, px_opt_strs),
     .help = "Execution providers, the preferred one first. Any part of a name will do, "
             "in any case; default `cpu`.",
     .example = "--providers cuda cpu"},
    {.names = "--graph-optimization-level",
     .metavar = "LEVEL",
     .type = &px_type_identifier,
     .nargs = PX_NARGS_1,
     PX_BIND(px_onnxrt_args, graph_optimization_level, px_opt_str),
     .flags = PX_OPT_NEWER,
     .help = "How far ONNX Runtime may rewrite the graph: ORT_DISABLE_ALL, "
             "ORT_ENABLE_BASIC, ORT_ENABLE_EXTENDED or ORT_ENABLE_ALL (its default)."},
    {.names = "--onnxrt-custom-ops",
     .metavar = "LIBRARY",
     .type = &px_type_strs,
     .nargs = PX_NARGS_SOME,
     PX_BIND(px_onnxrt_args, onnxrt_custom_ops, px_opt_strs),
     .flags = PX_OPT_OURS,
     .help = "Shared libraries with operators of your own for ONNX Runtime; each exports "
             "RegisterCustomOps.",
     .example = "--onnxrt-custom-ops ./libmyops.so"},
    {.names = "--low-memory",
     .type = &px_type_flag,
     PX_BIND(px_onnxrt_args, low_memory, px_opt_flag),
     .flags = PX_OPT_OURS,
     .help = "Let ONNX Runtime use less memory and more time: no arena that keeps what was freed, "
             "no second, rearranged copy of the weights, no buffers planned in advance."},
};
const px_opt_section px_onnxrt_group = {"ONNX-Runtime Session Creation",
                                        "How ONNX Runtime runs the model.", onnxrt_group_rows,
                                        PX_COUNTOF(onnxrt_group_rows)};

pgy_status *px_onnxrt_args_check(const px_onnxrt_args *args)
{
    static const char *const known[] = {"ORT_DISABLE_ALL", "ORT_ENABLE_BASIC",
                                        "ORT_ENABLE_EXTENDED", "ORT_ENABLE_LAYOUT",
                                        "ORT_ENABLE_ALL"};
    const px_opt_str *level = &args->graph_optimization_level;
    if (!level->given || !level->value)
        return NULL;
    for (size_t i = 0; i < PX_COUNTOF(known); i++) {
        if (strcmp(known[i], level->value) == 0)
            return NULL;
    }
    return PX_FAIL(PGY_ERR_USAGE,
                   "--graph-optimization-level %s: there is no such level. Use ORT_DISABLE_ALL, "
                   "ORT_ENABLE_BASIC, ORT_ENABLE_EXTENDED, ORT_ENABLE_LAYOUT or ORT_ENABLE_ALL.",
                   level->value);
}
