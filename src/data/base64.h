/* data/base64.h - RFC 4648 base64 with padding and without line breaks, at memory speed. */
#ifndef PX_DATA_BASE64_H
#define PX_DATA_BASE64_H

#include "base/px.h"

/* Characters that `n` bytes become; SIZE_MAX when that overflows. */
size_t px_base64_encoded_size(size_t n);

/* Writes px_base64_encoded_size(n) characters. Parts of one stream may be encoded one after the
 * other when each but the last is a multiple of 3 bytes long. */
void px_base64_encode(const uint8_t *src, size_t n, char *dst);

/* Bytes that the text stands for, from its length and padding alone; false when no base64 text
 * has that length. */
bool px_base64_decoded_size(px_str text, size_t *out);

/* Decodes bytes [offset, offset + n) of what `text` stands for; they must exist. False when one
 * of the characters needed is not of the alphabet: *out_bad is then its position in `text`. */
bool px_base64_decode(px_str text, size_t offset, uint8_t *dst, size_t n, size_t *out_bad);

#endif
