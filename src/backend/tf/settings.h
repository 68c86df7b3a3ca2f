/* backend/tf/settings.h - TensorFlow's settings, as the messages it takes them in. */
#ifndef PX_BACKEND_TF_SETTINGS_H
#define PX_BACKEND_TF_SETTINGS_H

#include "backend/tf/args.h"
#include "model/pb_write.h"

/* A ConfigProto. `args` may be NULL; `n_threads` for a node and for nodes side by side. */
PX_MUST_USE pgy_status *px_tf_config_write(const px_tf_args *args, int n_threads, px_pb_out *out);

#endif
