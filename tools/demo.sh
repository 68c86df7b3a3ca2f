#!/usr/bin/env bash
# Compares a real model on ONNX Runtime and on the reference interpreter: demo.sh BINARY
set -euo pipefail
binary=$(realpath "${1:?usage: demo.sh BINARY}")
cd "$(dirname "$0")/.."
"$binary" backends | grep -q "^onnxrt .*: missing" && "$binary" backends install onnxrt
tools/fetch_models.sh .models basic-pitch
set -x
"$binary" run .models/basic-pitch/basic_pitch/saved_models/icassp_2022/nmp.onnx --onnxrt --pluginref
