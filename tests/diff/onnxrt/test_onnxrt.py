#!/usr/bin/env python3
"""test_onnxrt.py RUNNER MODELS DATA: our ONNX Runtime backend against Python's onnxruntime.

The same models, inputs, library and thread count, so every output must be equal bit for bit. RUNNER
is onnxrt_run. MODELS is a folder of downloaded models (see tools/fetch_models.sh), which may be
empty; DATA is tests/data/models. Exit code 77 when onnxruntime or onnx is not installed.
"""

import glob
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime as ort
except ImportError as error:
    print(f"SKIPPED: {error}; name a Python that has onnx and onnxruntime with PX_ONNX_PYTHON")
    sys.exit(77)

RUNNER, MODELS, DATA = sys.argv[1:4]

# Real models under MODELS: path, shapes of inputs where 1 for a free dimension does not do, and the
# range of integer inputs.
REAL = [
    ("basic-pitch/basic_pitch/saved_models/icassp_2022/nmp.onnx", {}, (0, 1)),
    ("openwakeword/openwakeword/resources/models/melspectrogram.onnx", {"input": [1, 16000]}, (0, 1)),
    ("openwakeword/openwakeword/resources/models/embedding_model.onnx", {}, (0, 1)),
    ("openwakeword/openwakeword/resources/models/hey_mycroft_v0.1.onnx", {}, (0, 1)),
    ("openwakeword/openwakeword/resources/models/hey_jarvis_v0.1.onnx", {}, (0, 1)),
    ("openwakeword/openwakeword/resources/models/timer_v0.1.onnx", {}, (0, 1)),
    ("openwakeword/openwakeword/resources/models/silero_vad.onnx", {"input": [1, 512]}, (16000, 16001)),
    ("magika/magika/models/standard_v3_3/model.onnx", {}, (0, 256)),
    ("rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", {"x": [1, 3, 160, 160]}, (0, 1)),
    ("rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", {"x": [1, 3, 48, 160]}, (0, 1)),
    ("text2tashkeel/text2tashkeel/models/rawi.int8.onnx", {"input": [1, 24]}, (0, 30)),
    ("text2tashkeel/text2tashkeel/models/rawi_ensemble.int8.onnx", {"input": [2, 24]}, (0, 30)),
    ("light/onnx/backend/test/data/light/light_squeezenet.onnx", {}, (0, 1)),
    ("light/onnx/backend/test/data/light/light_resnet50.onnx", {}, (0, 1)),
]

NUMBERS = {
    "tensor(float)": (1, np.float32), "tensor(uint8)": (2, np.uint8), "tensor(int8)": (3, np.int8),
    "tensor(uint16)": (4, np.uint16), "tensor(int16)": (5, np.int16), "tensor(int32)": (6, np.int32),
    "tensor(int64)": (7, np.int64), "tensor(string)": (8, object), "tensor(bool)": (9, np.bool_),
    "tensor(float16)": (10, np.float16), "tensor(double)": (11, np.float64),
    "tensor(uint32)": (12, np.uint32), "tensor(uint64)": (13, np.uint64),
}


def session_of(path):
    """As the reference makes it: thread counts are part of the result's bits."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = len(os.sched_getaffinity(0))
    options.log_severity_level = 4
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def to_bytes(array):
    if array.dtype != object:
        return np.ascontiguousarray(array).tobytes()
    parts = []
    for text in array.reshape(-1):
        raw = text if isinstance(text, bytes) else str(text).encode()
        parts.append(struct.pack("<Q", len(raw)) + raw)
    return b"".join(parts)


def describe(number, array):
    return " ".join(str(x) for x in (number, array.ndim, *array.shape))


def make_inputs(session, shapes, limits, rng):
    feed = {}
    for i in session.get_inputs():
        dims = shapes.get(i.name) or [d if isinstance(d, int) and d > 0 else 1 for d in i.shape]
        dtype = NUMBERS[i.type][1]
        if dtype is object:
            feed[i.name] = np.array([f"text {k}" for k in range(int(np.prod(dims)))], dtype=object).reshape(dims)
        elif dtype is np.bool_:
            feed[i.name] = rng.integers(0, 2, dims).astype(dtype)
        elif np.issubdtype(dtype, np.integer):
            feed[i.name] = np.asarray(rng.integers(*limits, dims)).astype(dtype)
        else:
            feed[i.name] = np.asarray(rng.standard_normal(dims)).astype(dtype)
    return feed


def node_inputs(folder):
    """Inputs of a case of the standard's node tests, in the model's order; None: not tensors."""
    arrays = []
    for k in range(len(glob.glob(f"{folder}/test_data_set_0/input_*.pb"))):
        tensor = onnx.TensorProto()
        try:
            tensor.ParseFromString(pathlib.Path(f"{folder}/test_data_set_0/input_{k}.pb").read_bytes())
            arrays.append(onnx.numpy_helper.to_array(tensor))
        except Exception:  # a sequence or an optional
            return None
    return arrays


def main():
    rng = np.random.default_rng(0)
    cases = [(f"{MODELS}/{p}", s, r) for p, s, r in REAL if os.path.exists(f"{MODELS}/{p}")]
    n_real = len(cases)
    cases += [(p, {}, (0, 2)) for p in sorted(glob.glob(f"{DATA}/*.onnx"))]
    # Bernoulli draws from a generator that starts at the time of day.
    nodes = [p for p in sorted(glob.glob(f"{MODELS}/node/**/test_*/model.onnx", recursive=True))
             if "bernoulli" not in p]
    cases += [(p, None, None) for p in nodes]
    failures, equal, refused = [], 0, 0

    runner = subprocess.Popen([RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    for path, shapes, limits in cases:
        try:
            session = session_of(path)
        except Exception:  # not for this release of the runtime
            continue
        values = session.get_inputs() + session.get_outputs()
        is_tensors = all(v.type in NUMBERS for v in values)
        with tempfile.TemporaryDirectory() as folder:
            feed = expected = None
            if is_tensors:
                if shapes is None:
                    arrays = node_inputs(os.path.dirname(path))
                    names = [i.name for i in session.get_inputs()]
                    if arrays is None or len(arrays) != len(names):
                        continue
                    feed = dict(zip(names, arrays))
                else:
                    feed = make_inputs(session, shapes, limits, rng)
                try:
                    expected = session.run(None, feed)
                except Exception:  # both must fail
                    expected = None
                lines = []
                for k, i in enumerate(session.get_inputs()):
                    array = np.asarray(feed[i.name])
                    lines.append(describe(NUMBERS[i.type][0], array))
                    pathlib.Path(folder, f"in_{k}.bin").write_bytes(to_bytes(array))
                pathlib.Path(folder, "in.txt").write_text("\n".join(lines) + "\n")
            elif not any(v.type.startswith(("seq", "map", "optional", "sparse")) for v in session.get_inputs()):
                continue  # types that numpy does not have, sequences that come out: other tests have them
            runner.stdin.write(f"{path}\t{folder}\n")
            runner.stdin.flush()
            answer = runner.stdout.readline().strip()
            if not is_tensors:
                refused += answer.startswith("error 5 ")
                if not answer.startswith("error 5 "):
                    failures.append(f"{path}: not refused: {answer}")
                continue
            if (expected is None) != answer.startswith("error"):
                failures.append(f"{path}: {answer or 'the runner died'}")
                continue
            if expected is None:
                continue
            wanted = [describe(NUMBERS[o.type][0], a) for o, a in zip(session.get_outputs(), map(np.asarray, expected))]
            got = pathlib.Path(folder, "out.txt").read_text().splitlines()
            if wanted != got:
                failures.append(f"{path}: outputs are {got}, expected {wanted}")
                continue
            same = True
            for k, array in enumerate(map(np.asarray, expected)):
                if pathlib.Path(folder, f"out_{k}.bin").read_bytes() != to_bytes(array):
                    failures.append(f"{path}: output {k} differs")
                    same = False
            equal += same
    runner.stdin.close()
    if runner.wait() != 0:
        failures.append(f"the runner ended with exit code {runner.returncode}")
    print("\n".join(failures))
    print(f"{equal} models equal bit for bit ({n_real} real ones, {len(nodes)} node cases at hand), "
          f"{refused} refused as they must, {len(failures)} failed")
    if not n_real:
        print("note: no downloaded models; name their folder with PX_MODELS")
    return bool(failures) or equal == 0


if __name__ == "__main__":
    sys.exit(main())
