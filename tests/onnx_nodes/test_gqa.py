#!/usr/bin/env python3
"""com.microsoft:GroupQueryAttention on the interpreter against ONNX Runtime.

POLYGRAPHY_BIN is the program; 77 means skipped (no onnx package or no ONNX Runtime).
"""

import os
import subprocess
import sys
import tempfile

HEADS, KV_HEADS, SIZE = 4, 2, 16


def make(onnx, numpy, folder, batch, length, past, seqlens, packed=False, rotary=0, bias=False, **attrs):
    """A model of one node and its inputs: the paths of both."""
    h, T = onnx.helper, onnx.TensorProto
    rng = numpy.random.default_rng(length * 100 + past)
    total = past + length
    feeds = {}

    def give(name, values):
        feeds[name] = numpy.asarray(values)
        return name

    def floats(name, *shape):
        return give(name, rng.standard_normal(shape).astype(numpy.float32))

    wide = (HEADS + 2 * KV_HEADS if packed else HEADS) * SIZE
    names = [floats("q", batch, length, wide)]
    names += ["", ""] if packed else [floats(n, batch, length, KV_HEADS * SIZE) for n in "kv"]
    names += [floats(n, batch, KV_HEADS, past, SIZE) for n in ("past_k", "past_v")] if past else ["", ""]
    names.append(give("seqlens", numpy.array([s - 1 for s in seqlens], numpy.int32)))
    names.append(give("total", numpy.array(total, numpy.int32)))
    if rotary:
        angles = rng.uniform(-3, 3, (64, rotary // 2)).astype(numpy.float32)
        names += [give("cos", numpy.cos(angles)), give("sin", numpy.sin(angles))]
        attrs["do_rotary"] = 1
    elif bias:
        names += ["", ""]
    if bias:
        names += ["", floats("bias", 1, HEADS, length, total)]
    node = h.make_node("GroupQueryAttention", names, ["y", "present_k", "present_v"],
                       domain="com.microsoft", num_heads=HEADS, kv_num_heads=KV_HEADS, **attrs)
    inputs = [h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(a.dtype), a.shape)
              for n, a in feeds.items()]
    outputs = [h.make_tensor_value_info(n, T.FLOAT, None) for n in ("y", "present_k", "present_v")]
    model = h.make_model(h.make_graph([node], "gqa", inputs, outputs),
                         opset_imports=[h.make_opsetid("", 21), h.make_opsetid("com.microsoft", 1)])
    model.ir_version = 10
    onnx.save(model, os.path.join(folder, "m.onnx"))
    numpy.savez(os.path.join(folder, "in.npz"), **feeds)


CASES = {
    "prompt": dict(batch=1, length=5, past=0, seqlens=[5]),
    "prompts of one length": dict(batch=2, length=5, past=0, seqlens=[5, 5]),
    "packed": dict(batch=1, length=5, past=0, seqlens=[5], packed=True),
    "one token more": dict(batch=1, length=1, past=6, seqlens=[7]),
    "members of other lengths": dict(batch=2, length=1, past=6, seqlens=[7, 4]),
    "several tokens more": dict(batch=1, length=3, past=6, seqlens=[9]),
    "rotary prompt": dict(batch=2, length=5, past=0, seqlens=[5, 5], rotary=16),
    "rotary, one token more": dict(batch=2, length=1, past=6, seqlens=[7, 5], rotary=16),
    "rotary, interleaved": dict(batch=1, length=4, past=0, seqlens=[4], rotary=16,
                                rotary_interleaved=1),
    "rotary, packed": dict(batch=1, length=4, past=0, seqlens=[4], rotary=16, packed=True),
    "prompts of several lengths": dict(batch=2, length=5, past=0, seqlens=[5, 3]),
    "rotary, prompts of several lengths": dict(batch=2, length=5, past=0, seqlens=[5, 3], rotary=16),
    "half rotary": dict(batch=1, length=4, past=2, seqlens=[6], rotary=16),
    "window": dict(batch=1, length=8, past=0, seqlens=[8], local_window_size=3),
    "window behind a cache": dict(batch=1, length=1, past=8, seqlens=[9], local_window_size=3),
    "softcap": dict(batch=1, length=6, past=0, seqlens=[6], softcap=2.0),
    "scale": dict(batch=1, length=6, past=0, seqlens=[6], scale=0.2),
    "bias": dict(batch=1, length=5, past=0, seqlens=[5], bias=True),
}


# What must be refused: a part of the sentence that says why.
WRONG = {
    "more keys than there are": (dict(batch=1, length=1, past=6, seqlens=[20]), "seqlens_k[0] is 19"),
    "fewer than none": (dict(batch=1, length=3, past=6, seqlens=[1]), "seqlens_k[0] is 0"),
    "a missing member": (dict(batch=2, length=5, past=0, seqlens=[5]), "one entry per member"),
    "a sink": (dict(batch=1, length=5, past=0, seqlens=[5], smooth_softmax=1), "smooth_softmax"),
    "too wide a rotation": (dict(batch=1, length=5, past=0, seqlens=[5], rotary=18), "cos_cache"),
}


def run(folder, *args):
    done = subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", f"{folder}/m.onnx", *args,
                           "--load-inputs", f"{folder}/in.npz"],
                          capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def check_wrong(onnx, numpy):
    n_bad = 0
    for title, (case, part) in WRONG.items():
        with tempfile.TemporaryDirectory() as folder:
            make(onnx, numpy, folder, **case)
            code, text = run(folder, "--pluginref")
        ok = code == 1 and part in text
        n_bad += not ok
        print(f"{'ok' if ok else 'WRONG'}: refuses {title}")
        if not ok:
            print(text[-2000:])
    return n_bad


def main():
    try:
        import numpy
        import onnx
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77
    n_bad = check_wrong(onnx, numpy)
    for title, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            make(onnx, numpy, folder, **case)
            code, text = run(folder, "--onnxrt", "--pluginref", "--atol", "1e-5", "--rtol", "1e-4")
        if "POLYGRAPHY_ONNXRT_LIB" in text:
            print("SKIPPED: ONNX Runtime is not installed")
            return 77
        print(f"{'ok' if code == 0 else 'WRONG'}: {title}")
        if code != 0:
            n_bad += 1
            print(text[-3000:])
    print(f"{len(CASES) + len(WRONG)} cases, {n_bad} wrong")
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
