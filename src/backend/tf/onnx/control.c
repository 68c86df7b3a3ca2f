/* backend/tf/onnx/control.c - If.
 *
 * Both arms are built into the one graph. What an arm reads from outside goes through a Switch,
 * which lets nothing pass into the arm that is not taken, and a Merge takes each output from the
 * other.
 */
#include "backend/tf/onnx/build.h"

#include "base/tensor.h"

enum { ARM_ELSE, ARM_THEN, N_ARMS };

static const px_onnx_graph *arm_of(px_tf_build *b, int arm)
{
    const px_onnx_attr *a =
        px_onnx_node_attr(b->node, arm == ARM_THEN ? "then_branch" : "else_branch");
    if (a == NULL || a->g == NULL || a->g->n_outputs != b->node->n_outputs) {
        px_tf_refuse(b, "it lacks an arm, or one that gives as many tensors as it has outputs.");
        return NULL;
    }
    return a->g;
}

static px_tf_port merged(px_tf_build *b, const px_tf_port *arms)
{
    px_tf_begin(b, "Merge");
    px_tf_in_list(b, arms, N_ARMS);
    return px_tf_finish(b);
}

static void conditional(px_tf_build *b)
{
    const pgy_tensor *known = px_tf_known(b, 0);
    const px_tf_port condition = px_tf_reshape(b, px_tf_input(b, 0), NULL, 0);
    const size_t n = b->node->n_outputs;
    const px_onnx_graph *graphs[N_ARMS] = {arm_of(b, ARM_ELSE), arm_of(b, ARM_THEN)};
    px_tf_port *outs = px_arena_calloc(&b->arena, N_ARMS * n, sizeof *outs);
    if (outs == NULL && b->st == NULL)
        b->st = px_status_nomem();
    if (b->st != NULL)
        return;
    if (known != NULL && known->count == 1) {
        px_tf_subgraph(b, graphs[px_tensor_get_i64(known, 0) != 0], &(px_tf_scope){0}, outs);
        for (size_t i = 0; i < n; i++)
            px_tf_output(b, i, outs[i]);
        return;
    }
    for (int arm = 0; arm < N_ARMS; arm++)
        px_tf_subgraph(b, graphs[arm], &(px_tf_scope){.condition = condition, .arm = arm},
                       outs + (size_t)arm * n);
    for (size_t i = 0; i < n; i++) {
        px_tf_port arms[N_ARMS]; /* an arm's constant hangs on nothing yet */
        for (int arm = 0; arm < N_ARMS; arm++)
            arms[arm] = px_tf_switch(b, outs[(size_t)arm * n + i], condition, arm);
        px_tf_output(b, i, merged(b, arms));
    }
}

const px_tf_op_row px_tf_control_rows[] = {
    {"If", conditional, NULL},
    {NULL, NULL, NULL},
};
