/* backend/tf/onnx/loop.c - loops and lists.
 *
 * A loop is TensorFlow's While over two functions, one step and the condition, each made from a
 * graph of its own. What a step reads from outside is found out while it is built; it becomes one
 * more variable, which every step hands on.
 *
 * A step is built for the shapes that the variables have before the loop. Where it gives another
 * shape, the dimension (or the rank) is left open and the step is built again.
 */
#include "backend/tf/onnx/build.h"

static const px_tf_port no_port;

/* What is known of a shape: rank -1 is nothing. */
typedef struct outline {
    int rank;
    int64_t dims[PX_TF_MAX_RANK];
} outline;

static const px_tf_api *api_of(const px_tf_build *b)
{
    return &b->s->lib->api;
}

static outline outline_of(px_tf_build *b, px_tf_port x)
{
    outline o = {.rank = -1};
    if (b->st != NULL)
        return o;
    const int rank = api_of(b)->GraphGetTensorNumDims(b->frame->graph, x, b->s->status);
    if (rank < 0 || rank > PX_TF_MAX_RANK)
        return o;
    o.rank = rank;
    if (rank > 0)
        api_of(b)->GraphGetTensorShape(b->frame->graph, x, o.dims, rank, b->s->status);
    return o;
}

/* Leaves open what `now` has otherwise; true when that is something new. */
static bool open_up(outline *o, const outline *now)
{
    bool is_new = false;
    if (o->rank < 0)
        return false;
    if (o->rank != now->rank) {
        o->rank = -1;
        return true;
    }
    for (int i = 0; i < o->rank; i++)
        if (o->dims[i] >= 0 && o->dims[i] != now->dims[i]) {
            o->dims[i] = -1;
            is_new = true;
        }
    return is_new;
}

/* --- frames --- */

static px_tf_port argument(px_tf_build *b, int type, const outline *o)
{
    px_tf_begin(b, "Placeholder");
    px_tf_set_type(b, "dtype", type);
    if (b->making != NULL && o->rank >= 0)
        api_of(b)->SetAttrShape(b->making, "shape", o->dims, o->rank);
    return px_tf_finish(b);
}

px_tf_port px_tf_capture(px_tf_build *b, const px_tf_frame *from, px_tf_port port)
{
    px_tf_frame *frame = b->frame;
    if (frame == from || b->st != NULL)
        return port;
    b->frame = frame->outer;
    const px_tf_port outside = px_tf_capture(b, from, port);
    const outline o = outline_of(b, outside);
    const int type = px_tf_type_at(b, outside);
    b->frame = frame;
    for (size_t i = 0; i < frame->captures.n; i++)
        if (frame->captures.at[i].outside.node == outside.node &&
            frame->captures.at[i].outside.index == outside.index)
            return frame->captures.at[i].inside;
    const px_tf_port inside = argument(b, type, &o);
    pgy_status *st = PX_RESERVE(&frame->captures, 1);
    if (st != NULL)
        px_tf_keep_error(b, st);
    else
        frame->captures.at[frame->captures.n++] = (struct px_tf_capture){outside, inside};
    return inside;
}

static void frame_open(px_tf_build *b, px_tf_frame *frame)
{
    *frame = (px_tf_frame){.outer = b->frame, .graph = api_of(b)->NewGraph()};
    if (frame->graph == NULL)
        px_tf_keep_error(b, px_status_nomem());
    b->frame = frame;
}

static void frame_close(px_tf_build *b, px_tf_frame *frame)
{
    b->frame = frame->outer;
    if (frame->graph != NULL)
        api_of(b)->DeleteGraph(frame->graph);
    px_mem_free(frame->captures.at);
    frame->graph = NULL;
}

/* Makes the frame's graph a function called `name`, known to every frame around it: a graph that
 * calls a function that calls it must know both. */
static void make_function(px_tf_build *b, const px_tf_frame *frame, const char *name,
                          const px_tf_port *in, size_t n_in, const px_tf_port *out, size_t n_out)
{
    const px_tf_api *api = api_of(b);
    px_tf_port *named = px_arena_calloc(&b->arena, n_out, sizeof *named);
    if (named == NULL)
        px_tf_keep_error(b, px_status_nomem());
    for (size_t i = 0; i < n_out && b->st == NULL; i++) /* an argument is no output */
        named[i] = px_tf_1(b, "Identity", out[i]);
    if (b->st != NULL)
        return;
    px_tf_function *made = api->GraphToFunction(frame->graph, name, 0, -1, NULL, (int)n_in, in,
                                                (int)n_out, named, NULL, NULL, NULL, b->s->status);
    pgy_status *st = px_tf_checked(b->s);
    for (const px_tf_frame *f = frame->outer; f != NULL && st == NULL; f = f->outer) {
        api->GraphCopyFunction(f->graph, made, NULL, b->s->status);
        st = px_tf_checked(b->s);
    }
    if (made != NULL)
        api->DeleteFunction(made);
    if (st != NULL)
        px_tf_keep_error(b, st);
}

/* --- while --- */

/* Lists for a loop's variables, and after them the captured ones. */
typedef struct lists {
    px_tf_port *before, *inside, *next;
    outline *shapes;
} lists;

static bool make_lists(px_tf_build *b, size_t n, lists *l)
{
    l->before = px_arena_calloc(&b->arena, n, sizeof *l->before);
    l->inside = px_arena_calloc(&b->arena, n, sizeof *l->inside);
    l->next = px_arena_calloc(&b->arena, n, sizeof *l->next);
    l->shapes = px_arena_calloc(&b->arena, n, sizeof *l->shapes);
    if (!l->before || !l->inside || !l->next || !l->shapes)
        px_tf_keep_error(b, px_status_nomem());
    return b->st == NULL;
}

static void function_name(px_tf_build *b, const char *what, char *out, size_t size)
{
    snprintf(out, size, "%s%zu", what, b->n_made++);
}

/* The step as a function; `l` grows by what it captures. */
static size_t build_step(px_tf_build *b, size_t n, px_tf_step_fn step, void *user, const char *name,
                         lists *l)
{
    lists all = {0};
    bool again = true;
    size_t n_all = n;
    while (again && b->st == NULL) {
        px_tf_frame frame;
        frame_open(b, &frame);
        again = false;
        for (size_t i = 0; i < n; i++) {
            b->frame = frame.outer;
            const int type = px_tf_type_at(b, l->before[i]);
            b->frame = &frame;
            l->inside[i] = argument(b, type, &l->shapes[i]);
        }
        if (b->st == NULL)
            step(b, user, l->inside, l->next);
        for (size_t i = 0; i < n && b->st == NULL; i++) {
            const outline now = outline_of(b, l->next[i]);
            again |= open_up(&l->shapes[i], &now);
        }
        n_all = n + frame.captures.n;
        if (!again && b->st == NULL && make_lists(b, n_all, &all)) {
            for (size_t i = 0; i < n_all; i++) {
                const bool is_own = i < n;
                const struct px_tf_capture *c = is_own ? NULL : &frame.captures.at[i - n];
                all.before[i] = is_own ? l->before[i] : c->outside;
                all.inside[i] = is_own ? l->inside[i] : c->inside;
                all.next[i] = is_own ? l->next[i] : c->inside;
                all.shapes[i] = is_own ? l->shapes[i] : outline_of(b, c->inside);
            }
            make_function(b, &frame, name, all.inside, n_all, all.next, n_all);
        }
        frame_close(b, &frame);
    }
    *l = all;
    return n_all;
}

static void build_condition(px_tf_build *b, size_t n, px_tf_step_fn goes_on, void *user,
                            const char *name, lists *l)
{
    px_tf_frame frame;
    px_tf_port answer = no_port;
    frame_open(b, &frame);
    for (size_t i = 0; i < n && b->st == NULL; i++) {
        b->frame = frame.outer;
        const int type = px_tf_type_at(b, l->before[i]);
        b->frame = &frame;
        l->inside[i] = argument(b, type, &l->shapes[i]);
    }
    if (b->st == NULL)
        goes_on(b, user, l->inside, &answer);
    make_function(b, &frame, name, l->inside, n, &answer, 1);
    frame_close(b, &frame);
}

static px_tf_port loop_node(px_tf_build *b, const lists *l, size_t n, const char *condition,
                            const char *step)
{
    const int64_t **dims = px_arena_calloc(&b->arena, n, sizeof *dims);
    int *ranks = px_arena_calloc(&b->arena, n, sizeof *ranks);
    if (dims == NULL || ranks == NULL)
        px_tf_keep_error(b, px_status_nomem());
    if (b->st != NULL)
        return no_port;
    for (size_t i = 0; i < n; i++) {
        dims[i] = l->shapes[i].dims;
        ranks[i] = l->shapes[i].rank;
    }
    px_tf_begin(b, "While");
    px_tf_in_list(b, l->before, n);
    if (b->making != NULL) {
        api_of(b)->SetAttrFuncName(b->making, "cond", condition, strlen(condition));
        api_of(b)->SetAttrFuncName(b->making, "body", step, strlen(step));
        api_of(b)->SetAttrShapeList(b->making, "output_shapes", dims, ranks, (int)n);
    }
    return px_tf_finish(b);
}

void px_tf_while(px_tf_build *b, px_tf_port *vars, size_t n, px_tf_step_fn goes_on,
                 px_tf_step_fn step, void *user)
{
    char step_name[32], condition_name[32];
    lists l;
    if (b->st != NULL || !make_lists(b, n, &l))
        return;
    for (size_t i = 0; i < n; i++) {
        l.before[i] = vars[i];
        l.shapes[i] = outline_of(b, vars[i]);
    }
    /* In an arm that is not taken nothing may run, and variables may all be constants. */
    const px_tf_scope *arm = b->scope;
    while (arm != NULL && arm->frame == b->frame && arm->condition.node == NULL)
        arm = arm->outer;
    if (arm != NULL && arm->frame == b->frame)
        l.before[0] = px_tf_switch(b, vars[0], arm->condition, arm->arm);
    function_name(b, "Step", step_name, sizeof step_name);
    function_name(b, "Goes", condition_name, sizeof condition_name);
    const size_t n_all = build_step(b, n, step, user, step_name, &l);
    if (b->st == NULL)
        build_condition(b, n_all, goes_on, user, condition_name, &l);
    const px_tf_port made = loop_node(b, &l, n_all, condition_name, step_name);
    for (size_t i = 0; i < n; i++)
        vars[i] = (px_tf_port){made.node, (int)i};
}

/* --- lists --- */

px_tf_port px_tf_list(px_tf_build *b, int type)
{
    const px_tf_port any = px_tf_scalar32(b, -1), no_limit = px_tf_scalar32(b, -1);
    px_tf_begin(b, "EmptyTensorList");
    px_tf_in(b, any);
    px_tf_in(b, no_limit);
    px_tf_set_type(b, "element_dtype", type);
    return px_tf_finish(b);
}

px_tf_port px_tf_list_push(px_tf_build *b, px_tf_port list, px_tf_port x)
{
    return px_tf_2(b, "TensorListPushBack", list, x);
}

px_tf_port px_tf_list_stack(px_tf_build *b, px_tf_port list, int type, const int64_t *dims,
                            int rank)
{
    int64_t open[PX_TF_MAX_RANK], empty[PX_TF_MAX_RANK], all[PX_TF_MAX_RANK + 1] = {-1};
    px_tf_port shape = px_tf_scalar32(b, -1);
    for (int i = 0; i < rank; i++) {
        open[i] = -1;
        empty[i] = PX_MAX(dims[i], 0);
        all[i + 1] = -1;
    }
    if (rank >= 0) {
        const px_tf_port n = px_tf_1(b, "TensorListLength", list);
        const px_tf_port none = px_tf_2(b, "Equal", n, px_tf_scalar32(b, 0));
        shape =
            px_tf_3(b, "SelectV2", none, px_tf_vector(b, empty, rank), px_tf_vector(b, open, rank));
        shape = px_tf_cast(b, shape, PX_TF_INT32);
    }
    px_tf_begin(b, "TensorListStack");
    px_tf_in(b, list);
    px_tf_in(b, shape);
    px_tf_set_type(b, "element_dtype", type);
    const px_tf_port stacked = px_tf_finish(b);
    if (rank >= 0 && rank < PX_TF_MAX_RANK)
        px_tf_say(b, stacked, all, rank + 1);
    return stacked;
}

px_tf_port px_tf_at(px_tf_build *b, px_tf_port x, px_tf_port at, int64_t axis)
{
    return px_tf_3(b, "GatherV2", x, at, px_tf_scalar32(b, axis));
}
