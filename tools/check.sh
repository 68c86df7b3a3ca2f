#!/usr/bin/env bash
# Builds with sanitizers and runs every test (what it needs is installed by setup.sh).
# Arguments go to ctest: tools/check.sh -L fast
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)

tools/fetch_models.sh .models
PX_MODELS=$PWD/.models
data=$PWD/.models/light/onnx/backend/test/data
PX_NODE_TESTS=$PWD/.models/node/usr/share/libonnx-testdata/data/node
PX_NODE_TESTS+=:$data/simple:$data/pytorch-converted:$data/pytorch-operator
PX_ORACLE_PYTHON=$PWD/.venv-0.53.6/bin/python
PX_ORACLE_PYTHON_SEED=$PWD/.venv-0.49.26/bin/python
PX_ONNX_PYTHON=$PX_ORACLE_PYTHON
PX_PLAYWRIGHT=$PWD/.playwright
PX_TRT_PYTHON=$PWD/.venv-trt/bin/python
[[ -x $PX_TRT_PYTHON ]] || PX_TRT_PYTHON=
PX_TF_PYTHON=$PWD/.venv-tf/bin/python
[[ -x $PX_TF_PYTHON ]] || PX_TF_PYTHON=
VIRTUAL_ENV=$PWD/.venv-0.53.6 # where the tests' ONNX Runtime is found
export PX_MODELS PX_NODE_TESTS PX_ORACLE_PYTHON PX_ORACLE_PYTHON_SEED PX_ONNX_PYTHON PX_PLAYWRIGHT \
  PX_TRT_PYTHON PX_TF_PYTHON VIRTUAL_ENV

cmake --preset asan >/dev/null
cmake --build build/asan -j "$jobs"
cmake --preset release >/dev/null
cmake --build build/release -j "$jobs" --target all bench # timings are run by hand, but always build
ctest --test-dir build/asan --output-on-failure -j "$jobs" "$@"
