/* results/save.h - a JSON file being written, shared by results, inputs and accuracy results.
 *
 * Text is gathered line by line and handed to the writer; arrays go straight through as base64, so
 * the memory needed does not depend on their size.
 */
#ifndef PX_RESULTS_SAVE_H
#define PX_RESULTS_SAVE_H

#include "base/file.h"
#include "base/px.h"
#include "base/tensor.h"

typedef struct px_json_out {
    px_writer writer;
    px_buf text;
    int level;    /* nesting */
    bool is_open; /* a container was opened and holds nothing yet */
} px_json_out;

/* "[" or "{", and the matching end; an empty container takes one line. */
void px_out_open(px_json_out *o, char bracket);
void px_out_close(px_json_out *o, char bracket);
/* Starts the next item or member; `key` is NULL in a list. */
void px_out_item(px_json_out *o, const char *key);
void px_out_string(px_json_out *o, const char *s);
/* The last member of a typed object. */
void px_out_class(px_json_out *o, const char *name);
/* {"array": ..., "polygraphy_class": "ndarray"}, or a Tensor. */
PX_MUST_USE pgy_status *px_out_array(px_json_out *o, const pgy_tensor *t, bool as_torch);
PX_MUST_USE pgy_status *px_out_commit(px_json_out *o);
void px_out_abort(px_json_out *o); /* also after commit */

#endif
