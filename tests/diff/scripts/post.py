import numpy as np

from polygraphy.comparator import IterationResult


def postprocess_outputs(it):
    return IterationResult({n: v * 2 for n, v in it.items()}, runtime=it.runtime, runner_name=it.runner_name)


def same(it):
    return it


def renamed(it):
    return IterationResult({"q": it["y"].astype(np.float64)[0]})


def in_place(it):
    it["y"][:] = 7
    return it


def set_item(it):
    it["y"] = np.ones((2, 2), np.int8)
    return it


class Instance:
    def __call__(self, it):
        return postprocess_outputs(it)


def top_k(it):
    from polygraphy.comparator import PostprocessFunc

    return PostprocessFunc.top_k(2)(it)


# --- ways to fail ---


def nothing(it):
    it["y"] = np.zeros(3)


def a_list(it):
    return [1]


def scalar(it):
    it["y"] = 3.5
    return it


def raises(it):
    raise KeyError("no such thing")
