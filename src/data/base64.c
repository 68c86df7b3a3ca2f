/* data/base64.c - base64 both ways, 24 bytes a step with AVX2, 3 bytes a step without.
 *
 * The vector code maps characters to 6-bit values, and back, by adding a distance that a 16-entry
 * table gives for the run of the alphabet (letters, digits, the two signs) a byte lies in; packing
 * four 6-bit values into three bytes is two multiply-adds and a shuffle.
 */
#include "data/base64.h"

#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define TARGET_AVX2 __attribute__((target("avx2")))
#endif

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t px_base64_encoded_size(size_t n)
{
    const size_t groups = n / 3 + (n % 3 != 0);
    size_t size;

    return px_size_mul(groups, 4, &size) ? size : SIZE_MAX;
}

static void encode_group(const uint8_t *src, char *dst)
{
    const unsigned v = (unsigned)src[0] << 16 | (unsigned)src[1] << 8 | src[2];

    dst[0] = alphabet[v >> 18];
    dst[1] = alphabet[v >> 12 & 63];
    dst[2] = alphabet[v >> 6 & 63];
    dst[3] = alphabet[v & 63];
}

#if defined(__x86_64__)
/* Encodes while at least 28 bytes are left (the two 12-byte halves are read as 16 bytes each).
 * Returns the bytes done, a multiple of 24. */
TARGET_AVX2 static size_t encode_avx2(const uint8_t *src, size_t n, char *dst)
{
    const __m256i spread = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, 1, 0,
                                            2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    const __m256i distance = _mm256_broadcastsi128_si256(
        _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                      '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0));
    size_t i = 0;

    for (; n - i >= 28; i += 24, dst += 32) {
        const __m128i low = _mm_loadu_si128((const __m128i *)(src + i));
        const __m128i high = _mm_loadu_si128((const __m128i *)(src + i + 12));
        const __m256i in = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), spread);
        /* Each 32-bit lane holds bytes 1 0 2 1: move its four 6-bit fields to byte bottoms. */
        const __m256i t0 = _mm256_and_si256(in, _mm256_set1_epi32(0x0fc0fc00));
        const __m256i t1 = _mm256_mulhi_epu16(t0, _mm256_set1_epi32(0x04000040));
        const __m256i t2 = _mm256_and_si256(in, _mm256_set1_epi32(0x003f03f0));
        const __m256i t3 = _mm256_mullo_epi16(t2, _mm256_set1_epi32(0x01000010));
        const __m256i v = _mm256_or_si256(t1, t3);
        /* Rows of `distance`: 0 a-z, 1 to 10 digits, 11 '+', 12 '/', 13 A-Z. */
        const __m256i upper =
            _mm256_and_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(26), v), _mm256_set1_epi8(13));
        const __m256i run = _mm256_or_si256(_mm256_subs_epu8(v, _mm256_set1_epi8(51)), upper);
        const __m256i add = _mm256_shuffle_epi8(distance, run);
        _mm256_storeu_si256((__m256i *)dst, _mm256_add_epi8(v, add));
    }
    return i;
}
#endif

void px_base64_encode(const uint8_t *src, size_t n, char *dst)
{
    size_t i = 0;

#if defined(__x86_64__)
    if (n >= 28 && px_cpu_get()->avx2) {
        i = encode_avx2(src, n, dst);
        dst += i / 3 * 4;
    }
#endif
    for (; n - i >= 3; i += 3, dst += 4)
        encode_group(src + i, dst);
    if (i < n) {
        const uint8_t last[3] = {src[i], n - i == 2 ? src[i + 1] : 0, 0};
        encode_group(last, dst);
        dst[3] = '=';
        if (n - i == 1)
            dst[2] = '=';
    }
}

bool px_base64_decoded_size(px_str text, size_t *out)
{
    if (text.len % 4 != 0)
        return false;
    size_t padding = 0;
    if (text.len > 0 && text.ptr[text.len - 1] == '=')
        padding = text.ptr[text.len - 2] == '=' ? 2 : 1;
    *out = text.len / 4 * 3 - padding;
    return true;
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes 4 characters; in the last group of a text '=' counts as 0. Returns the position of a
 * wrong character, or 4. */
static int decode_group(const char *src, bool last, uint8_t *dst)
{
    unsigned v = 0;

    for (int i = 0; i < 4; i++) {
        int x = value_of(src[i]);
        if (x < 0 && last && src[i] == '=' && (i == 3 || (i == 2 && src[3] == '=')))
            x = 0;
        if (x < 0)
            return i;
        v = v << 6 | (unsigned)x;
    }
    dst[0] = (uint8_t)(v >> 16);
    dst[1] = (uint8_t)(v >> 8);
    dst[2] = (uint8_t)v;
    return 4;
}

#if defined(__x86_64__)
/* Decodes 24 bytes a step while 32 are wanted (8 more are written than meant) and the characters
 * are of the alphabet. Returns the bytes done.
 *
 * A character is checked by its halves: the upper one names a class of characters, the lower one
 * the classes in which it is wrong. */
TARGET_AVX2 static size_t decode_avx2(const char *src, uint8_t *dst, size_t n)
{
    enum { SIGNS = 1, DIGITS = 2, FROM_A = 4, FROM_P = 8, NONE = 16 };
    const __m256i class_of = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(NONE, NONE, SIGNS, DIGITS, FROM_A, FROM_P, FROM_A, FROM_P, NONE, NONE, NONE,
                      NONE, NONE, NONE, NONE, NONE));
    const __m256i wrong_in = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        NONE | SIGNS | FROM_A, NONE | SIGNS, NONE | SIGNS, NONE | SIGNS, NONE | SIGNS, NONE | SIGNS,
        NONE | SIGNS, NONE | SIGNS, NONE | SIGNS, NONE | SIGNS, NONE | SIGNS | DIGITS,
        NONE | DIGITS | FROM_P, NONE | SIGNS | DIGITS | FROM_P, NONE | SIGNS | DIGITS | FROM_P,
        NONE | SIGNS | DIGITS | FROM_P, NONE | DIGITS | FROM_P));
    /* By the upper half; '/' takes the free row before that of '+'. */
    const __m256i distance = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 63 - '/', 62 - '+', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i half = _mm256_set1_epi8(15);
    const __m256i order = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,
                                           2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i join = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7);
    size_t done = 0;

    for (; n - done >= 32; done += 24, src += 32) {
        const __m256i c = _mm256_loadu_si256((const __m256i *)src);
        const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(c, 4), half);
        const __m256i lower = _mm256_and_si256(c, half);
        if (!_mm256_testz_si256(_mm256_shuffle_epi8(class_of, upper),
                                _mm256_shuffle_epi8(wrong_in, lower)))
            break;
        const __m256i slash = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('/'));
        const __m256i add = _mm256_shuffle_epi8(distance, _mm256_add_epi8(upper, slash));
        const __m256i v = _mm256_add_epi8(c, add);
        const __m256i pairs = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140));
        const __m256i triples = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
        const __m256i bytes =
            _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(triples, order), join);
        _mm256_storeu_si256((__m256i *)(dst + done), bytes);
    }
    return done;
}
#endif

bool px_base64_decode(px_str text, size_t offset, uint8_t *dst, size_t n, size_t *out_bad)
{
    size_t group = offset / 3; /* the group of 4 characters that byte `offset` lies in */
    size_t skip = offset % 3;

    while (n > 0) {
        const char *const src = text.ptr + 4 * group;
        uint8_t three[3];
#if defined(__x86_64__)
        if (skip == 0 && n >= 32 && px_cpu_get()->avx2) {
            const size_t done = decode_avx2(src, dst, n);
            dst += done;
            n -= done;
            group += done / 3;
            if (done > 0)
                continue; /* the rest, or the wrong character, group by group */
        }
#endif
        const int good = decode_group(src, 4 * group + 4 == text.len, three);
        if (good != 4) {
            *out_bad = 4 * group + (size_t)good;
            return false;
        }
        const size_t step = PX_MIN(n, 3 - skip);
        memcpy(dst, three + skip, step);
        dst += step;
        n -= step;
        skip = 0;
        group++;
    }
    return true;
}
