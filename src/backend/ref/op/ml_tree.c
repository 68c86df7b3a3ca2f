/* backend/ref/op/ml_tree.c - tree ensembles of ai.onnx.ml, in their old form (one row per node,
 * leaves among them) and in that of version 5 (inner nodes and leaves apart).
 *
 * Both become the same arrays: a node has two children, and what a leaf contributes is a range of
 * (target, weight) pairs. A walk takes at most as many steps as there are nodes, so that a tree
 * with a loop is an error and not a hang. The arrays depend on attributes only and are kept.
 */
#include "backend/ref/op/ml.h"

#include <math.h>

typedef enum tree_mode {
    TREE_LEQ,
    TREE_LT,
    TREE_GTE,
    TREE_GT,
    TREE_EQ,
    TREE_NEQ,
    TREE_MEMBER,
    TREE_LEAF
} tree_mode;

typedef struct tree_node {
    tree_mode mode;
    bool missing_goes_true;
    int64_t feature;
    double value;
    int64_t yes, no;  /* nodes */
    int64_t first, n; /* LEAF: pairs; MEMBER: values */
} tree_node;

typedef struct tree_pair {
    int64_t target;
    double weight;
} tree_pair;

typedef struct forest {
    int64_t n_nodes, n_roots, n_pairs, n_members, n_features, n_targets;
    tree_node *nodes;
    int64_t *roots;
    tree_pair *pairs;
    double *members;
    bool is_single_target, is_all_positive; /* of the weights there are */
} forest;

static void forest_free(void *state)
{
    forest *f = state;
    if (!f)
        return;
    px_mem_free(f->nodes);
    px_mem_free(f->roots);
    px_mem_free(f->pairs);
    px_mem_free(f->members);
    px_mem_free(f);
}

static pgy_status *forest_alloc(forest *f)
{
    pgy_status *st = NULL;
    PX_TRY(PX_ALLOC(f->nodes, (size_t)f->n_nodes));
    PX_TRY(PX_ALLOC(f->roots, (size_t)f->n_roots));
    PX_TRY(PX_ALLOC(f->pairs, (size_t)f->n_pairs));
    PX_TRY(PX_ALLOC(f->members, (size_t)f->n_members));
done:
    return st;
}

static void forest_summarize(forest *f)
{
    f->is_single_target = f->is_all_positive = true;
    for (int64_t i = 0; i < f->n_pairs; i++) {
        f->is_single_target = f->is_single_target && f->pairs[i].target == f->pairs[0].target;
        f->is_all_positive = f->is_all_positive && f->pairs[i].weight >= 0;
    }
    for (int64_t i = 0; i < f->n_nodes; i++)
        if (f->nodes[i].mode != TREE_LEAF)
            f->n_features = PX_MAX(f->n_features, f->nodes[i].feature + 1);
}

/* --- the old form --- */

/* Numbers from a FLOATS attribute or a TENSOR one named "<name>_as_tensor". */
static pgy_status *numbers_of(px_ref_call *c, const char *name, const double **out, int64_t *n)
{
    pgy_status *st = NULL;
    char tensor_name[48];
    px_ref_value v = {0};
    const float *floats = px_ml_floats(c, name, n);
    double *numbers;
    snprintf(tensor_name, sizeof tensor_name, "%s_as_tensor", name);
    *out = NULL;
    if (!floats) {
        PX_TRY(px_ref_attr_tensor(c, tensor_name, &v));
        if (v.kind == PX_REF_NONE)
            goto done;
        if (v.t->dtype != PGY_DTYPE_F64)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Attribute %s is no float tensor", tensor_name));
        *n = v.t->count;
    }
    PX_TRY(PX_MOVE_SCRATCH(c, numbers, *n));
    for (int64_t i = 0; i < *n; i++)
        numbers[i] = floats ? (double)floats[i] : ((const double *)v.t->data)[i];
    *out = numbers;
done:
    px_ref_value_free(&v);
    return st;
}

typedef struct node_keys {
    const int64_t *trees, *nodes;
} node_keys;

static int key_compare(const node_keys *k, int64_t a, int64_t tree, int64_t node)
{
    if (k->trees[a] != tree)
        return k->trees[a] < tree ? -1 : 1;
    return (k->nodes[a] > node) - (k->nodes[a] < node);
}

static bool key_less(const void *arg, int64_t a, int64_t b)
{
    const node_keys *k = arg;
    return key_compare(k, a, k->trees[b], k->nodes[b]) < 0;
}

/* The row of a node; -1 when there is none. `order` sorts the rows by key. */
static int64_t key_find(const node_keys *k, const int64_t *order, int64_t n, int64_t tree,
                        int64_t node)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (key_compare(k, order[mid], tree, node) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && key_compare(k, order[lo], tree, node) == 0 ? order[lo] : -1;
}

static const char *const mode_names[] = {
    [TREE_LEQ] = "BRANCH_LEQ", [TREE_LT] = "BRANCH_LT", [TREE_GTE] = "BRANCH_GTE",
    [TREE_GT] = "BRANCH_GT",   [TREE_EQ] = "BRANCH_EQ", [TREE_NEQ] = "BRANCH_NEQ",
    [TREE_MEMBER] = "",        [TREE_LEAF] = "LEAF"};

static pgy_status *old_nodes(px_ref_call *c, forest *f, const node_keys *keys, const int64_t *order)
{
    pgy_status *st = NULL;
    int64_t n[6], n_values;
    const int64_t *features = px_ml_ints(c, "nodes_featureids", &n[0]);
    const int64_t *yes = px_ml_ints(c, "nodes_truenodeids", &n[1]);
    const int64_t *no = px_ml_ints(c, "nodes_falsenodeids", &n[2]);
    const int64_t *missing = px_ml_ints(c, "nodes_missing_value_tracks_true", &n[3]);
    const px_str *modes = px_ml_strings(c, "nodes_modes", &n[4]);
    const double *values;
    PX_TRY(numbers_of(c, "nodes_values", &values, &n_values));
    if (n[0] != f->n_nodes || n[1] != f->n_nodes || n[2] != f->n_nodes || n[4] != f->n_nodes ||
        n_values != f->n_nodes || !values || (missing && n[3] != f->n_nodes))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The attributes nodes_* differ in length"));
    for (int64_t i = 0; i < f->n_nodes; i++) {
        tree_node *node = &f->nodes[i];
        int mode = 0;
        while (mode <= TREE_LEAF && !px_str_is(modes[i], mode_names[mode]))
            mode++;
        if (mode > TREE_LEAF || mode == TREE_MEMBER)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Node mode \"%.*s\" is not known",
                               PX_STR_ARG(modes[i])));
        node->mode = (tree_mode)mode;
        node->missing_goes_true = missing && missing[i] != 0;
        node->value = values[i];
        if (mode == TREE_LEAF)
            continue;
        node->feature = features[i];
        node->yes = key_find(keys, order, f->n_nodes, keys->trees[i], yes[i]);
        node->no = key_find(keys, order, f->n_nodes, keys->trees[i], no[i]);
        if (node->yes < 0 || node->no < 0 || features[i] < 0 || features[i] >= INT32_MAX)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                               "Node %lld of tree %lld has no usable children "
                               "or feature",
                               (long long)keys->nodes[i], (long long)keys->trees[i]));
    }
done:
    return st;
}

typedef struct pair_keys {
    const int64_t *rows; /* node of each pair */
} pair_keys;

static bool pair_less(const void *arg, int64_t a, int64_t b)
{
    const pair_keys *k = arg;
    return k->rows[a] < k->rows[b];
}

/* Leaf weights under attributes "<side>_treeids" and so on, sorted by their nodes. */
static pgy_status *old_pairs(px_ref_call *c, forest *f, const char *side, const node_keys *keys,
                             const int64_t *order)
{
    pgy_status *st = NULL;
    char name[4][32];
    int64_t n[3], n_weights, *rows, *sorted, *tmp;
    static const char *const parts[] = {"treeids", "nodeids", "ids", "weights"};
    for (size_t i = 0; i < 4; i++)
        snprintf(name[i], sizeof name[i], "%s_%s", side, parts[i]);
    const int64_t *trees = px_ml_ints(c, name[0], &n[0]), *nodes = px_ml_ints(c, name[1], &n[1]);
    const int64_t *ids = px_ml_ints(c, name[2], &n[2]);
    const double *weights;
    PX_TRY(numbers_of(c, name[3], &weights, &n_weights));
    if (n[0] != f->n_pairs || n[1] != f->n_pairs || n[2] != f->n_pairs || n_weights != f->n_pairs)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The attributes %s_* differ in length", side));
    PX_TRY(PX_MOVE_SCRATCH(c, rows, f->n_pairs));
    PX_TRY(PX_MOVE_SCRATCH(c, sorted, f->n_pairs));
    PX_TRY(PX_MOVE_SCRATCH(c, tmp, f->n_pairs));
    for (int64_t i = 0; i < f->n_pairs; i++) {
        sorted[i] = i;
        rows[i] = key_find(keys, order, f->n_nodes, trees[i], nodes[i]);
        if (rows[i] < 0 || ids[i] < 0 || ids[i] >= f->n_targets)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Weight %lld names no node or target %lld of %lld",
                               (long long)i, (long long)ids[i], (long long)f->n_targets));
    }
    pair_keys pk = {rows};
    px_move_sort(sorted, tmp, f->n_pairs, pair_less, &pk);
    for (int64_t i = 0; i < f->n_pairs; i++) {
        int64_t from = sorted[i];
        tree_node *node = &f->nodes[rows[from]];
        f->pairs[i] = (tree_pair){ids[from], weights[from]};
        if (node->mode != TREE_LEAF)
            continue; /* weights of inner nodes are never reached */
        if (node->n == 0)
            node->first = i;
        node->n++;
    }
done:
    return st;
}

static pgy_status *forest_old(px_ref_call *c, const char *side, int64_t n_targets, forest *f)
{
    pgy_status *st = NULL;
    int64_t n_ids, *order, *tmp;
    char name[32];
    node_keys keys;
    keys.trees = px_ml_ints(c, "nodes_treeids", &f->n_nodes);
    keys.nodes = px_ml_ints(c, "nodes_nodeids", &n_ids);
    snprintf(name, sizeof name, "%s_ids", side);
    px_ml_ints(c, name, &f->n_pairs);
    if (f->n_nodes == 0 || n_ids != f->n_nodes)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld nodes_treeids and %lld nodes_nodeids",
                           (long long)f->n_nodes, (long long)n_ids));
    f->n_targets = n_targets;
    PX_TRY(PX_MOVE_SCRATCH(c, order, f->n_nodes));
    PX_TRY(PX_MOVE_SCRATCH(c, tmp, f->n_nodes));
    for (int64_t i = 0; i < f->n_nodes; i++)
        order[i] = i;
    px_move_sort(order, tmp, f->n_nodes, key_less, &keys);
    for (int64_t i = 0; i < f->n_nodes; i++)
        f->n_roots += i == 0 || keys.trees[order[i]] != keys.trees[order[i - 1]];
    PX_TRY(forest_alloc(f));
    /* The root of a tree is the one of its nodes that is listed first. */
    for (int64_t i = 0, root = -1; i < f->n_nodes; i++) {
        if (i == 0 || keys.trees[order[i]] != keys.trees[order[i - 1]])
            f->roots[++root] = order[i];
        f->roots[root] = PX_MIN(f->roots[root], order[i]);
    }
    PX_TRY(old_nodes(c, f, &keys, order));
    PX_TRY(old_pairs(c, f, side, &keys, order));
    forest_summarize(f);
done:
    return st;
}

/* --- version 5 --- */

typedef struct new_attrs {
    const int64_t *features, *yes, *no, *yes_leaf, *no_leaf, *missing, *targets, *roots;
    px_ref_value modes, splits, weights, members;
} new_attrs;

static void new_attrs_free(new_attrs *a)
{
    px_ref_value_free(&a->modes);
    px_ref_value_free(&a->splits);
    px_ref_value_free(&a->weights);
    px_ref_value_free(&a->members);
}

static pgy_status *new_attrs_of(px_ref_call *c, forest *f, int64_t *n_inner, new_attrs *a)
{
    pgy_status *st = NULL;
    int64_t n[6], n_missing;
    a->features = px_ml_ints(c, "nodes_featureids", &n[0]);
    a->yes = px_ml_ints(c, "nodes_truenodeids", &n[1]);
    a->no = px_ml_ints(c, "nodes_falsenodeids", &n[2]);
    a->yes_leaf = px_ml_ints(c, "nodes_trueleafs", &n[3]);
    a->no_leaf = px_ml_ints(c, "nodes_falseleafs", &n[4]);
    a->missing = px_ml_ints(c, "nodes_missing_value_tracks_true", &n_missing);
    a->targets = px_ml_ints(c, "leaf_targetids", &f->n_pairs);
    a->roots = px_ml_ints(c, "tree_roots", &f->n_roots);
    PX_TRY(px_ref_attr_tensor(c, "nodes_modes", &a->modes));
    PX_TRY(px_ref_attr_tensor(c, "nodes_splits", &a->splits));
    PX_TRY(px_ref_attr_tensor(c, "leaf_weights", &a->weights));
    PX_TRY(px_ref_attr_tensor(c, "membership_values", &a->members));
    const pgy_tensor *m = a->modes.t, *s = a->splits.t, *w = a->weights.t, *v = a->members.t;
    *n_inner = n[0];
    bool fits = n[0] > 0 && n[0] < INT64_MAX / 2 && f->n_pairs > 0 && f->n_pairs < INT64_MAX / 2;
    for (size_t i = 1; i < 5; i++)
        fits = fits && n[i] == n[0];
    if (!fits || (a->missing && n_missing != n[0]) || !m || m->dtype != PGY_DTYPE_U8 ||
        m->count != n[0] || !s || s->dtype != PGY_DTYPE_F64 || s->count != n[0] || !w ||
        w->dtype != PGY_DTYPE_F64 || w->count != f->n_pairs || (v && v->dtype != PGY_DTYPE_F64))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "The attributes nodes_* or leaf_* differ in length"));
    f->n_members = v ? v->count : 0;
done:
    return st;
}

/* The node of a child: leaves stand behind the inner nodes. */
static pgy_status *new_child(px_ref_call *c, const forest *f, int64_t n_inner, int64_t at,
                             int64_t is_leaf, int64_t *out)
{
    if (at < 0 || at >= (is_leaf ? f->n_pairs : n_inner))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "A node names child %lld, which there is not",
                           (long long)at);
    *out = is_leaf ? n_inner + at : at;
    return NULL;
}

/* Sets of a MEMBER node are listed in the order in which trees are walked from their roots, true
 * branch first. Only nodes that the walk has not seen take a set. */
static pgy_status *new_members(px_ref_call *c, forest *f)
{
    pgy_status *st = NULL;
    int64_t *stack, at = 0, depth = 0;
    bool *seen;
    PX_TRY(PX_MOVE_SCRATCH(c, stack, 2 * f->n_nodes + f->n_roots));
    PX_TRY(PX_MOVE_SCRATCH(c, seen, f->n_nodes));
    for (int64_t i = f->n_roots - 1; i >= 0; i--)
        stack[depth++] = f->roots[i];
    while (depth > 0) {
        int64_t k = stack[--depth];
        tree_node *node = &f->nodes[k];
        if (seen[k] || node->mode == TREE_LEAF)
            continue;
        seen[k] = true; /* each node pushes its two children once */
        if (node->mode == TREE_MEMBER) {
            node->first = at;
            while (at < f->n_members && !isnan(f->members[at]))
                at++;
            node->n = at - node->first;
            if (at == f->n_members)
                PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "membership_values hold too few sets"));
            at++;
        }
        stack[depth++] = node->no;
        stack[depth++] = node->yes;
    }
done:
    return st;
}

static pgy_status *forest_new(px_ref_call *c, int64_t n_targets, forest *f)
{
    pgy_status *st = NULL;
    new_attrs a = {0};
    int64_t n_inner;
    PX_TRY(new_attrs_of(c, f, &n_inner, &a));
    f->n_targets = n_targets;
    f->n_nodes = n_inner + f->n_pairs;
    PX_TRY(forest_alloc(f));
    for (int64_t i = 0; i < n_inner; i++) {
        tree_node *node = &f->nodes[i];
        uint8_t mode = ((const uint8_t *)a.modes.t->data)[i];
        if (mode > TREE_MEMBER || a.features[i] < 0 || a.features[i] >= INT32_MAX)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Node %lld has mode %d and feature %lld",
                               (long long)i, mode, (long long)a.features[i]));
        *node = (tree_node){.mode = (tree_mode)mode,
                            .missing_goes_true = a.missing && a.missing[i] != 0,
                            .feature = a.features[i],
                            .value = ((const double *)a.splits.t->data)[i]};
        PX_TRY(new_child(c, f, n_inner, a.yes[i], a.yes_leaf[i], &node->yes));
        PX_TRY(new_child(c, f, n_inner, a.no[i], a.no_leaf[i], &node->no));
    }
    for (int64_t i = 0; i < f->n_pairs; i++) {
        f->nodes[n_inner + i] = (tree_node){.mode = TREE_LEAF, .first = i, .n = 1};
        f->pairs[i] = (tree_pair){a.targets[i], ((const double *)a.weights.t->data)[i]};
        if (a.targets[i] < 0 || a.targets[i] >= n_targets)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "Leaf %lld has target %lld of %lld", (long long)i,
                               (long long)a.targets[i], (long long)n_targets));
    }
    for (int64_t i = 0; i < f->n_roots; i++)
        PX_TRY(new_child(c, f, n_inner, a.roots[i], 0, &f->roots[i]));
    if (f->n_members > 0)
        memcpy(f->members, a.members.t->data, (size_t)f->n_members * sizeof *f->members);
    PX_TRY(new_members(c, f));
    forest_summarize(f);
done:
    new_attrs_free(&a);
    return st;
}

/* --- evaluation --- */

static bool goes_true(const forest *f, const tree_node *node, double x)
{
    if (isnan(x) && node->missing_goes_true)
        return true;
    switch (node->mode) {
    case TREE_LEQ:
        return x <= node->value;
    case TREE_LT:
        return x < node->value;
    case TREE_GTE:
        return x >= node->value;
    case TREE_GT:
        return x > node->value;
    case TREE_EQ:
        return x == node->value;
    case TREE_NEQ:
        return !isnan(x) && x != node->value;
    default:
        for (int64_t i = 0; i < node->n; i++)
            if (f->members[node->first + i] == x)
                return true;
        return false;
    }
}

/* The leaf that `x` reaches; NULL when the tree has a loop. */
static const tree_node *leaf_of(const forest *f, int64_t root, const double *x)
{
    const tree_node *node = &f->nodes[root];
    for (int64_t step = 0; step <= f->n_nodes; step++) {
        if (node->mode == TREE_LEAF)
            return node;
        node = &f->nodes[goes_true(f, node, x[node->feature]) ? node->yes : node->no];
    }
    return NULL;
}

typedef enum aggregate { AGGREGATE_AVERAGE, AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX } aggregate;

typedef struct forest_job {
    const forest *forest;
    const double *x;
    double *y;
    int64_t cols;
    aggregate how;
    atomic_bool has_loop;
} forest_job;

static void forest_rows(void *arg, int64_t begin, int64_t end)
{
    forest_job *job = arg;
    const forest *f = job->forest;
    double empty = job->how == AGGREGATE_MIN ? INFINITY : job->how == AGGREGATE_MAX ? -INFINITY : 0;
    for (int64_t r = begin; r < end; r++) {
        double *y = job->y + r * f->n_targets;
        for (int64_t i = 0; i < f->n_targets; i++)
            y[i] = empty;
        for (int64_t t = 0; t < f->n_roots; t++) {
            const tree_node *leaf = leaf_of(f, f->roots[t], job->x + r * job->cols);
            if (!leaf) {
                atomic_store(&job->has_loop, true);
                return;
            }
            for (int64_t i = leaf->first; i < leaf->first + leaf->n; i++) {
                double w = f->pairs[i].weight, *to = &y[f->pairs[i].target];
                *to = job->how == AGGREGATE_MIN   ? PX_MIN(*to, w)
                      : job->how == AGGREGATE_MAX ? PX_MAX(*to, w)
                                                  : *to + w;
            }
        }
        for (int64_t i = 0; i < f->n_targets; i++) {
            if (job->how == AGGREGATE_AVERAGE)
                y[i] /= (double)f->n_roots;
            else if (isinf(empty) && y[i] == empty)
                y[i] = 0; /* no tree says anything about this target */
        }
    }
}

/* Sums of all rows into `y`, [rows, targets]. */
static pgy_status *forest_run(px_ref_call *c, const forest *f, const double *x, int64_t rows,
                              int64_t cols, aggregate how, double *y)
{
    forest_job job = {.forest = f, .x = x, .y = y, .cols = cols, .how = how};
    if (cols < f->n_features)
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "The trees ask for %lld features, there are %lld",
                           (long long)f->n_features, (long long)cols);
    px_parallel_for(c->cx, rows, 16, forest_rows, &job);
    if (atomic_load(&job.has_loop))
        return PX_REF_FAIL(c, PGY_ERR_MODEL, "A tree has a loop");
    return NULL;
}

/* The node's forest, made once; `side` NULL: version 5. */
static pgy_status *forest_of(px_ref_call *c, const char *side, int64_t n_targets, forest **out)
{
    pgy_status *st = NULL;
    forest *f = NULL;
    if (c->state) {
        *out = c->state;
        goto done;
    }
    if (n_targets < 1 || n_targets > INT32_MAX)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "There are %lld targets", (long long)n_targets));
    PX_TRY(PX_ALLOC(f, 1));
    PX_TRY(side ? forest_old(c, side, n_targets, f) : forest_new(c, n_targets, f));
    px_ref_keep(c, f, forest_free);
    *out = f;
    f = NULL;
done:
    forest_free(f);
    return st;
}

static pgy_status *add_base(px_ref_call *c, double *y, int64_t rows, int64_t targets)
{
    pgy_status *st = NULL;
    const double *base;
    int64_t n;
    PX_TRY(numbers_of(c, "base_values", &base, &n));
    if (!base)
        goto done;
    if (n != targets && n != 1)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld base_values for %lld targets", (long long)n,
                           (long long)targets));
    for (int64_t i = 0; i < rows * targets; i++)
        y[i] += base[n == 1 ? 0 : i % targets];
done:
    return st;
}

static pgy_status *tree_ensemble_regressor(px_ref_call *c)
{
    static const char *const names[] = {"AVERAGE", "SUM", "MIN", "MAX"};
    pgy_status *st = NULL;
    forest *f;
    const double *x;
    px_ml_transform transform;
    int64_t rows, cols;
    void *y;
    size_t how = 0;
    px_str name = px_ref_attr_s(c, "aggregate_function", "SUM");
    while (how < PX_COUNTOF(names) && !px_str_is(name, names[how]))
        how++;
    if (how == PX_COUNTOF(names))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "aggregate_function is \"%.*s\"", PX_STR_ARG(name)));
    PX_TRY(px_ml_rows(c, &x, &rows, &cols));
    PX_TRY(px_ml_transform_of(c, &transform));
    PX_TRY(forest_of(c, "target", px_ref_attr_i(c, "n_targets", 1), &f));
    int64_t dims[2] = {rows, f->n_targets};
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, 2, dims, &y));
    PX_TRY(forest_run(c, f, x, rows, cols, (aggregate)how, y));
    PX_TRY(add_base(c, y, rows, f->n_targets));
    for (int64_t r = 0; r < rows; r++)
        px_ml_transform_row(transform, (double *)y + r * f->n_targets, f->n_targets);
done:
    return st;
}

static pgy_status *tree_ensemble_5(px_ref_call *c)
{
    pgy_status *st = NULL;
    forest *f;
    const double *x;
    int64_t rows, cols;
    void *y;
    int64_t how = px_ref_attr_i(c, "aggregate_function", AGGREGATE_SUM);
    int64_t transform = px_ref_attr_i(c, "post_transform", PX_ML_NONE);
    if (how < 0 || how > AGGREGATE_MAX || transform < 0 || transform > PX_ML_PROBIT)
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "aggregate_function is %lld, post_transform %lld",
                           (long long)how, (long long)transform));
    PX_TRY(px_ml_rows(c, &x, &rows, &cols));
    PX_TRY(forest_of(c, NULL, px_ref_attr_i(c, "n_targets", 1), &f));
    int64_t dims[2] = {rows, f->n_targets};
    PX_TRY(px_move_out_f64(c, 0, c->in[0].dtype, 2, dims, &y));
    PX_TRY(forest_run(c, f, x, rows, cols, (aggregate)how, y));
    for (int64_t r = 0; r < rows; r++)
        px_ml_transform_row((px_ml_transform)transform, (double *)y + r * f->n_targets,
                            f->n_targets);
done:
    return st;
}

/* One row of class scores becomes a label's position and the transformed scores; returns how many.
 * Where a model has two classes or one but weights for one only, the standard leaves open what the
 * scores are; then this is what ONNX Runtime does. */
static int64_t class_row(px_ml_transform transform, const forest *f, const double *scores,
                         double *out, int64_t *label)
{
    int64_t n = f->n_targets, target = f->n_pairs > 0 ? f->pairs[0].target : 0;
    if (n == 1) {
        *label = scores[0] > 0;
        return px_ml_binary_scores(transform, PX_ML_SECOND_NONE, scores[0], out);
    }
    if (n == 2 && f->n_pairs > 0 && f->is_single_target) {
        *label = scores[target] > (f->is_all_positive ? 0.5 : 0);
        if (target == 0)
            return px_ml_binary_scores(
                transform, f->is_all_positive ? PX_ML_SECOND_COMPLEMENT : PX_ML_SECOND_NEGATIVE,
                scores[0], out);
    } else {
        *label = 0;
        for (int64_t i = 1; i < n; i++)
            *label = scores[i] > scores[*label] ? i : *label;
    }
    memcpy(out, scores, (size_t)n * sizeof *out);
    px_ml_transform_row(transform, out, n);
    return n;
}

static pgy_status *tree_ensemble_classifier(px_ref_call *c)
{
    pgy_status *st = NULL;
    forest *f;
    const double *x;
    px_ml_transform transform;
    px_ml_labels labels;
    int64_t rows, cols, *at;
    double *sums, *out;
    void *y;
    PX_TRY(px_ml_rows(c, &x, &rows, &cols));
    PX_TRY(px_ml_transform_of(c, &transform));
    PX_TRY(px_ml_labels_of(c, "classlabels_int64s", &labels));
    PX_TRY(forest_of(c, "class", labels.n, &f));
    int64_t n = f->n_targets, total;
    if (__builtin_mul_overflow(rows, n, &total))
        PX_TRY(px_status_nomem());
    PX_TRY(PX_MOVE_SCRATCH(c, sums, total));
    PX_TRY(PX_MOVE_SCRATCH(c, at, rows));
    PX_TRY(PX_MOVE_SCRATCH(c, out, 2 * n + 2));
    PX_TRY(forest_run(c, f, x, rows, cols, AGGREGATE_SUM, sums));
    PX_TRY(add_base(c, sums, rows, n));
    /* Every row has the same number of scores; one of zeros tells it. */
    int64_t dims[2] = {rows, class_row(transform, f, out, out + n, at)};
    PX_TRY(px_ref_out(c, 1, PGY_DTYPE_F32, 2, dims, &y));
    for (int64_t r = 0; r < rows; r++) {
        class_row(transform, f, sums + r * n, out, &at[r]);
        memcpy((double *)y + r * dims[1], out, (size_t)dims[1] * sizeof *out);
    }
    if (n == 1 && !labels.strings) /* one label: 0 and 1 are given */
        labels = (px_ml_labels){0};
    PX_TRY(px_ml_labels_out(c, &labels, at, rows));
done:
    return st;
}

static const px_ref_op rows[] = {
    {"ai.onnx.ml", "TreeEnsemble", 5, 1, 1, 1, 1, tree_ensemble_5},
    {"ai.onnx.ml", "TreeEnsembleClassifier", 1, 1, 1, 2, 2, tree_ensemble_classifier},
    {"ai.onnx.ml", "TreeEnsembleRegressor", 1, 1, 1, 1, 1, tree_ensemble_regressor},
};

const px_ref_family px_ref_family_ml_tree = {rows, PX_COUNTOF(rows)};
