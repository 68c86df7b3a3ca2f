/* data/utf.h - UTF-8 to code points and back.
 *
 * A byte that is not UTF-8 becomes the code point U+DC00 + byte, as Python's "surrogateescape"
 * does, and comes back as that byte: names and text elements survive a round trip whatever they
 * hold.
 */
#ifndef PX_DATA_UTF_H
#define PX_DATA_UTF_H

#include "base/px.h"

/* Length of the well-formed sequence at the start of `s`, 0 if there is none. */
size_t px_utf8_length(px_str s);
/* Takes the first code point off `inout`, which is not empty. */
uint32_t px_utf8_next(px_str *inout);
size_t px_utf8_count(px_str s);
/* Appends a code point; anything beyond Unicode becomes U+FFFD. */
void px_utf8_put(px_buf *b, uint32_t c);

#endif
