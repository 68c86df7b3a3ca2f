/* SHA-256 (FIPS 180-4) of a whole buffer, for tests that compare with recorded digests. */
#ifndef PX_TEST_SHA256_H
#define PX_TEST_SHA256_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static inline uint32_t sha256_rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* The fractional bits of a root of p, found with integers: constants need no table. */
static inline uint32_t sha256_root_bits(uint32_t p, int degree)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t low = 0, high = UINT64_C(1) << 40; /* floor(root(p) * 2^32) */

    while (high - low > 1) {
        const uint64_t mid = low + (high - low) / 2;
        wide power = (wide)mid * mid;
        wide bound = (wide)p << 64;
        if (degree == 3) {
            /* mid^3 <= p * 2^96, compared as mid^2 <= p * 2^96 / mid. */
            bound = ((wide)p << 96) / mid;
        }
        if (power <= bound)
            low = mid;
        else
            high = mid;
    }
    return (uint32_t)low;
}

static inline void sha256_block(uint32_t state[8], const uint32_t k[64], const uint8_t *p)
{
    uint32_t w[64], s[8];

    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
               (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (sha256_rotate(a, 7) ^ sha256_rotate(a, 18) ^ a >> 3) +
               (sha256_rotate(b, 17) ^ sha256_rotate(b, 19) ^ b >> 10);
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        const uint32_t e = s[4], a = s[0];
        const uint32_t t1 = s[7] +
                            (sha256_rotate(e, 6) ^ sha256_rotate(e, 11) ^ sha256_rotate(e, 25)) +
                            ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
        const uint32_t t2 = (sha256_rotate(a, 2) ^ sha256_rotate(a, 13) ^ sha256_rotate(a, 22)) +
                            ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

static inline void sha256_hex(const void *data, size_t n, char out[65])
{
    uint32_t k[64], state[8];
    int n_primes = 0;
    const uint8_t *p = data;
    uint8_t last[128] = {0};

    for (uint32_t c = 2; n_primes < 64; c++) {
        uint32_t d = 2;
        while (d * d <= c && c % d != 0)
            d++;
        if (d * d <= c)
            continue;
        k[n_primes] = sha256_root_bits(c, 3);
        if (n_primes < 8)
            state[n_primes] = sha256_root_bits(c, 2);
        n_primes++;
    }
    size_t left = n;
    for (; left >= 64; left -= 64, p += 64)
        sha256_block(state, k, p);
    if (left > 0)
        memcpy(last, p, left);
    last[left] = 0x80;
    const size_t end = left < 56 ? 64 : 128;
    for (int i = 0; i < 8; i++)
        last[end - 1 - (size_t)i] = (uint8_t)((uint64_t)n * 8 >> 8 * i);
    sha256_block(state, k, last);
    if (end == 128)
        sha256_block(state, k, last + 64);
    for (int i = 0; i < 8; i++)
        snprintf(out + 8 * i, 9, "%08x", (unsigned)state[i]);
}

#endif
