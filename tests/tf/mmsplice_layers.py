"""The layers of mmsplice's Keras files that Keras has not, for --keras-layers, as far as inference needs them."""
import keras
import numpy as np


class ConvDNA(keras.layers.Conv1D):
    """A convolution over one-hot bases; the length it was made for is only a check."""

    def __init__(self, seq_length=None, **config):
        super().__init__(**config)


class GlobalAveragePooling1D_Mask0(keras.layers.Layer):
    """The mean over the positions at which the sequence, the second input, holds anything but zeros."""

    def call(self, inputs):
        x, sequence = inputs
        used = keras.ops.cast(keras.ops.any(keras.ops.not_equal(sequence, 0), axis=-1, keepdims=True), x.dtype)
        return keras.ops.sum(x * used, axis=1) / keras.ops.maximum(keras.ops.sum(used, axis=1), 1.0)

    def compute_output_shape(self, shapes):
        return shapes[0][0], shapes[0][2]


def b_splines(length, n_bases, degree):
    """The values of `n_bases` B-splines with even knots at 0 .. length - 1: [length, n_bases]."""
    step = (length - 1) / (n_bases - degree)
    knots = step * (np.arange(n_bases + degree + 1) - degree)
    x = np.arange(length)[:, None]
    basis = ((knots[:-1] <= x) & (x < knots[1:])).astype(float)
    for d in range(1, degree + 1):
        left = (x - knots[: -d - 1]) / (d * step) * basis[:, :-1]
        right = (knots[d + 1 :] - x) / (d * step) * basis[:, 1:]
        basis = left + right
    return basis


class SplineWeight1D(keras.layers.Layer):
    """Weights each position of each channel by one plus a smooth curve."""

    def __init__(self, n_bases=10, spline_degree=3, share_splines=False, l2_smooth=0, l2=0, use_bias=False,
                 bias_initializer=None, **config):
        super().__init__(**config)
        self.n_bases, self.degree, self.shared = n_bases, spline_degree, share_splines

    def build(self, shape):
        self.basis = b_splines(shape[1], self.n_bases, self.degree).astype("float32")
        self.kernel = self.add_weight(name="kernel", shape=(self.n_bases, 1 if self.shared else shape[2]))

    def call(self, x):
        return x * (1.0 + keras.ops.matmul(keras.ops.convert_to_tensor(self.basis), self.kernel))
