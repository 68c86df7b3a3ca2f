/* backend/tf/checkpoint.h - the files of a TensorFlow checkpoint.
 *
 * A checkpoint is a prefix: PREFIX.meta holds the graph, PREFIX.index the variables' places,
 * PREFIX.data-00000-of-00002 and so on their bytes. A text file named `checkpoint` in the folder
 * says which prefix is the newest.
 */
#ifndef PX_BACKEND_TF_CHECKPOINT_H
#define PX_BACKEND_TF_CHECKPOINT_H

#include "base/px.h"

/* The prefix of the checkpoint at `path`, a folder or a .meta file; `name` is the user's choice
 * (--ckpt) or NULL. Checks that all its files are there. The caller frees `*out`.
 * Errors: USAGE naming what is missing, IO. */
PX_MUST_USE pgy_status *px_checkpoint_find(const char *path, const char *name, char **out);

#endif
