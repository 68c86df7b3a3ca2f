#!/usr/bin/env bash
# Compares a real model on ONNX Runtime and on the reference interpreter: demo.sh BINARY
set -euo pipefail
binary=$(realpath "${1:?usage: demo.sh BINARY}")
cd "$(dirname "$0")/.."
if "$binary" backends | grep '^onnxrt .*: missing' >/dev/null; then
  "$binary" backends install onnxrt
fi
tools/fetch_models.sh .models rapidocr
set -x
"$binary" run .models/rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx \
  --onnxrt --pluginref --input-shapes x:[1,3,160,160]
