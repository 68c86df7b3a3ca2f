/* report/wrap.c - see wrap.h. */
#include "report/wrap.h"

size_t px_text_width(px_str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return n;
}

static size_t width_of_last_line(const px_buf *b)
{
    size_t begin = b->len;
    while (begin > 0 && b->ptr[begin - 1] != '\n')
        begin--;
    return px_text_width((px_str){b->ptr + begin, b->len - begin});
}

/* Where the word at `at` ends. A quote opens at the beginning of a word and closes where one ends.
 */
static size_t word_end(px_str text, size_t at)
{
    bool quoted = at < text.len && text.ptr[at] == '\'';
    for (size_t i = at; i < text.len; i++) {
        const bool is_last = i + 1 == text.len || strchr(" :,;.)", text.ptr[i + 1]) != NULL;
        if (quoted && i > at && text.ptr[i] == '\'' && is_last)
            quoted = false;
        if (!quoted && text.ptr[i] == ' ')
            return i;
    }
    if (!quoted)
        return text.len;
    const char *blank = memchr(text.ptr + at, ' ', text.len - at); /* the quote never closes */
    return blank != NULL ? (size_t)(blank - text.ptr) : text.len;
}

void px_wrap_put(px_buf *b, px_str text, size_t indent, size_t width)
{
    size_t used = width_of_last_line(b);
    for (size_t at = 0; at < text.len;) {
        const size_t end = word_end(text, at);
        const px_str word = {text.ptr + at, end - at};
        const size_t n = px_text_width(word);
        const bool is_first = at == 0;
        if (used + !is_first + n > width && used > indent) {
            while (b->len > 0 && b->ptr[b->len - 1] == ' ')
                b->len--;
            px_buf_putc(b, '\n');
            px_buf_pad(b, ' ', indent);
            used = indent;
        } else if (!is_first) {
            px_buf_putc(b, ' ');
            used++;
        }
        px_buf_putstr(b, word);
        used += n;
        at = end + (end < text.len);
    }
}
