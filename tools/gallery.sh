#!/usr/bin/env bash
# Draws the pictures of docs/gallery.md again: gallery.sh BINARY
# Needs ONNX Runtime (`polygraphy backends install onnxrt`) and fetches one model by package name.
set -euo pipefail
binary=$(realpath "${1:?usage: gallery.sh BINARY}")
cd "$(dirname "$0")/.."
models=$(realpath -m "${PX_MODELS:-.models}")
[ -d "$models/rapidocr" ] || tools/fetch_models.sh "$models" rapidocr
out=$(realpath docs)/gallery
tests=$(realpath tests/report)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
cd "$work"
ocr=$models/rapidocr/rapidocr_onnxruntime/models

draw() { # NAME PATTERN: the one file that matches becomes docs/gallery/NAME
  local found
  found=$(find "$work" -name "$2" | sort | head -1)
  cp "$found" "$out/$1"
}

# A detector's probability map: ONNX Runtime in float32 against the interpreter in float64.
"$binary" run "$ocr/ch_PP-OCRv4_det_infer.onnx" --onnxrt --pluginref --input-shapes x:[1,3,128,96] \
  --save-heatmaps det --save-error-metrics-plot det --picture-format svg -qq || true
draw detector-absolute.svg 'Absolute*'
draw detector-relative.svg 'Relative*'
draw detector-errors.svg 'error_metrics*'
rm -rf det

# Its first convolution: one tile for each channel.
"$binary" run "$ocr/ch_PP-OCRv4_det_infer.onnx" --onnxrt --pluginref --input-shapes x:[1,3,32,32] \
  --onnx-outputs conv2d_451.tmp_0 --save-heatmaps layer --picture-format svg -qq || true
draw channels-absolute.svg 'Absolute*'
rm -rf layer

# A recogniser's probabilities: more elements than pixels.
"$binary" run "$ocr/ch_PP-OCRv4_rec_infer.onnx" --onnxrt --pluginref --input-shapes x:[1,3,48,160] \
  --save-heatmaps rec --save-error-metrics-plot rec --picture-format svg -qq || true
draw recogniser-absolute.svg 'Absolute*'
draw recogniser-errors.svg 'error_metrics*'
# The detector's map on a terminal without colour.
NO_COLOR=1 "$binary" run "$ocr/ch_PP-OCRv4_det_infer.onnx" --onnxrt --pluginref --input-shapes x:[1,3,32,64] \
  --show-heatmaps >terminal.txt || true
python3 - "$out/../gallery.md" terminal.txt <<'EOF'
import pathlib, re, sys
page, drawn = (pathlib.Path(p) for p in sys.argv[1:])
picture = re.search(r"^ *Absolute error .*?\(log\)\n", drawn.read_text(), re.M | re.S).group(0)
picture = re.sub(r"-\d\d/\d\d/\d\d-\d\d:\d\d:\d\d", "", picture)  # when it was says nothing
text, n = re.subn(r"(?<=```\n) *Absolute error .*?\(log\)\n", lambda _: picture, page.read_text(), flags=re.S)
assert n == 1, "gallery.md has no picture of a terminal"
page.write_text(text)
EOF

# The same detector with all of its tensors, as a page, light and dark; needs node, chromium and
# PX_PLAYWRIGHT, a folder whose node_modules holds playwright-core.
if [ -d "${PX_PLAYWRIGHT:-}/node_modules/playwright-core" ]; then
  (cd "$ocr" && "$binary" run ch_PP-OCRv4_det_infer.onnx --onnxrt --pluginref \
    --input-shapes x:[1,3,32,32] --onnx-outputs mark all --report "$work/report.html" -qq) || true
  sed -i "s#$ocr/##g" "$work/report.html" # whose folders these are says nothing
  node "$tests/page.mjs" "$work/report.html" "$PX_PLAYWRIGHT" "$out"
else
  echo "report-light.png and report-dark.png stay as they are: PX_PLAYWRIGHT has no playwright-core"
fi
ls -l "$out"
