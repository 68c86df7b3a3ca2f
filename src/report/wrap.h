/* report/wrap.h - text in lines that fit a terminal. */
#ifndef PX_REPORT_WRAP_H
#define PX_REPORT_WRAP_H

#include "base/str.h"

/* Width on a terminal: characters, not bytes. */
size_t px_text_width(px_str text);

/* Appends `text` to the last line of `b`, broken between words so that lines have at most `width`
 * characters; further lines begin with `indent` blanks. What stands in single quotes is one word,
 * and a word that is too long for any line has one for itself. */
void px_wrap_put(px_buf *b, px_str text, size_t indent, size_t width);

#endif
