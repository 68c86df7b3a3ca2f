/* backend/tf/onnx/recurrent.h - a recurrent operator as a loop over time steps. */
#ifndef PX_BACKEND_TF_ONNX_RECURRENT_H
#define PX_BACKEND_TF_ONNX_RECURRENT_H

#include "backend/tf/onnx/build.h"

enum { PX_TF_MAX_GATES = 4, PX_TF_MAX_DIRECTIONS = 2 };

typedef struct px_tf_rnn {
    int n_gates, n_directions;
    int64_t hidden, n_steps; /* -1: known only when it runs */
    bool reverse_first, batch_first, has_lengths, couples_forget;
    float clip;         /* 0: none */
    size_t i_peepholes; /* number of that input */
    px_tf_port x;       /* {steps, batch, width} */
    px_tf_port steps;   /* int64 scalar */
    px_tf_port zeros;   /* {batch, hidden} */
    px_tf_port lengths; /* int64 {batch}, where has_lengths */
} px_tf_rnn;

/* What one direction gives: {steps, batch, hidden}, and the last step's states. */
typedef struct px_tf_lane {
    px_tf_port y, h, c;
} px_tf_lane;

/* One direction under way. Its ports are those of `from`; a step captures them. */
typedef struct px_tf_direction {
    const px_tf_rnn *rnn;
    const px_tf_frame *from;
    int number;
    px_tf_port gates;  /* {steps, batch, gates * hidden}: what X gives, W's bias added, in the order
                        * of the steps */
    px_tf_port r;      /* {hidden, gates * hidden} */
    px_tf_port bias_r; /* {gates * hidden} */
    px_tf_port scale_r; /* of 8-bit weights; without a node: `r` are the weights themselves */
} px_tf_direction;

/* Reads what recurrent operators have in common; `hidden` is set already. */
void px_tf_rnn_read(px_tf_build *b, int64_t hidden, px_tf_rnn *r);
bool px_tf_rnn_is_reverse(const px_tf_rnn *r, int direction);
/* Time steps the other way round, each sequence by its own length. */
px_tf_port px_tf_rnn_reversed(px_tf_build *b, const px_tf_rnn *r, px_tf_port x);
/* Part number `part` (0: of W, 1: of R) of the bias of one direction; zeros when there is none. */
px_tf_port px_tf_rnn_bias(px_tf_build *b, const px_tf_rnn *r, int direction, int part);
/* Runs all steps of a direction: of an LSTM with 4 gates, a GRU with 3, an RNN with 1. */
px_tf_lane px_tf_rnn_run(px_tf_build *b, px_tf_direction *d);
/* The node's outputs. */
void px_tf_rnn_give(px_tf_build *b, const px_tf_rnn *r, const px_tf_lane *lanes);

#endif
