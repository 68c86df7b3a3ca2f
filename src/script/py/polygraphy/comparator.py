"""The classes that comparison and post-processing scripts see."""
from collections import OrderedDict
from collections.abc import MutableMapping

import numpy as np


class IterationResult(MutableMapping):
    """Outputs of one iteration by name, in order; `runtime` in seconds or None."""

    def __init__(self, outputs=None, runtime=None, runner_name=None):
        self.dct = OrderedDict(outputs or {})
        self.runtime = runtime
        self.runner_name = "custom_runner" if runner_name is None else runner_name

    def __getitem__(self, name):
        return self.dct[name]

    def __setitem__(self, name, array):
        self.dct[name] = array

    def __delitem__(self, name):
        del self.dct[name]

    def __iter__(self):
        return iter(self.dct)

    def __len__(self):
        return len(self.dct)

    def __repr__(self):
        return f"IterationResult({dict(self.dct)!r}, runtime={self.runtime!r}, runner_name={self.runner_name!r})"


class RunResults:
    """(runner name, list of IterationResult) pairs, in order."""

    def __init__(self, lst=None):
        self.lst = list(lst or [])

    def items(self):
        yield from self.lst

    def keys(self):
        yield from (name for name, _ in self.lst)

    def values(self):
        yield from (iterations for _, iterations in self.lst)

    def __getitem__(self, key):
        if isinstance(key, int):
            return self.lst[key]
        for name, iterations in self.lst:
            if name == key:
                return iterations
        raise KeyError(f"{key} does not exist in these results: {list(self.keys())}")

    def __setitem__(self, key, value):
        if isinstance(key, int):
            self.lst[key] = value
            return
        for i, (name, _) in enumerate(self.lst):
            if name == key:
                self.lst[i] = (key, value)
                return
        self.lst.append((key, value))

    def __iter__(self):
        return iter(self.lst)

    def __len__(self):
        return len(self.lst)

    def __contains__(self, key):
        return any(name == key for name in self.keys())

    def append(self, item):
        self.lst.append(item)

    def extend(self, items):
        self.lst.extend(items)

    def update(self, other):
        for name, iterations in other.items():
            self[name] = iterations

    def add(self, out_list, runtimes=None, runner_name=None):
        """Appends a run from a list of dicts of outputs."""
        runtimes = [None] * len(out_list) if runtimes is None else runtimes
        iterations = [IterationResult(o, t, runner_name) for o, t in zip(out_list, runtimes)]
        self.append((iterations[0].runner_name if iterations else "custom_runner", iterations))


class BaseCompareFunc:
    """A base for comparison classes; __call__ compares two iterations."""

    def __call__(self, iter_result0, iter_result1):
        raise NotImplementedError("a comparison class defines __call__(self, iter_result0, iter_result1)")


class BasePostprocessFunc:
    """A base for post-processing classes; __call__ gives the changed iteration."""

    def __call__(self, iter_result):
        raise NotImplementedError("a post-processing class defines __call__(self, iter_result)")


class PostprocessFunc:
    @staticmethod
    def top_k(k=None):
        """A function that replaces outputs by the indices of their `k` largest elements.

        `k` is a number, a pair of number and axis, or a dict from output names to either, with "" for
        all others. None leaves outputs alone.
        """
        counts = k if isinstance(k, dict) else {"": 10 if k is None else k}

        def top_k_impl(iter_result):
            for name, array in iter_result.items():
                count = counts.get(name, counts.get(""))
                if count is None:
                    continue
                count, axis = count if isinstance(count, (tuple, list)) else (count, -1)
                order = np.argsort(-array, axis=axis, kind="stable")
                iter_result[name] = np.take(order, np.arange(min(count, array.shape[axis])), axis=axis)
            return iter_result

        return top_k_impl
