#!/usr/bin/env python3
"""com.microsoft:GroupQueryAttention on the interpreter against ONNX Runtime.

POLYGRAPHY_BIN is the program; 77 means skipped (no onnx package or no ONNX Runtime).
"""

import os
import subprocess
import sys
import tempfile

HEADS, KV_HEADS, SIZE = 4, 2, 16


def make(onnx, numpy, folder, batch, length, past, seqlens, packed=False, rotary=0, bias=False, sink=False,
         bits=0, per_channel=False, chunk=None, positions=False, dtype="float32", total=None, **attrs):
    """A model of one node and its inputs: the paths of both. Rows of padding are made zero behind the node:
    runtimes leave there what they like."""
    h, T = onnx.helper, onnx.TensorProto
    rng = numpy.random.default_rng(length * 100 + past)
    is_sliding = attrs.get("sliding_window_cache", 0)
    total = total or past + length
    feeds, nodes = {}, []

    def give(name, values):
        feeds[name] = numpy.asarray(values)
        return name

    def floats(name, *shape):
        return give(name, rng.standard_normal(shape).astype(dtype))

    def cache(name):
        if not bits:
            return floats(name, batch, KV_HEADS, past, SIZE)
        low, high, stored, size = (-128, 128, "int8", SIZE) if bits == 8 else (0, 256, "uint8", SIZE // 2)
        return give(name, rng.integers(low, high, (batch, KV_HEADS, past, size)).astype(stored))

    wide = (HEADS + 2 * KV_HEADS if packed else HEADS) * SIZE
    names = [floats("q", batch, length, wide)]
    names += ["", ""] if packed else [floats(n, batch, length, KV_HEADS * SIZE) for n in "kv"]
    names += [cache(n) for n in ("past_k", "past_v")] if past or bits else ["", ""]
    names.append(give("seqlens", numpy.array([s - 1 for s in seqlens], numpy.int32)))
    names.append(give("total", numpy.array(max(seqlens) if is_sliding else total, numpy.int32)))
    names += [""] * 10
    if rotary:
        angles = rng.uniform(-3, 3, (64, rotary // 2)).astype(dtype)
        names[7:9] = [give("cos", numpy.cos(angles)), give("sin", numpy.sin(angles))]
        attrs["do_rotary"] = 1
    if positions:
        names[9] = give("positions", rng.integers(0, 60, (batch, length)).astype(numpy.int64))
    if bias:
        names[10] = floats("bias", 1, HEADS, length, total)
    if sink:
        names[11] = floats("sink", HEADS)
    if bits:
        shape = (1, KV_HEADS, 1, SIZE) if per_channel else (1,)
        for i, n in enumerate(("k_scale", "v_scale")):
            unit = 0.02 if bits == 8 else 0.3
            names[12 + i] = give(n, rng.uniform(unit, 2 * unit, shape).astype(numpy.float32))
        kind = "PER_CHANNEL" if per_channel else "PER_TENSOR"
        attrs.update(kv_cache_bit_width=bits, k_quant_type=kind, v_quant_type=kind)
    if chunk:
        names[16:] = [give("chunk", numpy.array(chunk, numpy.int32))]
    while not names[-1]:
        names.pop()
    outputs = ["y", "present_k", "present_v"] + ["qk"] * (attrs.get("qk_output", 0) > 0)
    made = [f"{o}_made" if chunk or is_sliding else o for o in outputs]
    nodes.append(h.make_node("GroupQueryAttention", names, made, domain="com.microsoft", num_heads=HEADS,
                             kv_num_heads=KV_HEADS, **attrs))
    constants = []
    if chunk or is_sliding:
        counts = chunk or [length] * batch
        capacity, window = past, attrs.get("local_window_size", 0)

        def resident(n):
            step = capacity - window + 1
            return n if n <= capacity else n - step * -((capacity - n) // step)

        held = [resident(s) if is_sliding else s for s in seqlens]
        for o, m in zip(outputs, made):
            n = length if o == "y" else capacity if is_sliding else max(capacity, total)
            mask = numpy.arange(n)[None, :] < numpy.array(counts if o == "y" else held)[:, None]
            mask = mask.reshape((batch, length, 1) if o == "y" else (batch, 1, n, 1))
            constants.append(onnx.numpy_helper.from_array(mask, f"{o}_valid"))
            kind = numpy.dtype(dtype) if o == "y" or not bits else numpy.dtype("int8" if bits == 8 else "uint8")
            constants.append(onnx.numpy_helper.from_array(numpy.zeros((), kind), f"{o}_none"))
            nodes.append(h.make_node("Where", [f"{o}_valid", m, f"{o}_none"], [o]))
    inputs = [h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(a.dtype), a.shape)
              for n, a in feeds.items()]
    kept = T.INT8 if bits == 8 else T.UINT8 if bits else h.np_dtype_to_tensor_dtype(numpy.dtype(dtype))
    plain = h.np_dtype_to_tensor_dtype(numpy.dtype(dtype))
    infos = [h.make_tensor_value_info(n, kept if n.startswith("present") else plain, None) for n in outputs]
    model = h.make_model(h.make_graph(nodes, "gqa", inputs, infos, constants),
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
    "bias behind a cache": dict(batch=1, length=2, past=4, seqlens=[6], bias=True, softcap=1.5),
    "both directions": dict(batch=1, length=4, past=0, seqlens=[4], causal=0),
    "positions": dict(batch=1, length=3, past=2, seqlens=[5], rotary=16, positions=True),
    "smooth softmax": dict(batch=2, length=5, past=0, seqlens=[5, 5], smooth_softmax=1),
    "sinks": dict(batch=2, length=1, past=6, seqlens=[7, 4], sink=True),
    "sinks, window, cap, bias": dict(batch=1, length=7, past=0, seqlens=[7], sink=True, bias=True,
                                     local_window_size=3, softcap=3.0),
    "scores": dict(batch=1, length=3, past=4, seqlens=[7], qk_output=1),
    "scores, window, cap, bias": dict(batch=1, length=6, past=0, seqlens=[6], qk_output=1, bias=True,
                                      local_window_size=3, softcap=3.0),
    "probabilities": dict(batch=1, length=3, past=4, seqlens=[7], qk_output=2, sink=True),
    "float16": dict(batch=1, length=2, past=3, seqlens=[5], dtype="float16", sink=True),
    "int8 cache": dict(batch=1, length=2, past=5, seqlens=[7], bits=8),
    "int8 cache per channel": dict(batch=2, length=1, past=5, seqlens=[6, 4], bits=8, per_channel=True),
    "int8 cache, prompt": dict(batch=2, length=4, past=0, seqlens=[4, 4], bits=8),
    "int8 cache, rotary, sink": dict(batch=1, length=2, past=5, seqlens=[7], bits=8, rotary=16, sink=True),
    "4-bit cache": dict(batch=1, length=2, past=5, seqlens=[7], bits=4),
    "4-bit cache per channel": dict(batch=2, length=1, past=5, seqlens=[6, 4], bits=4, per_channel=True),
    "chunks": dict(batch=2, length=4, past=9, seqlens=[7, 3], chunk=[4, 2], total=9),
    "chunks, one idle": dict(batch=3, length=2, past=9, seqlens=[7, 3, 4], chunk=[2, 1, 0], total=9),
    "chunks, rotary, sinks": dict(batch=2, length=4, past=9, seqlens=[4, 5], chunk=[4, 2], total=9, rotary=16,
                                  sink=True),
    "chunks, int8 cache": dict(batch=2, length=4, past=9, seqlens=[7, 3], chunk=[4, 2], total=9, bits=8),
    "sliding cache": dict(batch=1, length=1, past=6, seqlens=[12], sliding_window_cache=1, local_window_size=4),
    "sliding cache, filling": dict(batch=1, length=2, past=6, seqlens=[5], sliding_window_cache=1,
                                   local_window_size=4),
    "sliding cache, long step": dict(batch=1, length=9, past=6, seqlens=[14], sliding_window_cache=1,
                                     local_window_size=4, rotary=16),
    "sliding cache, members": dict(batch=3, length=1, past=5, seqlens=[12, 5, 7], sliding_window_cache=1,
                                   local_window_size=5, sink=True),
    "sliding cache, chunks, int8": dict(batch=2, length=3, past=6, seqlens=[12, 5], chunk=[3, 2], bits=8,
                                        sliding_window_cache=1, local_window_size=4),
}


# What must be refused: a part of the sentence that says why.
WRONG = {
    "more keys than there are": (dict(batch=1, length=1, past=6, seqlens=[20]), "seqlens_k[0] is 19"),
    "fewer than none": (dict(batch=1, length=3, past=6, seqlens=[1]), "seqlens_k[0] is 0"),
    "a missing member": (dict(batch=2, length=5, past=0, seqlens=[5]), "one entry per member"),
    "an unknown number of bits": (dict(batch=1, length=1, past=6, seqlens=[7], kv_cache_bit_width=3,
                                       k_quant_type="PER_TENSOR"), "kv_cache_bit_width is 3"),
    "a missing scale": (dict(batch=1, length=1, past=6, seqlens=[7], k_quant_type="PER_TENSOR"), "scale"),
    "an unknown quantization": (dict(batch=1, length=1, past=6, seqlens=[7], v_quant_type="SOME"), "'SOME'"),
    "a sliding cache without a window": (dict(batch=1, length=1, past=6, seqlens=[7], sliding_window_cache=1),
                                         "local_window_size above 0"),
    "a short sliding cache": (dict(batch=1, length=1, past=6, seqlens=[7], sliding_window_cache=1,
                                   local_window_size=9), "shorter than local_window_size"),
    "bias with a sliding cache": (dict(batch=1, length=1, past=6, seqlens=[7], sliding_window_cache=1,
                                       local_window_size=3, bias=True), "attention_bias"),
    "too long a chunk": (dict(batch=1, length=2, past=6, seqlens=[7], chunk=[3], total=9), "query_seqlens[0] is 3"),
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
            loose = "2e-3" if case.get("dtype") == "float16" else "1e-5"
            code, text = run(folder, "--onnxrt", "--pluginref", "--atol", loose, "--rtol", "1e-4")
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
