/* data/utf.c - see utf.h. Well-formedness is that of Unicode 15, table 3-7. */
#include "data/utf.h"

size_t px_utf8_length(px_str text)
{
    const unsigned char *const s = (const unsigned char *)text.ptr;
    size_t len = 0;

    if (text.len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] < 0xe0)
        len = 2;
    else if (s[0] >= 0xe0 && s[0] < 0xf0)
        len = 3;
    else if (s[0] >= 0xf0 && s[0] < 0xf5)
        len = 4;
    if (len == 0 || len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, beyond U+10FFFF. */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

uint32_t px_utf8_next(px_str *inout)
{
    const unsigned char *const s = (const unsigned char *)inout->ptr;
    const size_t len = px_utf8_length(*inout);
    uint32_t c;

    if (len <= 1)
        c = len == 1 ? s[0] : 0xdc00u + s[0];
    else
        c = s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (s[i] & 0x3fu);
    const size_t used = PX_MAX(len, (size_t)1);
    inout->ptr += used;
    inout->len -= used;
    return c;
}

size_t px_utf8_count(px_str s)
{
    size_t n = 0;

    while (s.len > 0) {
        (void)px_utf8_next(&s);
        n++;
    }
    return n;
}

void px_utf8_put(px_buf *b, uint32_t c)
{
    if (c >= 0xdc80 && c < 0xdd00) {
        px_buf_putc(b, (char)(c - 0xdc00));
        return;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    if (c < 0x80) {
        px_buf_putc(b, (char)c);
    } else if (c < 0x800) {
        const char two[2] = {(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))};
        px_buf_put(b, two, sizeof two);
    } else if (c < 0x10000) {
        const char three[3] = {(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)),
                               (char)(0x80 | (c & 0x3f))};
        px_buf_put(b, three, sizeof three);
    } else {
        const char four[4] = {(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
                              (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f))};
        px_buf_put(b, four, sizeof four);
    }
}
