#!/usr/bin/env bash
# Makes a report of a failed comparison of all tensors and looks at it in a browser: test_page.sh POLYGRAPHY
# PX_PLAYWRIGHT: folder whose node_modules holds playwright-core. 77: skipped.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
polygraphy=$1
for tool in node "${CHROMIUM:-chromium}"; do
  command -v "$tool" >/dev/null || { echo "SKIP: no $tool"; exit 77; }
done
[[ -d ${PX_PLAYWRIGHT:-}/node_modules/playwright-core ]] || { echo "SKIP: PX_PLAYWRIGHT has no playwright-core"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
model=$here/../data/models/branches.onnx
"$polygraphy" run "$model" --pluginref --onnx-outputs mark all --save-outputs "$folder/a.json" >"$folder/log"
"$polygraphy" run "$model" --pluginref --onnx-outputs mark all --seed 2 --load-outputs "$folder/a.json" \
  --atol layer_a:1000 --report "$folder/report.html" >"$folder/log" && { echo "the comparison should fail"; exit 1; }
node "$here/page.mjs" "$folder/report.html" "$PX_PLAYWRIGHT"
