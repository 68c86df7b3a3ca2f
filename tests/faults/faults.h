/* faults.h - whole runs again and again with the n-th allocation failing, n = 1 until the run is
 * as without.
 *
 * Each failed run must end with an exit code other than 0, leave no block and no child behind and
 * no file half-written. Late allocations fail by samples, since each run repeats all that went well
 * before. Runtimes of others are left out: their memory is not counted here.
 *
 * In `words` "{}" stands for the scratch folder, "{model}" for `model` out of tests/data/models and
 * "{ops}" for the library of the example operators.
 */
#ifndef PX_TESTS_FAULTS_H
#define PX_TESTS_FAULTS_H

#include "test_base.h"

#include "base/file.h"

#include "polygraphy/polygraphy.h"

/* The scratch folder, from faults_make_dir on. */
extern char faults_dir[64];

/* A run that passes, with no allocation failing. */
void faults_none(const char *words, const char *model);
void faults_each(const char *words, const char *model);
/* Only each `step`-th allocation, for runs that start other programs or take long. Children count
 * for themselves, from where they are forked. */
void faults_each_step(uint64_t step, const char *words, const char *model);
/* Of a run that ends with exit code 1 anyway, as a comparison that fails does. */
void faults_each_of_failing(uint64_t step, const char *words, const char *model);

void faults_write(const char *name, const char *bytes, size_t size);
void faults_remove(const char *name);
/* The same with all that is in it. */
void faults_remove_tree(const char *path);

/* Group setup. */
int faults_make_dir(void **state);
/* The last of a program: no temporary file was left beside the `n_files` that the runs write. */
void faults_check_and_remove_dir(size_t n_files);

#endif
