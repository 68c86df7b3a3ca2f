#!/usr/bin/env bash
# Gathers what run_gpu.sh needs beside TensorRT into one folder of about 40 MB:
#   prepare.sh PROGRAM MODELS DEST
# PROGRAM: a release build; MODELS: the folder of tools/fetch_models.sh. DEST gets the program, the
# models and, for the comparison, NVIDIA's tool with its bindings for Python 3.12 (DEST/nvidia; use
# it with PX_NVIDIA_PYTHON=DEST/nvidia/python).
set -euo pipefail
[[ $# == 3 ]] || { sed -n '2,7p' "$0"; exit 2; }
program=$1 models=$2 dest=$3
mkdir -p "$dest/models"
cp "$program" "$dest/polygraphy"
strip "$dest/polygraphy"
cp "$(dirname "$program")/libpolygraphy.so.0" "$dest/" # for scripts
strip "$dest/libpolygraphy.so.0"
(cd "$models" && find . \( -path './light/*/light/light_*.onnx' -o -path './magika/*/standard_v3_3/model.onnx' \
  -o -name 'ch_PP-OCRv4_*_infer.onnx' -o -name embedding_model.onnx -o -name nmp.onnx \) -print0 |
  tar -c --null -T -) | tar -x -C "$dest/models"

# TensorRT 8.6's plugin library names cuBLAS and cuDNN, which nothing here calls: empty ones will do.
for so in libcublas.so.12 libcublasLt.so.12 libcudnn.so.8; do
  cc -shared -Wl,-soname,"$so" -o "$dest/$so" -x c /dev/null
done

nv=$dest/nvidia
mkdir -p "$nv"
python3 -m pip install -q --target "$nv/site" --no-deps --only-binary=:all: --python-version 3.12 \
  --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --upgrade \
  tensorrt-cu12-bindings==10.6.0 polygraphy==0.49.26
# The bindings alone have no module `tensorrt`, which NVIDIA's tool imports.
printf 'from tensorrt_bindings import *\nfrom tensorrt_bindings import __version__\n' >"$nv/site/tensorrt.py"
cat >"$nv/python" <<'S'
#!/bin/sh
PYTHONPATH=$(dirname "$0")/site${PYTHONPATH:+:$PYTHONPATH} exec python3 "$@"
S
chmod +x "$nv/python"
du -sh "$dest"
