#!/usr/bin/env python3
"""Real models on ONNX Runtime and the interpreter, at default tolerances.

    test_real_models.py MODELS [--layers] [NAME]...

Each model of MODELS (tools/fetch_models.sh) must pass; or, where ONNX Runtime is too far off, the
referee report must show how far each output is from float64, that ONNX Runtime is further than
rounding after every operator makes it, and whether float32 can give that. With --layers every
tensor is an output and no difference passes: the referee must rule on all that ONNX Runtime gives,
and call none of it wrong. POLYGRAPHY_BIN is the program; 77 means skipped: no models, or no ONNX
Runtime. A model that is not there is named.
"""

import os
import re
import subprocess
import sys
import time

LIGHT = "light/onnx/backend/test/data/light/light_{}.onnx"
MODELS = [LIGHT.format(n) for n in ("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2",
                                    "resnet50", "shufflenet", "squeezenet", "vgg19", "zfnet512")]
MODELS += [
    "basic-pitch/basic_pitch/saved_models/icassp_2022/nmp.onnx",
    "rapidocr/rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
    "rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
    "rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
    "magika/magika/models/standard_v3_3/model.onnx",
    "openwakeword/openwakeword/resources/models/silero_vad.onnx",
]
# Dynamic dimensions that 1 is too small for.
SHAPES = {
    "ch_ppocr_mobile_v2.0_cls_infer.onnx": ["--input-shapes", "x:[1,3,48,192]"],
    "ch_PP-OCRv4_rec_infer.onnx": ["--input-shapes", "x:[1,3,48,160]"],
    "ch_PP-OCRv4_det_infer.onnx": ["--input-shapes", "x:[1,3,160,160]"],
    "silero_vad.onnx": ["--input-shapes", "input:[1,512]", "h:[2,1,64]", "c:[2,1,64]",
                        "--val-range", "sr:[16000,16000]"],
}


def settled(text):
    """The report explains the failure: a ruling on every output that failed."""
    failed = set(re.findall(r"FAILED \| Output: '([^']*)'", text))
    ruled = {}
    for output, ruling in re.findall(r"Referee \| '([^']*)': (.*)", text):
        ruled[output] = ("times further from float64 than that rounding" in ruling
                         or " is wrong: " in ruling)
    return bool(failed) and all(ruled.get(o, False) for o in failed)


def none_wrong(text):
    """No inner tensor that ONNX Runtime gives is beyond what float32 can do."""
    rulings = re.findall(r"Referee \| '(?:[^']*)': (.*)", text)
    return bool(rulings) and not any(" wrong: " in r or "nothing to measure" in r for r in rulings)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    root, names = sys.argv[1], sys.argv[2:]
    by_layer = "--layers" in names
    names = [n for n in names if n != "--layers"]
    extra = ["--onnx-outputs", "mark", "all", "--rtol", "0", "--atol", "0"] if by_layer else []
    n_run = n_bad = n_settled = 0
    for model in MODELS:
        if names and not any(n in model for n in names):
            continue
        path = os.path.join(root, model)
        base = os.path.basename(model)
        if not os.path.exists(path):
            print(f"SKIPPED: {model} is not there")
            continue
        start = time.monotonic()
        done = subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", path, "--onnxrt", "--pluginref",
                               *SHAPES.get(base, []), *extra],
                              capture_output=True, text=True, timeout=900, check=False)
        text = done.stdout + done.stderr
        if "POLYGRAPHY_ONNXRT_LIB" in text:
            print("SKIPPED: ONNX Runtime is not installed")
            return 77
        n_run += 1
        explains = none_wrong if by_layer else settled
        verdict = "passes" if done.returncode == 0 else "settled" if explains(text) else "WRONG"
        n_settled += verdict == "settled"
        n_bad += verdict == "WRONG"
        print(f"{verdict}: {base} ({time.monotonic() - start:.1f} s)", flush=True)
        for line in re.findall(r"Referee \| .*", text):
            if not by_layer or " wrong: " in line:
                print(f"    {line}")
        if verdict == "WRONG":
            print(text[-3000:])
    if n_run == 0:
        print("SKIPPED: there are no models; tools/fetch_models.sh gets them")
        return 77
    print(f"{n_run} models: {n_run - n_settled - n_bad} pass, {n_settled} are settled by the referee, "
          f"{n_bad} wrong")
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
