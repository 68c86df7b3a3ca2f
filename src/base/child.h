/* base/child.h - child processes: how they end, and what must not outlive this process.
 *
 * Children and half-written files are on a list of the process, so that a signal that ends it can
 * end and remove them: that is the one state here which is not in a context. The list has a fixed
 * size; what finds no room on it is merely left behind by such a signal.
 */
#ifndef PX_BASE_CHILD_H
#define PX_BASE_CHILD_H

#include "base/px.h"

#include <sys/types.h>

/* A fork: 0 in the child, which then gets SIGKILL when this process ends, has no handler
 * of ours and an empty list. Errors: IO. */
PX_MUST_USE pgy_status *px_child_fork(pid_t *out);
/* Kills the child if it does not end within the time, and takes its exit state off the system. */
int px_child_end(pid_t pid, uint64_t grace_ns);
/* Its exit state, or false: it still runs. After true the pid must not be used any more. */
bool px_child_has_ended(pid_t pid, int *out_state);
/* "was killed by signal 8 (SIGFPE)", "ended with exit code 3". */
void px_child_print_state(px_buf *b, int state);
/* Bytes of memory the process has taken, maps of files not counted; 0 when it cannot be told. */
uint64_t px_child_memory(pid_t pid);

/* A file to remove when a signal ends this process. `path` stays until it is forgotten. */
void px_doomed_file_add(const char *path);
void px_doomed_file_forget(const char *path); /* accepts NULL */
/* From now on SIGINT, SIGTERM and SIGHUP end all children and remove such files first. A signal
 * that is ignored stays so. A file that grows beyond what is allowed becomes an error of the write,
 * as a full disk is. For programs, not for a library. */
void px_child_install_signals(void);

#endif
