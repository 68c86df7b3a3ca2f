import json
import sys

import numpy as np

from beside import scale

X = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)


def load_data():
    for i in range(3):
        yield {"x": X + i}


def as_list():
    return [{"x": X}, {"x": X + 1}]


def as_tuple():
    return ({"x": X},)


class Iterable:
    def __iter__(self):
        return iter([{"x": X}, {"x": -X}])


class Indexed:
    def __getitem__(self, i):
        if i >= 2:
            raise IndexError
        return {"x": X + i}

    def __len__(self):
        return 2


def beside():
    yield {"x": scale(X)}


def not_contiguous():
    yield {"x": np.arange(8, dtype=np.float32).reshape(1, 1, 2, 4)[..., ::2]}
    yield {"x": X.astype(">f4")}
    yield {"x": X.transpose(0, 1, 3, 2)}


def many():
    for i in range(300):
        yield {"x": X * i}


def multi():
    for i in range(2):
        yield {
            "f": np.full((2, 2), i, np.float32), "i8": np.full((2, 2), -i, np.int8),
            "b": np.array([[True, False], [i > 0, True]]),
        }  # fmt: skip


def wrong_dtype():
    yield {"x": X.astype(np.float64)}


def wrong_name():
    yield {"zz": X}


def wrong_shape():
    yield {"x": X.reshape(4)}


def more():
    yield {"x": X, "extra": np.zeros(3)}


def none():
    return None


def empty():
    return []


def prints():
    print("from the script")
    sys.stdout.flush()
    yield {"x": X}


def logs():
    from polygraphy.logger import G_LOGGER

    G_LOGGER.info("an info of the script")
    G_LOGGER.verbose("hidden")
    G_LOGGER.warning("a warning of the script")
    yield {"x": X}


def saves():
    from polygraphy.json import load_json, save_json

    save_json([{"x": X}], "made.json", description="made data")
    yield load_json("made.json")[0]


# --- ways to fail ---


def not_dicts():
    return [5]


def one_dict():
    return {"x": X}


def number():
    return 5


def int_keys():
    return [{1: X}]


def lists():
    return [{"x": [[[[1.0, 2.0], [3.0, 4.0]]]]}]


def second_is_wrong():
    yield {"x": X}
    yield 5


def raises():
    raise ValueError("bad luck")


def raises_later():
    yield {"x": X}
    raise ValueError("bad luck")


def wants_argument(n):
    return []


def exits():
    sys.exit(3)


def bad_import():
    import no_such_module_anywhere  # noqa: F401

    yield {"x": X}


not_callable = [{"x": X}]
json.dumps({})  # the standard library's json, not the package's
