"""Saving and loading in the program's JSON form: arrays, results, and what json itself knows."""
import base64
import io
import json
import os

import numpy as np

_CLASS = "polygraphy_class"


def _encode(value):
    from polygraphy.comparator import IterationResult, RunResults

    if isinstance(value, np.ndarray):
        data = io.BytesIO()
        np.save(data, value, allow_pickle=False)
        return {"array": base64.b64encode(data.getvalue()).decode(), _CLASS: "ndarray"}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, IterationResult):
        outputs = {name: {"values": array, _CLASS: "LazyArray"} for name, array in value.items()}
        return {"outputs": outputs, "runtime": value.runtime, "runner_name": value.runner_name, _CLASS: "IterationResult"}
    if isinstance(value, RunResults):
        return {"lst": value.lst, _CLASS: "RunResults"}
    raise TypeError(f"cannot be saved as JSON: {value!r}")


def _decode(pairs):
    from polygraphy.comparator import IterationResult, RunResults

    kind = pairs.pop(_CLASS, None)
    if kind == "ndarray":
        return np.load(io.BytesIO(base64.b64decode(pairs["array"], validate=True)), allow_pickle=False)
    if kind in ("LazyArray", "LazyNumpyArray"):
        return pairs["values"]
    if kind == "IterationResult":
        return IterationResult(pairs["outputs"], pairs["runtime"], pairs["runner_name"])
    if kind == "RunResults":
        return RunResults([tuple(item) for item in pairs["lst"]])
    if kind is not None:
        raise ValueError(f"Could not decode serialized type: {kind}.")
    return pairs


def to_json(obj):
    return json.dumps(obj, default=_encode, indent=4)


def from_json(src):
    return json.loads(src, object_hook=_decode)


def _tell(verb, description, preposition, path):
    from polygraphy.logger import G_LOGGER

    if description is not None:
        G_LOGGER.info(f"{verb} {description} {preposition} {path}")


def save_json(obj, dest, description=None):
    if isinstance(dest, (str, os.PathLike)):
        _tell("Saving", description, "to", dest)
        folder = os.path.dirname(os.path.abspath(dest))
        os.makedirs(folder, exist_ok=True)
        with open(dest, "w", encoding="utf-8") as f:
            f.write(to_json(obj))
    else:
        dest.write(to_json(obj))


def load_json(src, description=None):
    if isinstance(src, (str, os.PathLike)):
        _tell("Loading", description, "from", src)
        with open(src, encoding="utf-8") as f:
            return from_json(f.read())
    return from_json(src.read())
