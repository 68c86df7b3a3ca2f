/* cli/help.h - usage and help texts, laid out in 80 columns from the option rows. */
#ifndef PX_CLI_HELP_H
#define PX_CLI_HELP_H

#include "cli/argparse.h"

/* "usage: polygraphy run [-h] ...", with a newline at the end. */
void px_help_usage(px_buf *out, const char *program, const px_opt_group *groups, size_t n_groups);
/* The whole `--help` page of `polygraphy run`. */
void px_help_run(px_buf *out);
/* `polygraphy --help`, `polygraphy backends --help`, and the usage line of the former. */
void px_help_program(px_buf *out);
void px_help_program_usage(px_buf *out);
void px_help_backends(px_buf *out);
/* "Polygraphy | Version: 0.1.0 | Path: ['/usr/bin']", with a newline. */
void px_help_version(px_buf *out, const char *path);

/* "PATH", "PATH [PATH ...]" (if long, "NAME:SHAPE [...]"), "[PATH]" or "": what stands behind the
 * name of a row. */
void px_help_operands(px_buf *out, const px_opt *row);
/* Appends `text` broken between words: lines after the first begin at column `indent`, none goes
 * beyond `width` unless a word is longer. `column` is where the first line starts. */
void px_help_wrap(px_buf *out, const char *text, size_t column, size_t indent, size_t width);

#endif
