/* script/worker.h - the user's Python functions, run in a child python3.
 *
 * One process serves a run. It is started by the first script that is loaded: POLYGRAPHY_PYTHON,
 * else the python3 on PATH, which needs numpy. Arrays travel through shared memory and are numpy
 * views of it. What scripts import of the reference's package comes from an installed one, else
 * from script/py/polygraphy. Whatever goes wrong in a script is a status that names the option, the
 * file and the line, with the traceback; after one, the worker must not be asked again for that
 * script.
 *
 * Other requests can be added: they are numbered in worker.c and script/py/_polygraphy_worker.py.
 */
#ifndef PX_SCRIPT_WORKER_H
#define PX_SCRIPT_WORKER_H

#include "base/opt.h"
#include "compare/compare.h"
#include "data/args.h"
#include "data/loader.h"
#include "results/results.h"

/* Which function a script is for; the numbers are known to the Python side. */
typedef enum px_script_role {
    PX_SCRIPT_DATA = 0,       /* --data-loader-script, load_data() */
    PX_SCRIPT_COMPARE = 1,    /* --compare-func-script, compare_outputs(a, b) */
    PX_SCRIPT_POSTPROCESS = 2 /* --postprocess-func-script, postprocess_outputs(iteration) */
} px_script_role;
#define PX_N_SCRIPT_ROLES 3

typedef struct px_worker px_worker;

/* Starts nothing. `timeout_ns`: how long one call of a function may take; 0: as long as it likes.
 */
PX_MUST_USE pgy_status *px_worker_new(pgy_context *cx, uint64_t timeout_ns, px_worker **out);
/* Runs the script and finds the function. `script` must outlive the worker. Errors: BACKEND when
 * there is no Python or no numpy, USAGE for what is wrong in the script. */
PX_MUST_USE pgy_status *px_worker_load(px_worker *w, px_script_role role,
                                       const px_opt_script *script);
/* The inputs of iteration `i` into the empty `out`; *out_more false: there are no more. To be asked
 * in order: 0 calls the function anew. Each use has its own iterations. */
PX_MUST_USE pgy_status *px_worker_next_feed(px_worker *w, px_data_use use, int64_t i, px_feed *out,
                                            bool *out_more);
/* Names and verdicts into the empty `out`. */
PX_MUST_USE pgy_status *px_worker_compare(px_worker *w, const px_iteration *a,
                                          const px_iteration *b, px_compared_iteration *out);
/* Replaces the outputs (names, order, values) and the runner's name by what the function gives. */
PX_MUST_USE pgy_status *px_worker_postprocess(px_worker *w, px_iteration *it);
/* The LPIPS distance of two arrays. *out_is_image false: they are none, there is no distance.
 * Errors: UNSUPPORTED with the way out when the lpips package or its weights are missing. */
PX_MUST_USE pgy_status *px_worker_lpips(px_worker *w, pgy_tensor *a, pgy_tensor *b, double *out,
                                        bool *out_is_image);
/* Can there be such distances? The same errors. */
PX_MUST_USE pgy_status *px_worker_check_lpips(px_worker *w);
/* Scripts that a TensorRT engine is built with; the numbers are known to the Python side. */
typedef enum px_trt_script_kind {
    PX_TRT_SCRIPT_NETWORK = 0,     /* --model-type trt-network-script */
    PX_TRT_SCRIPT_POSTPROCESS = 1, /* --trt-network-postprocess-script */
    PX_TRT_SCRIPT_CONFIG = 2,      /* --trt-config-script */
    PX_TRT_SCRIPT_CONFIG_EDIT = 3  /* --trt-config-postprocess-script */
} px_trt_script_kind;
typedef struct px_trt_script {
    px_trt_script_kind kind;
    const char *path, *func;
} px_trt_script;
typedef struct px_trt_job {
    const char *const *words; /* of the command line, behind `run` */
    size_t n_words;
    const px_trt_script *scripts; /* in the order in which they are called */
    size_t n_scripts;
    const char *library; /* path of TensorRT's library, and what it is */
    const char *library_name;
    bool is_rtx;
} px_trt_job;
/* Builds the engine in the worker, with the tensorrt module and a copy of our library that is
 * loaded there. `*out` has the bytes of the engine. Errors: BACKEND when the module or our library
 * cannot be loaded, USAGE for what is wrong in a script. */
PX_MUST_USE pgy_status *px_worker_build_engine(px_worker *w, const px_trt_job *job,
                                               pgy_tensor **out);
/* Ends the process. Accepts NULL. */
void px_worker_free(px_worker *w);

#endif
