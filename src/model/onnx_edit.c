/* model/onnx_edit.c - which tensors are the graph's outputs. */
#include "model/edit.h"

#include "base/log.h"

#define MAX_LISTED 50 /* names that an error shows in full */
#define MAX_NEAREST 5

/* The tensors an option may name. */
typedef struct tensors {
    px_map node_outputs; /* in graph order, those of Constant left out */
    px_map all;          /* these and the graph's inputs */
    px_map typed;        /* value_info: name -> px_onnx_value_info */
} tensors;

static void tensors_fini(tensors *t)
{
    px_map_fini(&t->node_outputs);
    px_map_fini(&t->all);
    px_map_fini(&t->typed);
}

static pgy_status *tensors_init(const px_onnx_graph *g, tensors *t)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < g->n_inputs; i++)
        PX_TRY(px_map_set(&t->all, g->inputs[i].name, NULL));
    for (size_t i = 0; i < g->n_nodes; i++) {
        const px_onnx_node *node = &g->nodes[i];
        for (size_t k = 0; !px_str_is(node->op_type, "Constant") && k < node->n_outputs; k++) {
            if (node->outputs[k].len == 0)
                continue; /* an optional output left out */
            PX_TRY(px_map_set(&t->node_outputs, node->outputs[k], NULL));
            PX_TRY(px_map_set(&t->all, node->outputs[k], NULL));
        }
    }
    for (size_t i = 0; i < g->n_value_infos; i++)
        if (!px_map_has(&t->typed, g->value_infos[i].name))
            PX_TRY(px_map_set(&t->typed, g->value_infos[i].name, &g->value_infos[i]));
done:
    return st;
}

/* Makes the keys of `names` the graph's outputs. */
static pgy_status *set_outputs(px_onnx_model *m, const tensors *t, const px_map *names)
{
    px_onnx_graph *g = &m->graph;
    px_onnx_value_info *at = px_arena_calloc(&m->arena, names->n, sizeof *at);
    if (!at)
        return px_status_nomem();
    for (size_t i = 0; i < names->n; i++) {
        const px_str key = names->at[i].key;
        const px_onnx_value_info *known = px_map_get(&t->typed, key);
        char *name = px_arena_strndup(&m->arena, key.ptr, key.len);
        if (!name)
            return px_status_nomem();
        if (known)
            at[i] = *known;
        else
            at[i] = (px_onnx_value_info){.name = {name, key.len}, .type = {.rank = -1}};
    }
    g->outputs = at;
    g->n_outputs = names->n;
    return NULL;
}

/* --- names and patterns --- */

static void put_names(px_buf *b, const px_map *names)
{
    px_buf_putc(b, '{');
    for (size_t i = 0; i < names->n; i++) {
        if (i > 0)
            px_buf_puts(b, ", ");
        px_buf_repr(b, names->at[i].key);
    }
    px_buf_putc(b, '}');
}

/* 0 for names that contain one another and are not too unlike in length, else the edit distance. */
static int unlikeness(px_str a, px_str b)
{
    size_t shorter = PX_MIN(a.len, b.len), longer = PX_MAX(a.len, b.len);
    return 2 * shorter >= longer && px_str_overlap_nocase(a, b) ? 0 : px_str_distance(a, b);
}

/* "Did you mean 'a', 'b'?" for names at most a third of their length away. */
static void put_nearest(px_buf *b, px_str name, const px_map *all)
{
    int n = 0;
    for (int distance = 0; distance <= (int)(name.len / 3) + 1 && n < MAX_NEAREST; distance++) {
        for (size_t i = 0; i < all->n && n < MAX_NEAREST; i++) {
            const px_str key = all->at[i].key;
            if (unlikeness(key, name) != distance)
                continue;
            px_buf_puts(b, n++ == 0 ? "\nNote: Did you mean " : ", ");
            px_buf_repr(b, key);
        }
    }
    if (n > 0)
        px_buf_puts(b, "?");
}

static pgy_status *not_found(const px_map *wanted, const px_map *missing, const px_map *all)
{
    px_buf b = {0};
    px_buf_puts(&b, "The following outputs were not found in the model: ");
    put_names(&b, missing);
    px_buf_puts(&b, ".");
    for (size_t i = 0; i < missing->n && i < MAX_NEAREST; i++)
        put_nearest(&b, missing->at[i].key, all);
    if (all->n <= MAX_LISTED) {
        px_buf_puts(&b, "\nNote: outputs requested were: ");
        put_names(&b, wanted);
        px_buf_puts(&b, ", but all outputs are: ");
        put_names(&b, all);
    }
    pgy_status *st = px_buf_status(&b);
    if (!st)
        st = PX_FAIL(PGY_ERR_USAGE, "%s", px_buf_cstr(&b));
    px_buf_fini(&b);
    return st;
}

static bool is_pattern(px_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (strchr("*?[", name.ptr[i]))
            return true;
    return false;
}

/* Names and patterns to names of tensors, in order, each once. */
static pgy_status *resolve(pgy_context *cx, const tensors *t, const char *const *names, size_t n,
                           px_map *out)
{
    pgy_status *st = NULL;
    px_map missing = {0};
    for (size_t i = 0; i < n; i++) {
        const px_str name = px_str_of(names[i]);
        if (px_map_has(&t->all, name)) {
            PX_TRY(px_map_set(out, name, NULL));
            continue;
        }
        if (!is_pattern(name)) {
            PX_TRY(px_map_set(&missing, name, NULL));
            PX_TRY(px_map_set(out, name, NULL));
            continue;
        }
        size_t n_matches = 0;
        for (size_t k = 0; k < t->node_outputs.n; k++) {
            if (!px_str_fnmatch(name, t->node_outputs.at[k].key))
                continue;
            PX_TRY(px_map_set(out, t->node_outputs.at[k].key, NULL));
            n_matches++;
        }
        if (n_matches == 0)
            px_log(cx, PGY_LOG_WARNING, PX_AT_ONNX, "No tensors matched wildcard pattern: '%s'",
                   names[i]);
    }
    if (missing.n > 0)
        PX_TRY(not_found(out, &missing, &t->all));
done:
    px_map_fini(&missing);
    return st;
}

pgy_status *px_onnx_mark_all(pgy_context *cx, px_onnx_model *m)
{
    pgy_status *st = NULL;
    tensors t = {0};
    px_log(cx, PGY_LOG_VERBOSE, PX_AT_ONNX, "Marking all ONNX tensors as outputs");
    PX_TRY(tensors_init(&m->graph, &t));
    PX_TRY(set_outputs(m, &t, &t.node_outputs));
done:
    tensors_fini(&t);
    return st;
}

pgy_status *px_onnx_mark_outputs(pgy_context *cx, px_onnx_model *m, const char *const *names,
                                 size_t n)
{
    pgy_status *st = NULL;
    tensors t = {0};
    px_map wanted = {0};
    PX_TRY(tensors_init(&m->graph, &t));
    PX_TRY(resolve(cx, &t, names, n, &wanted));
    if (wanted.n == 0)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "No outputs were selected. Please check your wildcard patterns."));
    PX_TRY(set_outputs(m, &t, &wanted));
done:
    px_map_fini(&wanted);
    tensors_fini(&t);
    return st;
}

pgy_status *px_onnx_exclude_outputs(pgy_context *cx, px_onnx_model *m, const char *const *names,
                                    size_t n)
{
    pgy_status *st = NULL;
    tensors t = {0};
    px_map dropped = {0};
    px_onnx_graph *g = &m->graph;
    size_t n_left = 0;
    PX_TRY(tensors_init(g, &t));
    PX_TRY(resolve(cx, &t, names, n, &dropped));
    for (size_t i = 0; i < g->n_outputs; i++)
        if (!px_map_has(&dropped, g->outputs[i].name))
            g->outputs[n_left++] = g->outputs[i];
    g->n_outputs = n_left;
done:
    px_map_fini(&dropped);
    tensors_fini(&t);
    return st;
}

/* --- by operator type --- */

/* Length of the blocks that two texts share, found as Python's difflib does: the longest common
 * run (the first one of that length in `a`, then in `b`), then the same left and right of it. */
static size_t shared(px_str a, px_str b)
{
    size_t best = 0, at_a = 0, at_b = 0;
    for (size_t i = 0; i < a.len; i++) {
        for (size_t j = 0; j < b.len; j++) {
            size_t k = 0;
            while (i + k < a.len && j + k < b.len && a.ptr[i + k] == b.ptr[j + k])
                k++;
            if (k > best) {
                best = k;
                at_a = i;
                at_b = j;
            }
        }
    }
    if (best == 0)
        return 0;
    px_str left_a = {a.ptr, at_a}, left_b = {b.ptr, at_b};
    px_str right_a = {a.ptr + at_a + best, a.len - at_a - best};
    px_str right_b = {b.ptr + at_b + best, b.len - at_b - best};
    return best + shared(left_a, left_b) + shared(right_a, right_b);
}

static int by_name(const void *a, const void *b)
{
    const px_str x = *(const px_str *)a, y = *(const px_str *)b;
    int order = memcmp(x.ptr, y.ptr, PX_MIN(x.len, y.len));
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

/* COMPAT: Python's difflib.get_close_matches(word, types, n=5, cutoff=0.6): best first, ties by
 * name, descending (test close_types_are_those_of_difflib). */
static size_t close_types(px_str word, const px_str *types, size_t n, px_str out[MAX_NEAREST])
{
    double scores[MAX_NEAREST] = {0};
    size_t n_out = 0;
    if (word.len > 256)
        return 0; /* no operator is called so; keeps `shared` shallow */
    for (size_t i = n; i-- > 0;) {
        double total = (double)(word.len + types[i].len);
        double score = types[i].len > 256 ? 0.0 : 2.0 * (double)shared(types[i], word) / total;
        size_t k = n_out;
        if (score < 0.6)
            continue;
        while (k > 0 && scores[k - 1] < score)
            k--;
        if (k == MAX_NEAREST)
            continue;
        n_out = PX_MIN(n_out + 1, (size_t)MAX_NEAREST);
        memmove(&out[k + 1], &out[k], (n_out - 1 - k) * sizeof out[0]);
        memmove(&scores[k + 1], &scores[k], (n_out - 1 - k) * sizeof scores[0]);
        out[k] = types[i];
        scores[k] = score;
    }
    return n_out;
}

static pgy_status *log_unknown_type(pgy_context *cx, const px_onnx_graph *g, const char *type)
{
    pgy_status *st = NULL;
    px_map unique = {0};
    px_str *types = NULL, close[MAX_NEAREST];
    px_buf b = {0};
    for (size_t i = 0; i < g->n_nodes; i++)
        PX_TRY(px_map_set(&unique, g->nodes[i].op_type, NULL));
    PX_TRY(PX_ALLOC(types, unique.n));
    for (size_t i = 0; i < unique.n; i++)
        types[i] = unique.at[i].key;
    qsort(types, unique.n, sizeof *types, by_name);
    size_t n_close = close_types(px_str_of(type), types, unique.n, close);
    px_buf_printf(&b, "No ONNX nodes of op type '%s' were found in the model. ", type);
    if (n_close > 0) {
        px_buf_puts(&b, "Did you mean one of: ");
        px_buf_repr_list(&b, close, n_close);
        px_buf_putc(&b, '?');
    } else {
        px_buf_puts(&b, "Available op types: ");
        px_buf_repr_list(&b, types, unique.n);
    }
    PX_TRY(px_buf_status(&b));
    px_log_text(cx, PGY_LOG_ERROR, PX_AT_ONNX, px_buf_str(&b));
done:
    px_buf_fini(&b);
    px_mem_free(types);
    px_map_fini(&unique);
    return st;
}

pgy_status *px_onnx_mark_by_type(pgy_context *cx, px_onnx_model *m, const char *const *types,
                                 size_t n)
{
    pgy_status *st = NULL;
    tensors t = {0};
    px_map wanted = {0}, missing = {0};
    const px_onnx_graph *g = &m->graph;
    PX_TRY(tensors_init(g, &t));
    for (size_t i = 0; i < n; i++) {
        size_t n_nodes = 0;
        for (size_t k = 0; k < g->n_nodes; k++) {
            const px_onnx_node *node = &g->nodes[k];
            if (!px_str_eq_nocase(node->op_type, px_str_of(types[i])))
                continue;
            n_nodes++;
            for (size_t j = 0; j < node->n_outputs; j++) {
                if (node->outputs[j].len == 0)
                    continue;
                PX_TRY(px_map_set(&wanted, node->outputs[j], NULL));
                if (!px_map_has(&t.all, node->outputs[j]))
                    PX_TRY(px_map_set(&missing, node->outputs[j], NULL));
            }
        }
        if (n_nodes == 0)
            PX_TRY(log_unknown_type(cx, g, types[i]));
    }
    if (missing.n > 0)
        PX_TRY(not_found(&wanted, &missing, &t.all));
    if (wanted.n > 0)
        PX_TRY(set_outputs(m, &t, &wanted));
done:
    px_map_fini(&missing);
    px_map_fini(&wanted);
    tensors_fini(&t);
    return st;
}
