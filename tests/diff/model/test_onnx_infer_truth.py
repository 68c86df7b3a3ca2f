#!/usr/bin/env python3
"""test_onnx_infer_truth.py TOOL MODELS - inferred shapes of real models against what runs give.

Every intermediate tensor of each model is fetched from ONNX Runtime, optimisations off. A stated
dim must be the real one, an element type too, and a named dim must stand for the same number
wherever it appears in a run. Exit status 77 without onnx, onnxruntime or the models.
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime as ort
    from onnx.helper import tensor_dtype_to_np_dtype
except ImportError as error:
    print(f"SKIP: {error}")
    sys.exit(77)

TOOL, MODELS = sys.argv[1], pathlib.Path(sys.argv[2] or "/nonexistent")
WAKE = "openwakeword/openwakeword/resources/models/"
OCR = "rapidocr/rapidocr_onnxruntime/models/"
RUNS = {  # model -> shapes of the inputs where 2 for every open dim does not do
    "basic-pitch/basic_pitch/saved_models/icassp_2022/nmp.onnx": {},
    WAKE + "melspectrogram.onnx": {"input": (1, 16000)},
    WAKE + "embedding_model.onnx": {},
    WAKE + "hey_mycroft_v0.1.onnx": {},
    WAKE + "hey_jarvis_v0.1.onnx": {},
    "magika/magika/models/standard_v3_3/model.onnx": {},
    OCR + "ch_PP-OCRv4_det_infer.onnx": {"x": (1, 3, 160, 160)},
    OCR + "ch_PP-OCRv4_rec_infer.onnx": {"x": (1, 3, 48, 160)},
    OCR + "ch_ppocr_mobile_v2.0_cls_infer.onnx": {"x": (1, 3, 48, 192)},
    "text2tashkeel/text2tashkeel/models/rawi.int8.onnx": {"input": (2, 24)},
    "text2tashkeel/text2tashkeel/models/bilstm.int8.onnx": {"input_ids": (2, 24)},
    "light/onnx/backend/test/data/light/light_shufflenet.onnx": {},
}


def infer(model):
    with tempfile.TemporaryDirectory() as name:
        source, out = pathlib.Path(name) / "in.onnx", pathlib.Path(name) / "out.onnx"
        source.write_bytes(model.SerializeToString())
        subprocess.run([TOOL], input=f"{source}\t{out}\n", text=True, check=True)
        graph = onnx.load(out).graph
    return {v.name: v.type.tensor_type for v in (*graph.value_info, *graph.output)}


def run_all(model, shapes, symbols):
    """name -> array of every node output; fills in what the named dims of the inputs are."""
    have = {o.name for o in model.graph.output}
    for name in (o for n in model.graph.node for o in n.output if o and o not in have):
        model.graph.output.append(onnx.ValueInfoProto(name=name))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options,
                                   providers=["CPUExecutionProvider"])
    weights = {t.name for t in model.graph.initializer}
    feeds = {}
    for i in model.graph.input:
        if i.name in weights:
            continue
        dims = i.type.tensor_type.shape.dim
        shape = shapes.get(i.name) or tuple(d.dim_value if d.dim_value > 0 else 2 for d in dims)
        symbols.update((d.dim_param, n) for d, n in zip(dims, shape) if d.dim_param)
        feeds[i.name] = np.ones(shape, tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type))
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))


def is_true(stated, array, symbols):
    if tensor_dtype_to_np_dtype(stated.elem_type) != array.dtype:
        return False
    if not stated.HasField("shape"):
        return True
    dims = stated.shape.dim
    return len(dims) == array.ndim and all(
        d.dim_value == n if d.HasField("dim_value") else
        not d.dim_param or symbols.setdefault(d.dim_param, n) == n
        for d, n in zip(dims, array.shape))


def main():
    if not (MODELS / next(iter(RUNS))).exists():
        print("SKIP: PX_MODELS names no folder with the models of tools/fetch_models.sh")
        return 77
    ort.set_default_logger_severity(4)
    n_all = n_wrong = 0
    for path, shapes in RUNS.items():
        model = onnx.load(MODELS / path)
        del model.graph.value_info[:]
        for k, i in enumerate(model.graph.input):
            for j, d in enumerate(i.type.tensor_type.shape.dim):
                if d.dim_value <= 0 and not d.dim_param:
                    d.dim_param = f"input{k}_{j}"
        types, symbols = infer(model), {}
        arrays = run_all(model, shapes, symbols)
        checked = [n for n, a in arrays.items() if n in types and isinstance(a, np.ndarray)]
        wrong = [n for n in checked if not is_true(types[n], arrays[n], symbols)]
        for name in wrong:
            print(f"FAILED: {path}: {name!r} is {arrays[name].dtype}{arrays[name].shape}, we say "
                  f"{types[name]}")
        print(f"{pathlib.Path(path).name}: {len(checked)} tensors, {len(wrong)} wrong")
        n_all += len(checked)
        n_wrong += len(wrong)
    print(f"{n_all} tensors, {n_wrong} wrong")
    return 1 if n_wrong or n_all < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
