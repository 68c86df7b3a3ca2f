/* Plans and frames of the reference interpreter: order, lifetimes, subgraphs, functions, errors. */
#include "test_base.h"

#include "backend/ref/plan.h"
#include "base/tensor.h"

enum { MAX_NODES = 64, MAX_NAMES = 4 };

/* A graph under construction; names are NUL-terminated literals. */
typedef struct graph {
    px_onnx_graph g;
    px_onnx_node nodes[MAX_NODES];
    px_str names[MAX_NODES][2][MAX_NAMES];
    px_onnx_value_info in[4], out[4];
    px_onnx_tensor init[2];
} graph;

static void graph_init(graph *g)
{
    memset(g, 0, sizeof *g);
    g->g = (px_onnx_graph){.name = PX_STR("g"),
                           .nodes = g->nodes,
                           .initializers = g->init,
                           .inputs = g->in,
                           .outputs = g->out};
}

/* Names separated by blanks; "-" is an empty one. */
static size_t split(const char *text, px_str *out)
{
    size_t n = 0;
    while (text && *text) {
        const size_t len = strcspn(text, " ");
        out[n++] = len == 1 && *text == '-' ? (px_str){"", 0} : (px_str){text, len};
        text += len + (text[len] == ' ');
    }
    return n;
}

static px_onnx_node *node(graph *g, const char *op, const char *in, const char *out)
{
    const size_t i = g->g.n_nodes++;
    px_onnx_node *n = &g->nodes[i];
    *n = (px_onnx_node){.name = px_str_of(op),
                        .op_type = px_str_of(op),
                        .inputs = g->names[i][0],
                        .outputs = g->names[i][1]};
    n->n_inputs = split(in, n->inputs);
    n->n_outputs = split(out, n->outputs);
    return n;
}

static void input(graph *g, const char *name)
{
    g->in[g->g.n_inputs++].name = px_str_of(name);
}

static void output(graph *g, const char *name)
{
    g->out[g->g.n_outputs++].name = px_str_of(name);
}

static void initializer(graph *g, const char *name, const float *value, const int64_t *dims)
{
    g->init[g->g.n_initializers++] =
        (px_onnx_tensor){.name = px_str_of(name),
                         .dtype = PGY_DTYPE_F32,
                         .data_type = PGY_DTYPE_F32,
                         .rank = 1,
                         .dims = dims,
                         .raw = {(const char *)value, (size_t)dims[0] * sizeof *value}};
}

typedef struct run {
    pgy_context *cx;
    px_onnx_opset opset;
    px_onnx_model model;
    px_ref_options options;
    px_ref_session *s;
    px_ref_value in[4], out[4];
} run;

static pgy_status *run_open(run *r, graph *g)
{
    if (!r->cx)
        assert_ok(pgy_context_new(&r->cx));
    r->opset.version = 17;
    r->model.opsets = &r->opset;
    r->model.n_opsets = 1;
    r->model.graph = g->g;
    return px_ref_session_open(r->cx, &r->model, &r->options, &r->s);
}

static void feed(run *r, int i, int64_t count, const float *x)
{
    pgy_tensor *t = NULL;
    assert_ok(px_tensor_new_raw(PGY_DTYPE_F32, 1, &count, &t));
    memcpy(t->data, x, (size_t)count * sizeof *x);
    assert_ok(px_ref_value_load(&r->s->pool, t, &r->in[i]));
    pgy_tensor_free(t);
}

static void check(run *r, int i, int64_t count, const double *want)
{
    assert_int_equal(r->out[i].kind, PX_REF_TENSOR);
    assert_int_equal(r->out[i].t->dtype, PGY_DTYPE_F64);
    assert_int_equal(r->out[i].t->count, count);
    for (int64_t k = 0; k < count; k++)
        if (((const double *)r->out[i].t->data)[k] != want[k])
            fail_msg("output %d [%d] is %.17g, wanted %.17g", i, (int)k,
                     ((const double *)r->out[i].t->data)[k], want[k]);
}

static void run_close(run *r)
{
    for (int i = 0; i < 4; i++) {
        px_ref_value_free(&r->in[i]);
        px_ref_value_free(&r->out[i]);
    }
    px_ref_session_close(r->s);
    r->s = NULL;
    pgy_context_free(r->cx);
    r->cx = NULL;
}

/* What one tensor leaves serves a smaller one, but not one that would waste more than half of it.
 */
static void unused_buffers_serve_smaller_requests(void **state)
{
    PX_UNUSED(state);
    px_ref_pool pool = {.limit_size = 1 << 20};
    px_ref_buf *large = NULL, *small = NULL;
    assert_ok(px_ref_pool_get(&pool, 8192, &large));
    px_ref_buf_free(large);
    assert_ok(px_ref_pool_get(&pool, 5000, &small));
    assert_ptr_equal(small, large);
    assert_int_equal(pool.live_size, 8192);
    assert_int_equal(pool.unused_size, 0);
    px_ref_buf_free(small);
    assert_ok(px_ref_pool_get(&pool, 4096, &small));
    assert_ptr_not_equal(small, large);
    assert_int_equal(pool.live_size, 4096);
    px_ref_buf_free(small);
    /* The limit counts what the buffer holds, not what was asked for. */
    pool.limit_size = 6000;
    assert_ok(px_ref_pool_get(&pool, 5000, &small));
    assert_ptr_not_equal(small, large);
    assert_true(pool.live_size <= 6000);
    px_ref_buf_free(small);
    px_ref_pool_fini(&pool);
}

static const float xs[3] = {1, 2, 3};
static const int64_t three[1] = {3};

/* Relu may write over its operand only where nobody reads it afterwards. */
static void in_place_spares_what_is_still_read(void **state)
{
    PX_UNUSED(state);
    graph g;
    run r = {0};
    graph_init(&g);
    input(&g, "x");
    node(&g, "Neg", "x", "a");
    node(&g, "Neg", "a", "b");   /* a is read again below */
    node(&g, "Add", "a b", "c"); /* last reader of a and b */
    node(&g, "Add", "c c", "d"); /* one operand twice */
    node(&g, "Identity", "d", "e");
    node(&g, "Neg", "d", "f"); /* d lives on as e */
    output(&g, "e");
    output(&g, "f");
    output(&g, "x");
    assert_ok(run_open(&r, &g));
    for (int round = 0; round < 3; round++) {
        const float fresh[3] = {(float)round, 2, 3};
        px_ref_value_free(&r.in[0]);
        feed(&r, 0, 3, fresh);
        for (int i = 0; i < 4; i++)
            px_ref_value_free(&r.out[i]);
        assert_ok(px_ref_session_run(r.s, r.in, r.out));
        check(&r, 0, 3, (double[]){0, 0, 0});
        check(&r, 1, 3, (double[]){0, 0, 0});
        check(&r, 2, 3, (double[]){round, 2, 3});
    }
    run_close(&r);
}

static void a_chain_runs_in_one_buffer(void **state)
{
    PX_UNUSED(state);
    graph g;
    run r = {0};
    graph_init(&g);
    input(&g, "x");
    static const char *const names[] = {"x", "a", "b", "c", "d", "e"};
    for (int i = 0; i < 5; i++)
        node(&g, "Neg", names[i], names[i + 1]);
    output(&g, "e");
    assert_ok(run_open(&r, &g));
    feed(&r, 0, 3, xs);
    const uint64_t before = r.s->pool.live_size;
    assert_ok(px_ref_session_run(r.s, r.in, r.out));
    check(&r, 0, 3, (double[]){-1, -2, -3});
    assert_int_equal(r.s->pool.live_size, 2 * before); /* the input, and one like it */
    assert_int_equal(r.s->pool.unused_size, 0);        /* no second buffer ever existed */
    run_close(&r);
}

static void constants_survive_in_place_kernels(void **state)
{
    PX_UNUSED(state);
    graph g;
    run r = {0};
    graph_init(&g);
    input(&g, "x");
    initializer(&g, "w", xs, three);
    node(&g, "Add", "w x", "y");
    output(&g, "y"); /* nobody reads w afterwards, until the next iteration */
    assert_ok(run_open(&r, &g));
    feed(&r, 0, 3, xs);
    for (int round = 0; round < 2; round++) {
        px_ref_value_free(&r.out[0]);
        assert_ok(px_ref_session_run(r.s, r.in, r.out));
        check(&r, 0, 3, (double[]){2, 4, 6});
    }
    run_close(&r);
}

static void constant_parts_are_computed_once(void **state)
{
    PX_UNUSED(state);
    graph g;
    run r = {0};
    graph_init(&g);
    input(&g, "x");
    initializer(&g, "w", xs, three);
    node(&g, "Neg", "w", "v");
    node(&g, "Neg", "v", "u");
    node(&g, "Add", "u x", "y");
    output(&g, "y");
    assert_ok(run_open(&r, &g));
    assert_true(r.s->plan->steps[0].is_folded && r.s->plan->steps[1].is_folded);
    assert_false(r.s->plan->steps[2].is_folded);
    feed(&r, 0, 3, xs);
    assert_ok(px_ref_session_run(r.s, r.in, r.out));
    check(&r, 0, 3, (double[]){2, 4, 6});
    run_close(&r);
}

/* The second operand of the plan's only `op`, a constant. */
static const pgy_tensor *constant_of(const run *r, const char *op)
{
    const px_ref_plan *plan = r->s->plan;
    for (size_t i = 0; i < plan->n_steps; i++)
        if (px_str_is(plan->steps[i].node.op_type, op))
            return plan->constants[plan->steps[i].in[1]].t;
    return NULL;
}

/* Weights that only a product reads are not widened: they stay where the file has them, whatever
 * the address. Another reader gets doubles. */
static void weights_stay_floats(void **state)
{
    PX_UNUSED(state);
    char odd[1 + sizeof xs];
    memcpy(odd + 1, xs, sizeof xs);
    for (int typed = 0; typed < 2; typed++)
        for (int other = 0; other < 2; other++) {
            graph g;
            run r = {.options = {.is_typed = typed}};
            graph_init(&g);
            input(&g, "x");
            initializer(&g, "w", (const float *)(void *)(odd + 1), three);
            node(&g, "MatMul", "x w", "y");
            output(&g, "y");
            if (other) {
                node(&g, "Add", "x w", "z");
                output(&g, "z");
            }
            assert_ok(run_open(&r, &g));
            const pgy_tensor *w = constant_of(&r, "MatMul");
            assert_int_equal(w->dtype, other ? PGY_DTYPE_F64 : PGY_DTYPE_F32);
            assert_true(other || w->data == odd + 1);
            feed(&r, 0, 3, xs);
            assert_ok(px_ref_session_run(r.s, r.in, r.out));
            check(&r, 0, 1, (double[]){14});
            if (other)
                check(&r, 1, 3, (double[]){2, 4, 6});
            run_close(&r);
        }
}

/* A computed weight becomes float32 where it is one, and nowhere else. */
static void computed_weights_narrow_when_exact(void **state)
{
    PX_UNUSED(state);
    for (int typed = 0; typed < 2; typed++)
        for (int exact = 0; exact < 2; exact++) {
            graph g;
            run r = {.options = {.is_typed = typed}};
            graph_init(&g);
            input(&g, "x");
            initializer(&g, "w", xs, three);
            node(&g, exact ? "Neg" : "Reciprocal", "w", "v");
            node(&g, "MatMul", "x v", "y");
            output(&g, "y");
            assert_ok(run_open(&r, &g));
            const bool is_f32 = exact || typed; /* rounded, 1/3 is a float32, too */
            assert_int_equal(constant_of(&r, "MatMul")->dtype,
                             is_f32 ? PGY_DTYPE_F32 : PGY_DTYPE_F64);
            feed(&r, 0, 3, xs);
            assert_ok(px_ref_session_run(r.s, r.in, r.out));
            double want = exact ? -14 : 1 + 2 * 0.5 + 3 * (typed ? (float)(1.0 / 3) : 1.0 / 3);
            check(&r, 0, 1, (double[]){typed ? (float)want : want});
            run_close(&r);
        }
}

/* Gather's rows, too, are widened as they are picked. */
static void gathered_floats_are_widened(void **state)
{
    PX_UNUSED(state);
    graph g;
    run r = {0};
    graph_init(&g);
    input(&g, "i");
    initializer(&g, "w", xs, three);
    px_onnx_attr to = {.name = PX_STR("to"), .type = PX_ONNX_ATTR_INT, .i = PGY_DTYPE_I64};
    px_onnx_node *cast = node(&g, "Cast", "i", "k");
    cast->attrs = &to;
    cast->n_attrs = 1;
    node(&g, "Gather", "w k", "y");
    output(&g, "y");
    assert_ok(run_open(&r, &g));
    assert_int_equal(r.s->plan->constants[r.s->plan->steps[1].in[0]].t->dtype, PGY_DTYPE_F32);
    feed(&r, 0, 3, (float[]){2, 0, -1});
    assert_ok(px_ref_session_run(r.s, r.in, r.out));
    check(&r, 0, 3, (double[]){3, 1, 3});
    run_close(&r);
}

static void dead_nodes_do_not_run(void **state)
{
    PX_UNUSED(state);
    graph g;
    run r = {0};
    graph_init(&g);
    input(&g, "x");
    node(&g, "NoSuchOperator", "x", "dead");
    node(&g, "Neg", "x", "y");
    output(&g, "y");
    assert_ok(run_open(&r, &g));
    assert_int_equal(r.s->plan->n_steps, 1);
    run_close(&r);
}

static void an_empty_graph_passes_its_input(void **state)
{
    PX_UNUSED(state);
    graph g;
    run r = {0};
    graph_init(&g);
    input(&g, "x");
    output(&g, "x");
    output(&g, "x");
    assert_ok(run_open(&r, &g));
    feed(&r, 0, 3, xs);
    assert_ok(px_ref_session_run(r.s, r.in, r.out));
    check(&r, 0, 3, (double[]){1, 2, 3});
    check(&r, 1, 3, (double[]){1, 2, 3});
    run_close(&r);
}

static void open_fails(graph *g, pgy_error code, const char *part)
{
    run r = {0};
    assert_fails(run_open(&r, g), code, part);
    assert_null(r.s);
    run_close(&r);
}

static void errors_name_node_and_value(void **state)
{
    PX_UNUSED(state);
    graph g;
    graph_init(&g);
    input(&g, "x");
    node(&g, "NoSuchOperator", "x", "y")->domain = PX_STR("my.domain");
    output(&g, "y");
    open_fails(&g, PGY_ERR_UNSUPPORTED, "no operator 'NoSuchOperator' (domain 'my.domain'");

    graph_init(&g);
    node(&g, "Neg", "late", "y");
    node(&g, "Neg", "y", "late");
    output(&g, "y");
    open_fails(&g, PGY_ERR_MODEL, "Node 'Neg' (Neg) reads 'late'");

    graph_init(&g);
    input(&g, "x");
    node(&g, "Neg", "x", "y");
    node(&g, "Neg", "x", "y");
    output(&g, "y");
    open_fails(&g, PGY_ERR_MODEL, "defines the value 'y' twice");

    graph_init(&g);
    input(&g, "x");
    output(&g, "y");
    open_fails(&g, PGY_ERR_MODEL, "gives its output 'y'");

    graph_init(&g);
    input(&g, "x");
    node(&g, "Add", "x", "y");
    output(&g, "y");
    open_fails(&g, PGY_ERR_MODEL, "has 1 inputs; 2 to 2 are wanted");
}

static void memory_is_limited(void **state)
{
    PX_UNUSED(state);
    graph g;
    run r = {.options = {.limit_size = 1 << 20}};
    static const int64_t shape[1] = {INT64_C(1) << 40};
    const int64_t one[1] = {1};
    graph_init(&g);
    g.init[g.g.n_initializers++] = (px_onnx_tensor){.name = PX_STR("shape"),
                                                    .dtype = PGY_DTYPE_I64,
                                                    .data_type = PGY_DTYPE_I64,
                                                    .rank = 1,
                                                    .dims = one,
                                                    .raw = {(const char *)shape, sizeof shape}};
    node(&g, "ConstantOfShape", "shape", "y");
    output(&g, "y");
    assert_fails(run_open(&r, &g), PGY_ERR_NOMEM, "does not fit");
    run_close(&r);
}

/* --- subgraphs --- */

/* If(c) then t = -x else e = x + x, both capturing x; nested: then-branch holds an If again. */
static void branches_capture_outer_values(void **state)
{
    PX_UNUSED(state);
    graph g, inner_then, then, other;
    run r = {0};
    px_onnx_attr attrs[2] = {{.name = PX_STR("then_branch"), .type = PX_ONNX_ATTR_GRAPH, .n = 1},
                             {.name = PX_STR("else_branch"), .type = PX_ONNX_ATTR_GRAPH, .n = 1}};
    px_onnx_attr inner_attrs[2];
    memcpy(inner_attrs, attrs, sizeof attrs);

    graph_init(&other);
    node(&other, "Add", "a w", "e");
    output(&other, "e");
    graph_init(&inner_then);
    node(&inner_then, "Add", "a own", "i");
    output(&inner_then, "i");
    inner_attrs[0].g = &inner_then.g;
    inner_attrs[1].g = &other.g;
    graph_init(&then);
    node(&then, "Neg", "a", "own");
    px_onnx_node *n = node(&then, "If", "c", "t");
    n->attrs = inner_attrs;
    n->n_attrs = 2;
    output(&then, "t");
    attrs[0].g = &then.g;
    attrs[1].g = &other.g;

    graph_init(&g);
    input(&g, "x");
    input(&g, "c");
    initializer(&g, "w", xs, three);
    node(&g, "Neg", "x", "a");
    n = node(&g, "If", "c", "y");
    n->attrs = attrs;
    n->n_attrs = 2;
    node(&g, "Neg", "a", "z"); /* a outlives the branch */
    output(&g, "y");
    output(&g, "z");
    assert_ok(run_open(&r, &g));
    feed(&r, 0, 3, xs);
    for (int c = 0; c < 2; c++) {
        pgy_tensor *t = NULL;
        assert_ok(pgy_tensor_new(PGY_DTYPE_BOOL, 0, NULL, &t));
        *(uint8_t *)t->data = (uint8_t)c;
        px_ref_value_free(&r.in[1]);
        assert_ok(px_ref_value_load(&r.s->pool, t, &r.in[1]));
        pgy_tensor_free(t);
        px_ref_value_free(&r.out[0]);
        px_ref_value_free(&r.out[1]);
        assert_ok(px_ref_session_run(r.s, r.in, r.out));
        check(&r, 0, 3, (double[]){0, 0, 0}); /* -x + w, or -x - (-x): the same here */
        check(&r, 1, 3, (double[]){1, 2, 3});
    }
    run_close(&r);
}

/* --- functions --- */

/* F(p, q) = LeakyRelu(p, alpha = attribute a) + q, with a default for a. */
static void functions_resolve_their_attributes(void **state)
{
    PX_UNUSED(state);
    graph g, body;
    run r = {0};
    px_onnx_attr leaky = {
        .name = PX_STR("alpha"), .type = PX_ONNX_ATTR_FLOAT, .ref_attr_name = PX_STR("a")};
    px_onnx_attr given = {.name = PX_STR("a"), .type = PX_ONNX_ATTR_FLOAT, .f = 0.25f};
    px_onnx_attr dflt = {.name = PX_STR("a"), .type = PX_ONNX_ATTR_FLOAT, .f = 0.5f};
    px_str names[2] = {PX_STR("p"), PX_STR("q")}, outs[1] = {PX_STR("s")};
    px_onnx_opset imports[1] = {{.version = 17}};

    graph_init(&body);
    px_onnx_node *n = node(&body, "LeakyRelu", "p", "l");
    n->attrs = &leaky;
    n->n_attrs = 1;
    node(&body, "Add", "l q", "s");
    px_onnx_function f = {.domain = PX_STR("mine"),
                          .name = PX_STR("F"),
                          .inputs = names,
                          .n_inputs = 2,
                          .outputs = outs,
                          .n_outputs = 1,
                          .attr_defaults = &dflt,
                          .n_attr_defaults = 1,
                          .nodes = body.nodes,
                          .n_nodes = 2,
                          .opsets = imports,
                          .n_opsets = 1};
    r.model.functions = &f;
    r.model.n_functions = 1;

    graph_init(&g);
    input(&g, "x");
    n = node(&g, "F", "x x", "l"); /* the body has an l of its own */
    n->domain = PX_STR("mine");
    n->attrs = &given;
    n->n_attrs = 1;
    node(&g, "F", "x l", "y")->domain = PX_STR("mine");
    output(&g, "l");
    output(&g, "y");
    assert_ok(run_open(&r, &g));
    feed(&r, 0, 2, (const float[]){-8, 1});
    assert_ok(px_ref_session_run(r.s, r.in, r.out));
    check(&r, 0, 2, (double[]){-8 * 0.25 - 8, 2});
    check(&r, 1, 2, (double[]){-8 * 0.5 - 10, 3});
    run_close(&r);

    /* A function that calls itself has no end. */
    body.nodes[1].op_type = PX_STR("F");
    body.nodes[1].domain = PX_STR("mine");
    r = (run){.model = {.functions = &f, .n_functions = 1}};
    assert_fails(run_open(&r, &g), PGY_ERR_MODEL, "nested deeper than");
    run_close(&r);
}

/* --- precision --- */

static void typed_rounds_after_every_operator(void **state)
{
    PX_UNUSED(state);
    for (int typed = 0; typed < 2; typed++) {
        graph g;
        run r = {.options = {.is_typed = typed}};
        graph_init(&g);
        input(&g, "x");
        input(&g, "y");
        node(&g, "Add", "x y", "s");
        node(&g, "Sub", "s x", "d");
        output(&g, "d");
        assert_ok(run_open(&r, &g));
        /* 2^24 + 1 is no float32. */
        feed(&r, 0, 1, (const float[]){16777216});
        feed(&r, 1, 1, (const float[]){1});
        assert_ok(px_ref_session_run(r.s, r.in, r.out));
        check(&r, 0, 1, (double[]){typed ? 0 : 1});
        run_close(&r);
    }
}

/* --- values --- */

static void deep_optionals_are_freed_without_recursion(void **state)
{
    PX_UNUSED(state);
    const uint64_t before = px_mem_live();
    px_ref_value v = {0};
    for (int i = 0; i < 300000; i++) {
        px_ref_list *list = NULL;
        assert_ok(px_ref_list_new(1, &list));
        list->items[0] = v;
        v = (px_ref_value){.kind = PX_REF_OPTIONAL, .seq = list};
    }
    px_ref_value_free(&v);
    assert_int_equal(px_mem_live(), before);
}

static void outputs_outlive_the_session(void **state)
{
    PX_UNUSED(state);
    graph g;
    run r = {0};
    pgy_tensor *t = NULL;
    graph_init(&g);
    input(&g, "x");
    node(&g, "Cast", "x", "y");
    px_onnx_attr to = {.name = PX_STR("to"), .type = PX_ONNX_ATTR_INT, .i = PGY_DTYPE_I64};
    g.nodes[0].attrs = &to;
    g.nodes[0].n_attrs = 1;
    output(&g, "y");
    assert_ok(run_open(&r, &g));
    feed(&r, 0, 3, xs);
    assert_ok(px_ref_session_run(r.s, r.in, r.out));
    assert_ok(px_ref_value_store(&r.out[0], &t));
    run_close(&r);
    assert_int_equal(t->dtype, PGY_DTYPE_I64);
    assert_int_equal(px_tensor_get_i64(t, 2), 3);
    pgy_tensor_free(t);
}

/* Every allocation fails once: the right code, nothing left behind. */
static void out_of_memory_leaves_nothing(void **state)
{
    PX_UNUSED(state);
    graph g;
    graph_init(&g);
    input(&g, "x");
    initializer(&g, "w", xs, three);
    node(&g, "Neg", "w", "v");
    node(&g, "Add", "v x", "y");
    node(&g, "MatMul", "y y", "z");
    output(&g, "z");
    const uint64_t before = px_mem_live();
    bool passed = false;
    for (uint64_t n = 1; n < 500 && !passed; n++) {
        run r = {0};
        assert_ok(pgy_context_new(&r.cx));
        pgy_context_set_threads(r.cx, 1);
        px_mem_fail_after(n);
        pgy_status *st = run_open(&r, &g);
        if (!st) {
            px_mem_fail_after(0);
            feed(&r, 0, 3, xs);
            px_mem_fail_after(n);
            st = px_ref_session_run(r.s, r.in, r.out);
            passed = !st;
        }
        px_mem_fail_after(0);
        if (st)
            assert_int_equal(pgy_status_code(st), PGY_ERR_NOMEM);
        pgy_status_free(st);
        run_close(&r);
        assert_int_equal(px_mem_live(), before);
    }
    assert_true(passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_place_spares_what_is_still_read),
        cmocka_unit_test(a_chain_runs_in_one_buffer),
        cmocka_unit_test(constants_survive_in_place_kernels),
        cmocka_unit_test(constant_parts_are_computed_once),
        cmocka_unit_test(unused_buffers_serve_smaller_requests),
        cmocka_unit_test(weights_stay_floats),
        cmocka_unit_test(computed_weights_narrow_when_exact),
        cmocka_unit_test(gathered_floats_are_widened),
        cmocka_unit_test(dead_nodes_do_not_run),
        cmocka_unit_test(an_empty_graph_passes_its_input),
        cmocka_unit_test(errors_name_node_and_value),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(branches_capture_outer_values),
        cmocka_unit_test(functions_resolve_their_attributes),
        cmocka_unit_test(typed_rounds_after_every_operator),
        cmocka_unit_test(deep_optionals_are_freed_without_recursion),
        cmocka_unit_test(outputs_outlive_the_session),
        cmocka_unit_test(out_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
