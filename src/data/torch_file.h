/* data/torch_file.h - tensors as torch.save writes them, without torch.
 *
 * Such a file is a ZIP of stored members: a pickle that rebuilds one dense tensor from a named
 * storage, and the storage's bytes. Only what that needs is understood; nothing in a pickle is ever
 * executed.
 */
#ifndef PX_DATA_TORCH_FILE_H
#define PX_DATA_TORCH_FILE_H

#include "base/px.h"
#include "base/tensor.h"

/* Errors: MODEL, UNSUPPORTED for anything but one dense CPU tensor. */
PX_MUST_USE pgy_status *px_torch_read(const char *what, px_str bytes, pgy_tensor **out);
bool px_torch_has_dtype(pgy_dtype dtype);
/* Appends the file. Errors: UNSUPPORTED for types torch lacks. */
PX_MUST_USE pgy_status *px_torch_write(const pgy_tensor *t, px_buf *out);

#endif
