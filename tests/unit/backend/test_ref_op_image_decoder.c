/* ImageDecoder: small files of each kind, and the same files damaged in every byte. */
#include "ref_node.h"

#include <zlib.h>

/* What both test pictures show: red, green / blue, white; and the same in grey. */
static const double rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
static const double bgr[] = {0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255};
static const double grey[] = {76, 150, 29, 255};

typedef struct encoded {
    uint8_t at[512];
    size_t n;
} encoded;

static void add(encoded *e, const void *bytes, size_t n)
{
    assert_true(e->n + n <= sizeof e->at);
    if (n > 0)
        memcpy(e->at + e->n, bytes, n);
    e->n += n;
}

static void add_number(encoded *e, uint32_t v, int bytes, bool is_big)
{
    for (int i = 0; i < bytes; i++) {
        const int shift = 8 * (is_big ? bytes - 1 - i : i);
        const uint8_t b = shift < 32 ? (uint8_t)(v >> shift) : 0;
        add(e, &b, 1);
    }
}

static encoded of_text(const char *text)
{
    encoded e = {0};
    add(&e, text, strlen(text));
    return e;
}

static encoded bmp(int bits, bool is_upside_up)
{
    encoded e = {0};
    const int32_t height = is_upside_up ? -2 : 2;
    const uint8_t colours[] = {0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0};
    const uint32_t table = bits == 8 ? 16 : 0;
    add(&e, "BM", 2);
    add_number(&e, 0, 8, false);
    add_number(&e, 54 + table, 4, false);
    add_number(&e, 40, 4, false);
    add_number(&e, 2, 4, false);
    add_number(&e, (uint32_t)height, 4, false);
    add_number(&e, 1, 2, false);
    add_number(&e, (uint32_t)bits, 2, false);
    add_number(&e, 0, 16, false);
    add_number(&e, bits == 8 ? 4 : 0, 4, false);
    add_number(&e, 0, 4, false);
    add(&e, colours, table);
    for (int i = 0; i < 2; i++) {
        const int y = is_upside_up ? i : 1 - i;
        for (int x = 0; x < 2; x++) {
            const uint8_t index = (uint8_t)(2 * y + x);
            if (bits == 8)
                add(&e, &index, 1);
            else
                add(&e, colours + 4 * index, (size_t)bits / 8);
        }
        add_number(&e, 0, bits == 24 || bits == 8 ? 2 : 0, false);
    }
    return e;
}

static void add_chunk(encoded *e, const char *type, const void *data, size_t n)
{
    add_number(e, (uint32_t)n, 4, true);
    add(e, type, 4);
    add(e, data, n);
    add_number(e, 0, 4, true); /* the checksum, which is not looked at */
}

/* `raw`: filtered rows. */
static encoded png(int bits, int kind, const uint8_t *raw, size_t n, const uint8_t *palette)
{
    encoded e = {0}, header = {0};
    uint8_t packed[256];
    uLongf n_packed = sizeof packed;
    add(&e, "\x89PNG\r\n\x1a\n", 8);
    add_number(&header, 2, 4, true);
    add_number(&header, 2, 4, true);
    add(&header, (const uint8_t[]){(uint8_t)bits, (uint8_t)kind, 0, 0, 0}, 5);
    add_chunk(&e, "IHDR", header.at, header.n);
    if (palette)
        add_chunk(&e, "PLTE", palette, 12);
    assert_int_equal(compress(packed, &n_packed, raw, n), Z_OK);
    add_chunk(&e, "IDAT", packed, n_packed / 2); /* in two parts */
    add_chunk(&e, "IDAT", packed + n_packed / 2, n_packed - n_packed / 2);
    add_chunk(&e, "IEND", NULL, 0);
    return e;
}

static encoded png_palette(void)
{
    static const uint8_t palette[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
    return png(2, 3, (const uint8_t[]){0, 0x10, 0, 0xb0}, 4, palette);
}

static encoded png_filtered(void)
{
    /* Rows filtered by Sub and Paeth, four channels. */
    return png(8, 6,
               (const uint8_t[]){1, 255, 0, 0, 9, 1, 255, 0, 0, //
                                 4, 1, 0, 255, 0, 255, 0, 0, 0},
               18, NULL);
}

static void add_entry(encoded *e, bool is_big, uint32_t tag, uint32_t type, uint32_t n, uint32_t v)
{
    add_number(e, tag, 2, is_big);
    add_number(e, type, 2, is_big);
    add_number(e, n, 4, is_big);
    if (type == 3 && n == 1) {
        add_number(e, v, 2, is_big);
        v = 0;
    }
    add_number(e, v, type == 3 && n == 1 ? 2 : 4, is_big);
}

static encoded tiff(bool is_big)
{
    encoded e = {0};
    add(&e, is_big ? "MM\0*" : "II*\0", 4);
    add_number(&e, 8, 4, is_big);
    add_number(&e, 7, 2, is_big);
    add_entry(&e, is_big, 256, 4, 1, 2);
    add_entry(&e, is_big, 257, 3, 1, 2);
    add_entry(&e, is_big, 258, 3, 3, 98);
    add_entry(&e, is_big, 262, 3, 1, 2);
    add_entry(&e, is_big, 273, 4, 2, 104); /* two strips of one row */
    add_entry(&e, is_big, 277, 3, 1, 3);
    add_entry(&e, is_big, 278, 3, 1, 1);
    add_number(&e, 0, 4, is_big);
    for (int i = 0; i < 3; i++)
        add_number(&e, 8, 2, is_big);
    assert_int_equal(e.n, 104);
    add_number(&e, 112, 4, is_big);
    add_number(&e, 118, 4, is_big);
    for (size_t i = 0; i < 12; i++)
        add_number(&e, (uint32_t)rgb[i], 1, is_big);
    return e;
}

static node_case case_of(const encoded *e, const char *format)
{
    return (node_case){.op = "ImageDecoder",
                       .opset = 20,
                       .n_in = 1,
                       .in = {{PGY_DTYPE_U8, 1, {(int64_t)e->n}, NULL, e->at}},
                       .attrs = {{.name = PX_STR("pixel_format"),
                                  .type = PX_ONNX_ATTR_STRING,
                                  .s = px_str_of(format)}},
                       .n_attrs = format ? 1 : 0};
}

static void expect_all_formats(encoded e)
{
    node_case k = case_of(&e, NULL);
    node_expect(&k, PGY_DTYPE_U8, 12, rgb, 0);
    k = case_of(&e, "BGR");
    node_expect(&k, PGY_DTYPE_U8, 12, bgr, 0);
    k = case_of(&e, "Grayscale");
    node_expect(&k, PGY_DTYPE_U8, 4, grey, 0);
}

static const char p3[] = "P3 # text\n2 2 15\n15 0 0 0 15 0 0 0 15 15 15 15\n";

static void reads_each_kind(void **state)
{
    PX_UNUSED(state);
    encoded e = of_text("P6\n2 2\n255\n");
    for (size_t i = 0; i < 12; i++)
        add_number(&e, (uint32_t)rgb[i], 1, true);
    expect_all_formats(e);
    expect_all_formats(of_text(p3));
    expect_all_formats(bmp(24, false));
    expect_all_formats(bmp(24, true));
    expect_all_formats(bmp(32, false));
    expect_all_formats(bmp(8, false));
    expect_all_formats(png_palette());
    expect_all_formats(png_filtered());
    expect_all_formats(tiff(false));
    expect_all_formats(tiff(true));
}

static void names_what_it_refuses(void **state)
{
    PX_UNUSED(state);
    const struct {
        const char *text, *part;
        pgy_error code;
    } list[] = {
        {"hello", "the encoded image is none of PNG, JPEG", PGY_ERR_UNSUPPORTED},
        {"RIFF    WAVE", "the encoded image is none of PNG, JPEG", PGY_ERR_UNSUPPORTED},
        {"P6 2 2 255\n1", "its pixels are cut off", PGY_ERR_MODEL},
        {"P6 2 2 65535\n1", "more than 8 bits", PGY_ERR_UNSUPPORTED},
        {"P2 1 1 3 4", "beyond the largest value", PGY_ERR_MODEL},
        {"P2 0 1 3", "out of range", PGY_ERR_MODEL},
        {"BM", "its header is cut off", PGY_ERR_MODEL},
    };
    for (size_t i = 0; i < PX_COUNTOF(list); i++) {
        const encoded e = of_text(list[i].text);
        node_case k = case_of(&e, NULL);
        node_expect_error(&k, list[i].code, list[i].part);
    }
    const encoded e = of_text(p3);
    node_case k = case_of(&e, "CMYK");
    node_expect_error(&k, PGY_ERR_MODEL, "pixel_format 'CMYK'");
}

/* Runs it for the sanitizers' sake: any verdict is right, a crash is not. */
static void run_any(const encoded *e)
{
    pgy_tensor *out[NODE_MAX] = {0};
    const node_case k = case_of(e, NULL);
    pgy_status_free(node_run(&k, out));
    pgy_tensor_free(out[0]);
}

static void survives_damage(void **state)
{
    PX_UNUSED(state);
    const encoded list[] = {of_text(p3),    bmp(24, false), bmp(8, false), png_palette(),
                            png_filtered(), tiff(false),    tiff(true)};
    for (size_t i = 0; i < PX_COUNTOF(list); i++)
        for (size_t at = 0; at < list[i].n; at++) {
            encoded e = list[i];
            e.n = at;
            run_any(&e);
            e.n = list[i].n;
            for (int k = 0; k < 3; k++) {
                e.at[at] = (uint8_t)(list[i].at[at] ^ (k == 0 ? 0xff : k == 1 ? 1 : 0x80));
                run_any(&e);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_kind),
        cmocka_unit_test(names_what_it_refuses),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
