/* backend/tf/ports.c - which tensors of a graph are its inputs and outputs.
 *
 * A graph does not say. Inputs are its placeholders. Outputs are all outputs of the nodes that
 * nothing depends on, except for nodes that are not there to compute: constants, variables and what
 * saves, restores and checks them. Nodes inside a loop's frame or in one arm of a conditional
 * cannot be fetched: there is no one value, or none at all.
 */
#include "backend/tf/session.h"

#include "backend/tf/values.h"

enum { N_NEAREST = 3 };

pgy_status *px_tf_add_end(px_tf_model *s, px_tf_ends *ends, const char *name, px_tf_port port)
{
    pgy_status *st = NULL;
    PX_TRY(PX_RESERVE(ends, 1));
    char *copy = px_arena_strdup(&s->arena, name);
    if (copy == NULL)
        PX_TRY(px_status_nomem());
    ends->at[ends->n++] = (px_tf_end){copy, port};
done:
    return st;
}

/* Adds the tensor under its canonical name. */
static pgy_status *add_port(px_tf_model *s, px_tf_ends *ends, px_tf_port port)
{
    pgy_status *st = NULL;
    px_buf name = {0};
    px_buf_printf(&name, "%s:%d", s->lib->api.OperationName(port.node), port.index);
    PX_TRY(px_buf_status(&name));
    PX_TRY(px_tf_add_end(s, ends, name.ptr, port));
done:
    px_buf_fini(&name);
    return st;
}

pgy_status *px_tf_find_tensor(px_tf_model *s, px_str name, px_tf_port *out)
{
    pgy_status *st = NULL;
    char *node_name = NULL;
    size_t len = name.len;
    int index = 0;
    while (len > 0 && name.ptr[len - 1] >= '0' && name.ptr[len - 1] <= '9')
        len--;
    if (len > 1 && len < name.len && name.len - len <= 6 && name.ptr[len - 1] == ':') {
        for (size_t i = len; i < name.len; i++)
            index = index * 10 + (name.ptr[i] - '0');
        len--;
    } else {
        len = name.len;
    }
    node_name = px_mem_strndup(name.ptr, len);
    if (node_name == NULL)
        PX_TRY(px_status_nomem());
    px_tf_node *node = s->lib->api.GraphOperationByName(s->graph, node_name);
    if (node != NULL && index >= s->lib->api.OperationNumOutputs(node))
        node = NULL;
    *out = (px_tf_port){node, index};
done:
    px_mem_free(node_name);
    return st;
}

static bool is_one_of(const char *op, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(op, *list) == 0)
            return true;
    return false;
}

/* --- inputs --- */

static pgy_status *check_number(px_tf_model *s, px_tf_port port, const char *side, const char *name)
{
    const int type = s->lib->api.OperationOutputType(port);
    if (px_tf_dtype_of(type) != PGY_DTYPE_UNKNOWN)
        return NULL;
    return PX_FAIL(PGY_ERR_UNSUPPORTED,
                   "The %s '%s' is of type %s; only tensors of numbers can be fed, fetched and "
                   "compared.",
                   side, name, px_tf_type_name(type));
}

static pgy_status *add_signature(px_tf_model *s, const px_signature_entry *entries, size_t n,
                                 const char *side, px_tf_ends *ends)
{
    pgy_status *st = NULL;
    for (size_t i = 0; i < n; i++) {
        px_tf_port port;
        PX_TRY(px_tf_find_tensor(s, entries[i].tensor, &port));
        if (port.node == NULL)
            PX_TRY(PX_FAIL(PGY_ERR_MODEL,
                           "The signature's %s '%.*s' is the tensor '%.*s', which the graph has "
                           "not.",
                           side, PX_STR_ARG(entries[i].key), PX_STR_ARG(entries[i].tensor)));
        PX_TRY(add_port(s, ends, port));
        PX_TRY(check_number(s, port, side, ends->at[ends->n - 1].name));
    }
done:
    return st;
}

/* Where TensorFlow writes a loop of functions out as nodes, it leaves placeholders of the type
 * variant behind, which nothing reads ("unused_control_flow_input"). */
static bool is_left_over(px_tf_model *s, px_tf_port port)
{
    const px_tf_api *api = &s->lib->api;
    return px_tf_dtype_of(api->OperationOutputType(port)) == PGY_DTYPE_UNKNOWN &&
           api->OperationOutputNumConsumers(port) == 0;
}

pgy_status *px_tf_find_inputs(px_tf_model *s, const px_metagraph *meta)
{
    pgy_status *st = NULL;
    const px_tf_api *api = &s->lib->api;
    size_t pos = 0;
    if (meta != NULL && meta->n_outputs > 0) {
        PX_TRY(add_signature(s, meta->inputs, meta->n_inputs, "input", &s->inputs));
        goto done;
    }
    for (px_tf_node *node; (node = api->GraphNextOperation(s->graph, &pos)) != NULL;) {
        if (strcmp(api->OperationOpType(node), "Placeholder") != 0)
            continue;
        const px_tf_port port = {node, 0};
        if (is_left_over(s, port))
            continue;
        PX_TRY(add_port(s, &s->inputs, port));
        PX_TRY(check_number(s, port, "input", s->inputs.at[s->inputs.n - 1].name));
    }
done:
    return st;
}

/* --- outputs --- */

/* Operators whose results are not what a model is run for. */
static const char *const silent[] = {"Const",
                                     "Placeholder",
                                     "PlaceholderWithDefault",
                                     "NoOp",
                                     "Assert",
                                     "Print",
                                     "Variable",
                                     "VariableV2",
                                     "VarHandleOp",
                                     "ReadVariableOp",
                                     "VarIsInitializedOp",
                                     "IsVariableInitialized",
                                     "Assign",
                                     "AssignAdd",
                                     "AssignSub",
                                     "AssignVariableOp",
                                     "AssignAddVariableOp",
                                     "AssignSubVariableOp",
                                     "SaveV2",
                                     "RestoreV2",
                                     "ShardedFilename",
                                     "MergeV2Checkpoints",
                                     NULL};

enum { IN_FRAME = 1, IN_ARM = 2 };

/* Per node, in the graph's order, where it lies. */
typedef struct places {
    px_map index; /* node pointer -> position in `at` */
    unsigned char *at;
    size_t n, cap;
} places;

static px_str key_of(px_tf_node *const *node)
{
    return (px_str){(const char *)node, sizeof *node};
}

/* Nodes come in an order in which only the edges that close a loop point backwards. */
static pgy_status *add_place(px_tf_model *s, px_tf_node *node, places *p)
{
    static const char *const enters[] = {"Enter", "RefEnter", NULL},
                             *const exits[] = {"Exit", "RefExit", NULL},
                             *const switches[] = {"Switch", "RefSwitch", "_SwitchN", NULL},
                             *const merges[] = {"Merge", "RefMerge", NULL};
    pgy_status *st = NULL;
    const px_tf_api *api = &s->lib->api;
    const char *op = api->OperationOpType(node);
    unsigned place = 0;
    for (int i = 0; i < api->OperationNumInputs(node); i++) {
        px_tf_node *from = api->OperationInput((px_tf_port){node, i}).node;
        const ptrdiff_t at = px_map_find(&p->index, key_of(&from));
        if (at >= 0)
            place |= p->at[at];
    }
    if (is_one_of(op, enters))
        place |= IN_FRAME;
    if (is_one_of(op, switches))
        place |= IN_ARM;
    if (is_one_of(op, exits))
        place = 0; /* of the outermost loop, at least */
    if (is_one_of(op, merges))
        place &= ~(unsigned)IN_ARM;
    PX_TRY(PX_RESERVE(p, 1));
    PX_TRY(px_map_set(&p->index, key_of(&node), NULL));
    p->at[p->n++] = (unsigned char)place;
done:
    return st;
}

static bool is_consumed(px_tf_model *s, px_tf_node *node)
{
    const px_tf_api *api = &s->lib->api;
    for (int i = 0; i < api->OperationNumOutputs(node); i++)
        if (api->OperationOutputNumConsumers((px_tf_port){node, i}) > 0)
            return true;
    return api->OperationNumControlOutputs(node) > 0;
}

/* Adds the outputs that can be fetched of all nodes, or of those that nothing depends on. */
static pgy_status *add_nodes(px_tf_model *s, bool all)
{
    pgy_status *st = NULL;
    const px_tf_api *api = &s->lib->api;
    places p = {0};
    size_t pos = 0;
    for (px_tf_node *node; (node = api->GraphNextOperation(s->graph, &pos)) != NULL;) {
        PX_TRY(add_place(s, node, &p));
        if (p.at[p.n - 1] != 0 || is_one_of(api->OperationOpType(node), silent) ||
            (!all && is_consumed(s, node)))
            continue;
        for (int i = 0; i < api->OperationNumOutputs(node); i++) {
            const px_tf_port port = {node, i};
            if (px_tf_dtype_of(api->OperationOutputType(port)) != PGY_DTYPE_UNKNOWN)
                PX_TRY(add_port(s, &s->outputs, port));
        }
    }
done:
    px_map_fini(&p.index);
    px_mem_free(p.at);
    return st;
}

/* The names most like `name`, for the end of a sentence; nothing when none is. */
static void add_nearest(px_tf_model *s, px_str name, px_buf *out)
{
    const px_tf_api *api = &s->lib->api;
    const char *nearest[N_NEAREST] = {0};
    int distances[N_NEAREST];
    size_t n = 0, pos = 0;
    const char *colon = memchr(name.ptr, ':', name.len);
    const px_str bare = {name.ptr, colon != NULL ? (size_t)(colon - name.ptr) : name.len};
    for (px_tf_node *node; (node = api->GraphNextOperation(s->graph, &pos)) != NULL;) {
        const char *other = api->OperationName(node);
        if (api->OperationNumOutputs(node) == 0)
            continue;
        const int distance = px_str_overlap_nocase(bare, px_str_of(other))
                                 ? 1
                                 : px_str_distance(bare, px_str_of(other));
        if (distance > (int)(bare.len / 3) + 1)
            continue;
        size_t i = PX_MIN(n, N_NEAREST - 1);
        if (n == N_NEAREST && distances[i] <= distance)
            continue;
        n = PX_MIN(n + 1, N_NEAREST);
        for (; i > 0 && distances[i - 1] > distance; i--) {
            nearest[i] = nearest[i - 1];
            distances[i] = distances[i - 1];
        }
        nearest[i] = other;
        distances[i] = distance;
    }
    for (size_t i = 0; i < n; i++)
        px_buf_printf(out, "%s'%s:0'", i == 0 ? " Close to it are: " : ", ", nearest[i]);
    px_buf_puts(out, n > 0 ? "." : "");
}

static pgy_status *add_named(px_tf_model *s, const px_opt_strs *names)
{
    pgy_status *st = NULL;
    px_buf near = {0};
    for (size_t i = 0; i < names->n; i++) {
        px_tf_port port;
        PX_TRY(px_tf_find_tensor(s, px_str_of(names->at[i]), &port));
        if (port.node == NULL) {
            add_nearest(s, px_str_of(names->at[i]), &near);
            PX_TRY(PX_FAIL(PGY_ERR_USAGE, "--tf-outputs: the graph has no tensor '%s'.%s",
                           names->at[i], px_buf_cstr(&near)));
        }
        PX_TRY(add_port(s, &s->outputs, port));
        PX_TRY(check_number(s, port, "output", s->outputs.at[s->outputs.n - 1].name));
    }
done:
    px_buf_fini(&near);
    return st;
}

pgy_status *px_tf_find_outputs(px_tf_model *s, const px_metagraph *meta)
{
    pgy_status *st = NULL;
    const px_opt_strs *names = s->args != NULL ? &s->args->tf_outputs : NULL;
    if (names != NULL && names->given && px_opt_marks_all(names))
        PX_TRY(add_nodes(s, true));
    else if (names != NULL && names->given)
        PX_TRY(add_named(s, names));
    else if (meta != NULL && meta->n_outputs > 0)
        PX_TRY(add_signature(s, meta->outputs, meta->n_outputs, "output", &s->outputs));
    else
        PX_TRY(add_nodes(s, false));
    if (s->outputs.n == 0)
        PX_TRY(PX_FAIL(PGY_ERR_MODEL, "The graph has no output: no tensor of numbers is left that "
                                      "nothing depends on. Name some with --tf-outputs."));
done:
    return st;
}
