/* onnx_dump.c - prints what the library read from ONNX files, in the form that
 * test_onnx_read.py makes from the onnx package's own reading.
 *
 * Reads paths from stdin, one a line. Per file: "file PATH", then one line per fact, indented by
 * depth; tensors with the CRC-32 of their elements. An unreadable file gives an "error" line.
 */
#include "base/file.h"
#include "base/tensor.h"
#include "model/model.h"

static uint32_t crc_table[256];

static void crc_init(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        crc_table[i] = c;
    }
}

static uint32_t crc(uint32_t c, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    c = ~c;
    for (size_t i = 0; i < size; i++)
        c = crc_table[(c ^ p[i]) & 0xff] ^ c >> 8;
    return ~c;
}

static void text(px_str s)
{
    putchar('"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c > 0x20 && c < 0x7f && c != '\\' && c != '"')
            putchar(c);
        else
            printf("\\x%02x", c);
    }
    putchar('"');
}

static void line(int depth, const char *word)
{
    printf("%*s%s", depth * 2, "", word);
}

static void named(int depth, const char *word, px_str s)
{
    line(depth, word);
    putchar(' ');
    text(s);
}

static void float_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    printf(" %08x", u);
}

static void type_text(const px_onnx_type *t)
{
    static const char *const names[] = {"none", "tensor",   "sparse", "sequence",
                                        "map",  "optional", "opaque"};
    printf("%s(", names[t->kind]);
    if (t->kind == PX_ONNX_TYPE_TENSOR || t->kind == PX_ONNX_TYPE_SPARSE_TENSOR) {
        printf("%d", t->dtype);
        if (t->rank >= 0)
            printf(",%d", t->rank);
        for (int i = 0; i < t->rank; i++) {
            printf(",%lld", (long long)t->dims[i].value);
            text(t->dims[i].symbol);
        }
    } else if (t->element) {
        if (t->kind == PX_ONNX_TYPE_MAP)
            printf("%d,", t->dtype);
        type_text(t->element);
    }
    putchar(')');
}

static void dims(int rank, const int64_t *d)
{
    putchar('[');
    for (int i = 0; i < rank; i++)
        printf("%s%lld", i ? "," : "", (long long)d[i]);
    putchar(']');
}

static void tensor(int depth, const px_onnx_model *m, const px_onnx_tensor *t)
{
    named(depth, "tensor", t->name);
    printf(" %d ", t->data_type);
    dims(t->rank, t->dims);
    pgy_tensor *data = NULL;
    pgy_status *st = px_onnx_tensor_load(m, t, &data);
    if (st) {
        printf(" unreadable\n");
        fprintf(stderr, "%s\n", pgy_status_message(st));
        pgy_status_free(st);
        return;
    }
    uint32_t c = 0;
    size_t size = pgy_tensor_size(data);
    if (t->dtype == PGY_DTYPE_STRING) {
        const pgy_string *s = pgy_tensor_data(data);
        size = 0;
        for (int64_t i = 0; i < pgy_tensor_count(data); i++) {
            c = crc(crc(c, s[i].ptr, s[i].len), "", 1);
            size += s[i].len + 1;
        }
    } else {
        c = crc(0, pgy_tensor_data(data), size);
    }
    printf(" %zu %08x\n", size, c);
    pgy_tensor_free(data);
}

static void sparse(int depth, const px_onnx_model *m, const px_onnx_sparse *s)
{
    line(depth, "sparse ");
    dims(s->rank, s->dims);
    putchar('\n');
    tensor(depth + 1, m, &s->values);
    tensor(depth + 1, m, &s->indices);
}

static void values(int depth, const char *word, const px_onnx_value_info *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        named(depth, word, v[i].name);
        putchar(' ');
        type_text(&v[i].type);
        putchar('\n');
    }
}

static void strings(int depth, const char *word, const px_str *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        named(depth, word, s[i]);
        putchar('\n');
    }
}

static void graph(int depth, const px_onnx_model *m, const px_onnx_graph *g);

static void attr(int depth, const px_onnx_model *m, const px_onnx_attr *a)
{
    named(depth, "attr", a->name);
    printf(" %d", a->type);
    if (a->ref_attr_name.len) {
        named(0, " ref", a->ref_attr_name);
        putchar('\n');
        return;
    }
    if (a->type == PX_ONNX_ATTR_FLOAT)
        float_bits(a->f);
    if (a->type == PX_ONNX_ATTR_INT)
        printf(" %lld", (long long)a->i);
    if (a->type == PX_ONNX_ATTR_STRING)
        named(0, "", a->s);
    for (size_t i = 0; a->type == PX_ONNX_ATTR_FLOATS && i < a->n; i++)
        float_bits(a->floats[i]);
    for (size_t i = 0; a->type == PX_ONNX_ATTR_INTS && i < a->n; i++)
        printf(" %lld", (long long)a->ints[i]);
    for (size_t i = 0; a->type == PX_ONNX_ATTR_STRINGS && i < a->n; i++)
        named(0, "", a->strings[i]);
    for (size_t i = 0; a->tp && i < a->n; i++) {
        putchar(' ');
        type_text(&a->tp[i]);
    }
    putchar('\n');
    for (size_t i = 0; a->t && i < a->n; i++)
        tensor(depth + 1, m, &a->t[i]);
    for (size_t i = 0; a->sparse && i < a->n; i++)
        sparse(depth + 1, m, &a->sparse[i]);
    for (size_t i = 0; a->g && i < a->n; i++)
        graph(depth + 1, m, &a->g[i]);
}

static void node(int depth, const px_onnx_model *m, const px_onnx_node *n)
{
    named(depth, "node", n->name);
    named(0, "", n->op_type);
    named(0, "", n->domain);
    named(0, "", n->overload);
    putchar('\n');
    strings(depth + 1, "in", n->inputs, n->n_inputs);
    strings(depth + 1, "out", n->outputs, n->n_outputs);
    for (size_t i = 0; i < n->n_attrs; i++)
        attr(depth + 1, m, &n->attrs[i]);
}

static void graph(int depth, const px_onnx_model *m, const px_onnx_graph *g)
{
    named(depth, "graph", g->name);
    putchar('\n');
    values(depth + 1, "input", g->inputs, g->n_inputs);
    values(depth + 1, "output", g->outputs, g->n_outputs);
    values(depth + 1, "value", g->value_infos, g->n_value_infos);
    for (size_t i = 0; i < g->n_initializers; i++)
        tensor(depth + 1, m, &g->initializers[i]);
    for (size_t i = 0; i < g->n_sparse_initializers; i++)
        sparse(depth + 1, m, &g->sparse_initializers[i]);
    for (size_t i = 0; i < g->n_nodes; i++)
        node(depth + 1, m, &g->nodes[i]);
}

static void opsets(int depth, const px_onnx_opset *o, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        named(depth, "opset", o[i].domain);
        printf(" %lld\n", (long long)o[i].version);
    }
}

static void function(const px_onnx_model *m, const px_onnx_function *f)
{
    named(1, "function", f->domain);
    named(0, "", f->name);
    named(0, "", f->overload);
    putchar('\n');
    strings(2, "in", f->inputs, f->n_inputs);
    strings(2, "out", f->outputs, f->n_outputs);
    strings(2, "attr_name", f->attr_names, f->n_attr_names);
    for (size_t i = 0; i < f->n_attr_defaults; i++)
        attr(2, m, &f->attr_defaults[i]);
    opsets(2, f->opsets, f->n_opsets);
    values(2, "value", f->value_infos, f->n_value_infos);
    for (size_t i = 0; i < f->n_nodes; i++)
        node(2, m, &f->nodes[i]);
}

static void dump(pgy_context *cx, const char *path)
{
    pgy_model *model = NULL;
    px_onnx_model *m = NULL;
    printf("file %s\n", path);
    pgy_status *st = px_model_open(cx, path, PGY_MODEL_ONNX, &model);
    if (!st)
        st = px_model_onnx(model, &m);
    if (st) {
        printf("error\n");
        fprintf(stderr, "%s\n", pgy_status_message(st));
    } else {
        printf("model %lld", (long long)m->ir_version);
        named(0, "", m->producer_name);
        named(0, "", m->producer_version);
        putchar('\n');
        opsets(1, m->opsets, m->n_opsets);
        graph(1, m, &m->graph);
        for (size_t i = 0; i < m->n_functions; i++)
            function(m, &m->functions[i]);
    }
    pgy_status_free(st);
    pgy_model_close(model);
}

int main(void)
{
    char path[4096];
    pgy_context *cx = NULL;
    pgy_status *st = pgy_context_new(&cx);
    if (st)
        return 1;
    crc_init();
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = '\0';
        dump(cx, path);
    }
    pgy_context_free(cx);
    return 0;
}
