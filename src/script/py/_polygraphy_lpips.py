"""LPIPS, the perceptual distance of two images, with the lpips package (AlexNet, version 0.1)."""
import contextlib
import io

import numpy as np


class Missing(Exception):
    pass


class Metric:
    def __init__(self):
        try:
            import torch
            import lpips
        except ImportError as e:
            raise Missing(f"{e}. Install it for the same Python: python3 -m pip install lpips torch torchvision")
        self.torch = torch
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it announces what it loads
                self.network = lpips.LPIPS(net="alex", version="0.1", verbose=False)
            self.network.eval()
        except Exception as e:
            raise Missing(f"the network could not be loaded: {type(e).__name__}: {e}")

    def __call__(self, a, b):
        """The distance, None when the arrays are no images."""
        if a.ndim < 3 or b.ndim < 3:
            return None
        with self.torch.no_grad():
            x, y = (self.torch.from_numpy(image(v)) for v in (a, b))
            return float(self.network(x, y).mean())


def image(array):
    """As a batch of RGB images, BCHW in [-1, 1]."""
    if array.ndim == 3:
        array = array.transpose(2, 0, 1) if array.shape[2] <= 3 else array
        array = array[np.newaxis]
    elif array.shape[-1] <= 3:
        array = np.moveaxis(array, -1, 1)
    array = array.astype(np.float32)
    if array.size and array.max() > 1:
        array = array / np.float32(255)
    if array.size and array.min() >= 0 and array.max() <= 1:
        array = array * 2 - 1
    channels = array.shape[1]
    if channels == 1:
        array = np.repeat(array, 3, axis=1)
    elif channels == 2:
        array = np.concatenate([array, array[:, 1:2]], axis=1)
    elif channels > 3:
        array = array[:, :3]
    return np.ascontiguousarray(array, dtype=np.float32)
