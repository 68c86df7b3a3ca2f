import sys
from collections import OrderedDict

import numpy as np


def compare_outputs(a, b):
    assert a.runner_name and b.runner_name and a.runtime > 0
    return OrderedDict((name, np.allclose(a[name], b[name], atol=1.0)) for name in a.keys())


def strict(a, b):
    return {name: bool((array == b[name]).all()) for name, array in a.items()}


def never(a, b):
    return {name: False for name in a}


def half(a, b):
    return {"y": True, "other": np.bool_(False)}


def empty(a, b):
    return {}


def truthy(a, b):
    return {"y": "no", 1: 1, "n": np.array(True)}


def changes_arrays(a, b):
    a["y"][:] = 0
    b["y"][:] = 0
    return {"y": bool((a["y"] == b["y"]).all())}


class Instance:
    def __init__(self):
        self.n = 0

    def __call__(self, a, b):
        self.n += 1
        return {"y": self.n == 1}


instance = Instance()

try:
    from polygraphy.comparator import BaseCompareFunc

    class Derived(BaseCompareFunc):
        def __call__(self, a, b):
            return {name: a[name].shape == b[name].shape for name in a}

except ImportError:
    pass


# --- ways to fail ---


def boolean(a, b):
    return True


def nothing(a, b):
    return None


def unclear(a, b):
    return {"y": np.array([True, False])}


def raises(a, b):
    raise KeyError("no such thing")


def one_argument(a):
    return {}


def exits(a, b):
    sys.exit(3)


class WantsArguments:
    def __init__(self, a, b, c):
        pass
