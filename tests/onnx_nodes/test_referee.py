#!/usr/bin/env python3
"""The referee report on node cases where ONNX Runtime does not give what the standard expects.

    test_referee.py FOLDER

FOLDER holds the cases (make_cases.py). Each is run on ONNX Runtime and the interpreter beside the
standard's own outputs, saved as a file. The report must call ONNX Runtime wrong and the standard's
outputs right. On a few cases that ONNX Runtime gets right it must say so too. POLYGRAPHY_BIN is the
program; 77 means skipped.
"""

import os
import re
import subprocess
import sys
import tempfile

# Known of ONNX Runtime 1.32 on the CPU: its DFT sums in float32 with angles that lose digits, its
# attention writes -inf where a bias of float32's lowest number is added, and its MaxUnpool places
# the values by the wrong shape when an output shape is given.
DISAGREE = [
    "test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal",
    "test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal",
    "test_dft",
    "test_dft_axis",
    "test_dft_axis_opset19",
    "test_dft_inverse",
    "test_dft_inverse_opset19",
    "test_dft_irfft",
    "test_dft_irfft_opset19",
    "test_dft_opset19",
    "test_dft_rfft",
    "test_dft_rfft_opset19",
    "test_maxunpool_export_with_output_shape",
]
AGREE = ["test_softmax_example", "test_layer_normalization_4d_axis1", "test_conv_with_strides_padding",
         "test_tanh", "test_argmax_default_axis_example"]


def load(onnx, path):
    message = onnx.TensorProto()
    with open(path, "rb") as f:
        message.ParseFromString(f.read())
    return onnx.numpy_helper.to_array(message)


def arrays(onnx, folder, what, infos):
    """The case's values by name, as far as there are files of them."""
    found = {}
    for i, info in enumerate(infos):
        path = os.path.join(folder, "test_data_set_0", f"{what}_{i}.pb")
        if os.path.exists(path):
            found[info.name] = load(onnx, path)
    return found


def report(onnx, numpy, program, folder, work):
    model = onnx.load(os.path.join(folder, "model.onnx"))
    inputs, outputs = os.path.join(work, "in.npz"), os.path.join(work, "standard.npz")
    numpy.savez(inputs, **arrays(onnx, folder, "input", model.graph.input))
    numpy.savez(outputs, **arrays(onnx, folder, "output", model.graph.output))
    done = subprocess.run(
        [program, "run", os.path.join(folder, "model.onnx"), "--onnxrt", "--pluginref",
         "--load-inputs", inputs, "--load-outputs", outputs],
        capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        import numpy
        import onnx
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77
    if not os.path.isdir(sys.argv[1]):
        print(f"SKIPPED: there are no node cases in {sys.argv[1]}")
        return 77
    program = os.environ["POLYGRAPHY_BIN"]
    n_bad = 0
    for name in DISAGREE + AGREE:
        with tempfile.TemporaryDirectory() as work:
            text = report(onnx, numpy, program, os.path.join(sys.argv[1], name), work)
        if "ONNX Runtime" in text and "POLYGRAPHY_ONNXRT_LIB" in text:
            print("SKIPPED: ONNX Runtime is not installed")
            return 77
        rulings = re.findall(r"Referee \| '.*", text)
        wrong = [r for r in rulings
                 if re.search(r"': onnxrt-runner-\S+ is wrong: .*; standard\.npz is right", r)]
        clean = rulings and not any(" wrong: " in r for r in rulings)
        ok = wrong if name in DISAGREE else clean
        n_bad += not ok
        print(f"{'ok' if ok else 'WRONG'}: {name}")
        for line in rulings or [text]:
            print(f"    {line}")
    print(f"{len(DISAGREE)} cases that ONNX Runtime gets wrong, {len(AGREE)} that it gets right, "
          f"{n_bad} ruled otherwise")
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
