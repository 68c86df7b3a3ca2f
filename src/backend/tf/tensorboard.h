/* backend/tf/tensorboard.h - an event file that TensorBoard shows a graph from. */
#ifndef PX_BACKEND_TF_TENSORBOARD_H
#define PX_BACKEND_TF_TENSORBOARD_H

#include "base/px.h"

/* Writes `folder`/events.out.tfevents.SECONDS.HOST with the GraphDef. Errors: IO. */
PX_MUST_USE pgy_status *px_tensorboard_write(const char *folder, px_str graph);

/* CRC-32C (Castagnoli), as the records of such a file carry it. */
uint32_t px_crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
