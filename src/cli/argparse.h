/* cli/argparse.h - the option engine: words to values, as Python's argparse splits them.
 *
 * Follows the observable rules of argparse in Python 3.11: prefix abbreviation, greedy lists,
 * `--opt=value`, joined short switches, `--`, and which words look like options. Parsing has no
 * side effects: it prints nothing and touches no file.
 */
#ifndef PX_CLI_ARGPARSE_H
#define PX_CLI_ARGPARSE_H

#include "base/opt.h"

/* A section and where its value struct lies inside the target. */
typedef struct px_opt_group {
    const px_opt_section *section;
    size_t offset;
} px_opt_group;

typedef enum px_parse_kind {
    PX_PARSE_OK,
    PX_PARSE_HELP,
    PX_PARSE_VERSION,
    PX_PARSE_ERROR,  /* exit code 2, after the usage text */
    PX_PARSE_UNKNOWN /* options or words nobody asked for: exit code 1 */
} px_parse_kind;

typedef struct px_parse_result {
    px_parse_kind kind;
    const char *text; /* ERROR, UNKNOWN: the reference's words */
    const char *hint; /* ERROR, UNKNOWN: the way out, or NULL */
    px_opt_late *late;
    size_t n_late;
} px_parse_result;

/* Fills `target` from `words` (without program and command name). All texts live in `arena`;
 * words are kept, not copied. The status reports only NOMEM; what is wrong with the command line
 * is in `out`.
 *
 * Abbreviations are looked up among the options of the older reference version first, then among
 * those of the newer one, then among ours, so that no addition breaks a command line.
 */
PX_MUST_USE pgy_status *px_argparse(px_arena *arena, const px_opt_group *groups, size_t n_groups,
                                    const char *const *words, size_t n_words, void *target,
                                    px_parse_result *out);

/* The spelling nearest to `word` among all options, or an empty string view. */
px_str px_argparse_nearest(const px_opt_group *groups, size_t n_groups, px_str word);

#endif
