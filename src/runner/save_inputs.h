/* runner/save_inputs.h - --save-inputs and --save-input-blob, fed one iteration at a time. */
#ifndef PX_RUNNER_SAVE_INPUTS_H
#define PX_RUNNER_SAVE_INPUTS_H

#include "results/results.h"
#include "runner/args.h"

typedef struct px_input_saver {
    pgy_context *cx;
    const px_runner_args *args;
    bool as_torch;
    bool as_folder; /* a file per iteration */
    px_feeds_writer *writer;
} px_input_saver;

/* True when there is something to save. */
bool px_saves_inputs(const px_runner_args *args);
/* Announces the files. `streams`: a path without an ending is then a folder of per-iteration files,
 * which must be new or empty. Errors: USAGE, IO. */
PX_MUST_USE pgy_status *px_input_saver_open(pgy_context *cx, const px_runner_args *args,
                                            bool as_torch, bool streams, px_input_saver *out);
PX_MUST_USE pgy_status *px_input_saver_add(px_input_saver *s, int64_t i, const pgy_feed *feed);
PX_MUST_USE pgy_status *px_input_saver_commit(px_input_saver *s);
void px_input_saver_close(px_input_saver *s); /* {0} is fine */

#endif
