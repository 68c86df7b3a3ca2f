/* cli/restart.h - starting the command again with another loader path. */
#ifndef PX_CLI_RESTART_H
#define PX_CLI_RESTART_H

/* Releases of TensorRT without a run path find their kernels only in LD_LIBRARY_PATH, which the
 * dynamic loader reads when a process starts. Where the folder is missing there, the process is
 * replaced by the same command with the folder added. Only for a `run` with the word --trt. Returns
 * when that is not needed or fails. */
void px_restart_for_trt(int argc, char **argv);

#endif
