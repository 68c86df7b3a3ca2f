#!/usr/bin/env python3
"""Hostile mutants of the standard's node cases: an answer or an error, never a crash or a hang.

    hostile.py RUN_NODES CASES [--seed N] [--every N] [--mutants N]

Of every Nth case in the folder CASES, mutants are made by putting hostile numbers (huge, negative, zero, off by
one) into integer attributes, integer inputs and constants, and dimensions of inputs, or by leaving inputs out.
RUN_NODES runs them; only its CRASH counts (a signal, a sanitizer's report, or 60 seconds). Best with the
asan preset's RUN_NODES. Exits with 77 when the onnx package is missing.
"""
import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile

HOSTILE = [-2**63, 2**63 - 1, -2**62, 2**62, 2**31, -2**31, 2**32 + 1, -1, 0, 1, -2, 7, 65, 1000003, -129]
# More than a mutant may take; allocation beyond it must come back as an error.
LIMITS = ("allocator_may_return_null=1:max_allocation_size_mb=1024:hard_rss_limit_mb=4096:detect_leaks=0:"
          "exitcode=99:handle_abort=1")


def hostile_numbers(rng, values):
    values = list(values)
    if values and rng.random() < 0.8:
        values[rng.randrange(len(values))] = rng.choice(HOSTILE)
    elif rng.random() < 0.5:
        values.append(rng.choice(HOSTILE))
    else:
        values = values[:-1]
    return values


def mutate_tensor(onnx, rng, tensor):
    """New values of an integer tensor; of another, a new shape with the data that it needs."""
    import numpy as np
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    if tensor.data_type in (onnx.TensorProto.INT64, onnx.TensorProto.INT32) and rng.random() < 0.8:
        x = numpy_helper.to_array(tensor)
        info = np.iinfo(x.dtype)
        flat = [min(max(v, info.min), info.max) for v in hostile_numbers(rng, x.reshape(-1).tolist())]
        if len(flat) == x.size:
            tensor.CopyFrom(numpy_helper.from_array(np.array(flat, x.dtype).reshape(x.shape), tensor.name))
        else:
            tensor.CopyFrom(numpy_helper.from_array(np.array(flat, x.dtype), tensor.name))
        return
    if tensor.data_type == onnx.TensorProto.STRING:
        return
    dims = list(tensor.dims)
    how = rng.randrange(4)
    if how == 0 and dims:
        del dims[rng.randrange(len(dims))]
    elif how == 1:
        dims.insert(rng.randint(0, len(dims)), rng.choice([0, 1, 2]))
    elif dims:
        dims[rng.randrange(len(dims))] = rng.choice([0, 1, 2, 3, 5, 17])
    count = int(np.prod(dims, dtype=np.int64))
    if count > 10**6 or len(dims) > 9:
        return
    np_type = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    tensor.CopyFrom(numpy_helper.from_array(np.resize(numpy_helper.to_array(tensor).reshape(-1), count).reshape(dims).astype(np_type)
                                            if np.prod(tensor.dims) else np.zeros(dims, np_type), tensor.name))


def mutate(onnx, rng, case, out):
    model = onnx.load(os.path.join(case, "model.onnx"))
    data_in, data_out = (os.path.join(d, "test_data_set_0") for d in (case, out))
    os.makedirs(data_out)
    tensors = {}
    for i, info in enumerate(model.graph.input):
        path = os.path.join(data_in, f"input_{i}.pb")
        if not os.path.exists(path):
            continue
        with open(path, "rb") as f:
            raw = f.read()
        if info.type.HasField("tensor_type"):
            tensors[i] = onnx.TensorProto.FromString(raw)
        else:
            with open(os.path.join(data_out, f"input_{i}.pb"), "wb") as f:
                f.write(raw)
    targets = [("attribute", a) for n in model.graph.node for a in n.attribute
               if a.type in (onnx.AttributeProto.INT, onnx.AttributeProto.INTS)]
    targets += [("tensor", t) for t in list(tensors.values()) + list(model.graph.initializer)] * 2
    targets += [("node", n) for n in model.graph.node[:4]]
    for what, target in rng.sample(targets, min(len(targets), rng.choice([1, 1, 2, 3]))):
        if what == "tensor":
            mutate_tensor(onnx, rng, target)
        elif what == "attribute" and target.type == onnx.AttributeProto.INT:
            target.i = rng.choice(HOSTILE)
        elif what == "attribute":
            values = hostile_numbers(rng, target.ints)
            del target.ints[:]
            target.ints.extend(values)
        elif target.input and rng.random() < 0.5:
            i = rng.randrange(len(target.input))
            target.input[i] = rng.choice([n for n in target.input] + [""])
    for i, tensor in tensors.items():
        if rng.random() < 0.9:  # mostly what was declared fits again
            del model.graph.input[i].type.tensor_type.shape.dim[:]
            for d in tensor.dims:
                model.graph.input[i].type.tensor_type.shape.dim.add().dim_value = d
        with open(os.path.join(data_out, f"input_{i}.pb"), "wb") as f:
            f.write(tensor.SerializeToString())
    with open(os.path.join(out, "model.onnx"), "wb") as f:
        f.write(model.SerializeToString())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run_nodes")
    parser.add_argument("cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--mutants", type=int, default=1)
    parser.add_argument("--keep", help="folder for the mutants that crash")
    args = parser.parse_args()
    try:
        import onnx
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77
    with open(args.run_nodes, "rb") as f:
        is_sanitized = b"__asan_init" in f.read()  # it needs terabytes of address space; LIMITS hold instead

    def limit():
        if not is_sanitized:
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

    names = sorted(n for n in os.listdir(args.cases) if os.path.exists(os.path.join(args.cases, n, "model.onnx")))
    if not names:
        print(f"SKIPPED: no cases in {args.cases}")
        return 77
    names = names[args.seed % args.every::args.every]
    n, crashes = 0, []
    env = {**os.environ, "ASAN_OPTIONS": LIMITS, "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1"}
    for at in range(0, len(names), 200):
        with tempfile.TemporaryDirectory(prefix="px_hostile_") as folder:
            for name in names[at:at + 200]:
                for k in range(args.mutants):
                    rng = random.Random(f"{name} {args.seed + k}")
                    mutate(onnx, rng, os.path.join(args.cases, name), os.path.join(folder, f"{name}.{args.seed + k}"))
                    n += 1
            done = subprocess.run([args.run_nodes, "--limit", "60", folder], capture_output=True, text=True, env=env,
                                  errors="replace", preexec_fn=limit)
            found = [line for line in done.stdout.splitlines() if line.startswith("CRASH")]
            # A loop that is told to go round 2^62 times does so: that is the model's doing, and said aloud.
            endless = [line for line in found if "loop" in line.split()[1] and "signal 14," in line]
            if endless:
                print("\n".join(line.replace("CRASH", "ENDLESS") for line in endless), flush=True)
            found = [line for line in found if line not in endless]
            if "passed" not in done.stdout:
                found.append(f"{args.run_nodes} itself ended with exit code {done.returncode}")
            crashes += found
            if found:
                print("\n".join(found) + "\n" + done.stderr[-6000:], flush=True)
                for line in found if args.keep else ():
                    subprocess.run(["cp", "-r", os.path.join(folder, line.split()[1].rstrip(":")), args.keep])
    print(f"{n} mutants of {len(names)} cases, seed {args.seed}: {len(crashes)} crashes")
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
