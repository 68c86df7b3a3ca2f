#!/usr/bin/env bash
# The TensorRT runner on a real GPU: what docs/tensorrt.md reports is this script's table.
#   run_gpu.sh LIBS PROGRAM MODELS OUT [GROUP | TEST...]
# LIBS     folder with libnvinfer, its parser, plugins and kernels (get_trt.sh)
# PROGRAM  a release build of polygraphy
# MODELS   folder with the files of tools/fetch_models.sh (light, magika, rapidocr, ...); tests whose
#          model is missing are skipped
# OUT      folder for logs, work files and the table; a later call with the same OUT goes on there
# GROUP    startup features scripts big soak nvidia; none: all of them
# Needs python3 with onnx, numpy and onnxruntime on PATH. With PX_NVIDIA_PYTHON (a Python with
# NVIDIA's polygraphy and the tensorrt module of the same release) both tools are compared too.
# Ends in under 8 minutes on an H100. Models are built side by side, at the lowest optimization level
# where the test is not about tactics: timing kernels is what takes long, and is wrong anyway while
# others use the GPU. What is measured (startup, soak, nvidia) runs alone.
set -uo pipefail
[[ $# -ge 4 ]] || { sed -n '2,17p' "$0"; exit 2; }
LIBS=$(realpath "$1") PROGRAM=$(realpath "$2") MODELS=$(realpath "$3")
mkdir -p "$4/logs" "$4/work" && OUT=$(realpath "$4")
shift 4
GROUPS_WANTED=" " ONLY=" "
for word; do
  case $word in
  startup | features | scripts | big | soak | nvidia) GROUPS_WANTED+="$word " ;;
  *) ONLY+="$word " ;;
  esac
done
HERE=$(cd "$(dirname "$0")" && pwd)
JOBS=${JOBS:-4} BIG_JOBS=${BIG_JOBS:-5} LIMIT=${LIMIT:-240} # features and big models run at the same time
export POLYGRAPHY_TRT_LIB=$LIBS
export LD_LIBRARY_PATH=$LIBS${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
cd "$OUT/work" || exit 2
[[ -d models ]] || { python3 "$HERE/make_models.py" models && python3 "$HERE/make_uff_caffe.py" models; } || exit 2

# What users write: networks, changes to them, configurations, data.
cat >network.py <<'P'
import tensorrt as trt

def load_network():
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    assert parser.parse_from_file("models/cnn.onnx")
    return builder, network, parser
P
cat >edit.py <<'P'
def postprocess(network):
    for layer in network:
        for i in range(layer.num_outputs):
            if layer.get_output(i).name == "r1":
                network.mark_output(layer.get_output(i))

def postprocess_config(builder, network, config):
    config.builder_optimization_level = 0
P
cat >config.py <<'P'
import tensorrt as trt

def load_config(builder, network):
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.FP16)
    config.builder_optimization_level = 0
    return config

def broken(builder, network):
    raise ValueError("no luck")
P
cat >data.py <<'P'
import numpy as np

def load_data():
    print("data of a script", flush=True)
    for i in range(3):
        yield {"x": np.random.default_rng(i).random((2, 3, 64, 64), np.float32)}
P

row() { # name, result, seconds, note
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >"$OUT/logs/$1.row"
  printf '%-28s %-5s %6s s  %s\n' "$1" "$2" "$3" "$4"
}
# A test runs when it is named, when its group is, or when nothing is.
wanted() { [[ $ONLY == *" $1 "* ]] || { [[ $ONLY == " " ]] && group_wanted "$GROUP"; } || [[ $GROUPS_WANTED == *" $GROUP "* ]]; }
group_wanted() { [[ $GROUPS_WANTED == " " || $GROUPS_WANTED == *" $1 "* ]]; }

# What the log of a run says in short.
summary() {
  local build infer types
  build=$(sed -n 's/.*Finished engine building in \([0-9.]*\) seconds.*/\1/p' "$1" | head -1)
  infer=$(grep -a 'trt-runner' "$1" | sed -n 's/.*Average inference time: \([^ ]*\) ms.*/\1/p' | head -1)
  types=$(sed -n "s/.*Types that the engine's layers write: //p" "$1" | head -1)
  printf '%s%s%s' "${build:+build ${build} s }" "${infer:+infer ${infer} ms }" "${types:+[$types]}"
}

older() { [[ -n $RELEASE && $1 != "$RELEASE" && $(printf '%s\n' "$1" "$RELEASE" | sort -V | head -1) == "$RELEASE" ]]; }

# check NAME [--exit N] [--has REGEX]... [--lacks REGEX]... [--since RELEASE REGEX] -- words of `polygraphy run`
# --since: an older TensorRT must end with exit code 1 and what REGEX finds, and nothing else is asked of it.
check() {
  local name=$1 want=0 log seconds start code note bad= refusal=
  local has=() lacks=()
  shift
  wanted "$name" || return 0
  while [[ $1 != -- ]]; do
    case $1 in
    --exit) want=$2 ;;
    --has) has+=("$2") ;;
    --lacks) lacks+=("$2") ;;
    --needs) [[ -e $2 ]] || { row "$name" SKIP 0 "no $2"; return 0; } ;;
    --since)
      older "$2" && refusal=$3
      shift
      ;;
    esac
    shift 2
  done
  shift
  [[ -z $refusal ]] || { want=1 has=("$refusal") lacks=(); }
  log=$OUT/logs/$name.log
  start=$(date +%s.%N)
  timeout "$LIMIT" "$PROGRAM" run "$@" >"$log" 2>&1
  code=$?
  seconds=$(python3 -c "import time; print('%.1f' % (time.time() - $start))")
  [[ $code == "$want" ]] || bad="exit code $code, not $want: $(grep -aE '^\[!\]|^\[E\]' "$log" | head -1 | cut -c1-200)"
  for r in "${has[@]}"; do grep -aqE -- "$r" "$log" || bad+=" lacks /$r/"; done
  for r in "${lacks[@]}"; do ! grep -aqE -- "$r" "$log" || bad+=" has /$r/"; done
  note=$(summary "$log")
  [[ -z $refusal ]] || note="refused: $(grep -aEo -- "$refusal.*" "$log" | head -1 | sed 's/ (while .*//' | cut -c1-160)"
  if [[ -n $bad ]]; then row "$name" FAIL "$seconds" "$bad"; else row "$name" ok "$seconds" "$note"; fi
}
later() { # the same in the background, at most JOBS at once
  while (($(jobs -rp | wc -l) >= JOBS)); do wait -n; done
  check "$@" &
}

three=(--onnxrt --trt --pluginref)
loose=(--rtol 1e-3 --atol 1e-3)
half=(--rtol 2e-2 --atol 2e-2)
light=$MODELS/light/onnx/backend/test/data/light
level0=(--builder-optimization-level 0)

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || true
"$PROGRAM" backends | tee "$OUT/logs/backends.log"
RELEASE=$(sed -n 's/^trt .*TensorRT \([0-9.]*\)$/\1/p' "$OUT/logs/backends.log" | head -1)

# --- alone: what a process does before it can build, and the inputs of a run ----------------------
GROUP=startup
check startup --has 'The builder was made' -- models/nonzero.onnx --trt --input-shapes 'x:[5,6]' -v "${level0[@]}"
wanted startup && grep -ahE '(TensorRT|GPU|builder|engine) was .* seconds' "$OUT/logs/startup.log"
# Checksums of generated inputs: they must be those of any other machine.
f=$light/light_bvlc_alexnet.onnx
check inputs --needs "$f" -- "$f" --onnxrt --pluginref "${loose[@]}" --save-inputs inputs.json
if wanted inputs && [[ -e inputs.json ]]; then python3 "$HERE/checksum.py" inputs.json | tee "$OUT/logs/inputs.sum"; fi

# --- big models, side by side, the slowest to build first -------------------------------------------
big() {
  GROUP=big JOBS=$BIG_JOBS
  local f m
  f=$MODELS/rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx
  later real_ocr_det --needs "$f" -- "$f" "${three[@]}" "${loose[@]}" "${level0[@]}" --input-shapes 'x:[1,3,160,160]'
  later light_densenet121 --needs "$light/light_densenet121.onnx" --has 'PASSED \| Runtime' -- \
    "$light/light_densenet121.onnx" "${three[@]}" "${loose[@]}" "${level0[@]}"
  f=$MODELS/rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx
  later real_ocr_rec --needs "$f" -- "$f" "${three[@]}" "${loose[@]}" "${level0[@]}" --input-shapes 'x:[1,3,48,160]'
  f=$MODELS/basic-pitch/basic_pitch/saved_models/icassp_2022/nmp.onnx
  later real_pitch --needs "$f" -- "$f" "${three[@]}" "${loose[@]}" "${level0[@]}"
  for m in inception_v2 shufflenet inception_v1 resnet50 squeezenet vgg19 bvlc_alexnet zfnet512; do
    f=$light/light_$m.onnx
    later "light_${m#bvlc_}" --needs "$f" --has 'PASSED \| Runtime' -- "$f" "${three[@]}" "${loose[@]}" "${level0[@]}"
  done
  f=$MODELS/openwakeword/openwakeword/resources/models/embedding_model.onnx
  later real_embedding --needs "$f" -- "$f" "${three[@]}" "${loose[@]}" "${level0[@]}"
  f=$MODELS/magika/magika/models/standard_v3_3/model.onnx
  later real_magika --needs "$f" -- "$f" "${three[@]}" "${loose[@]}" "${level0[@]}" --val-range 'bytes:[0,256]'
  wait
}

# --- small models -----------------------------------------------------------------------------------
features() {
  GROUP=features
  later cnn --has PASSED -- models/cnn.onnx "${level0[@]}" "${three[@]}" "${loose[@]}" --save-engine cnn.plan --save-outputs cnn.json --save-inputs cnn_in.json
  later cnn_mark_all --has PASSED -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --onnx-outputs mark all --trt-outputs mark all "${loose[@]}"
  later cnn_outputs --has PASSED -- models/cnn.onnx "${level0[@]}" --trt --trt-outputs r1 logits --trt-exclude-outputs logits
  later cnn_by_type --has PASSED -- models/cnn.onnx "${level0[@]}" --trt --trt-outputs-by-type convolution
  later cnn_fp16_flag --has 'layers write' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --fp16 "${half[@]}"
  later cnn_bf16_flag --since 10 'no builder flag BF16' --has 'layers write' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --bf16 --rtol 1e-1 --atol 1e-1
  later cnn_fp16_cast --since 10 'no strongly typed networks' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --fp-to-fp16 --strongly-typed "${half[@]}"
  later cnn_bf16_cast --since 10 'no strongly typed networks' -- models/cnn.onnx "${level0[@]}" --trt --pluginref --fp-to-bf16 --strongly-typed --rtol 1e-1 --atol 1e-1
  later cnn_layer_precision -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --fp16 --precision-constraints prefer --layer-precisions n_c1:float32 n_c2:float16 "${half[@]}"
  later cnn_io_types -- models/cnn.onnx "${level0[@]}" --trt --fp16 --tensor-dtypes x:float16 logits:float16 --tensor-formats 'x:[linear]'
  later cnn_io_chw4 -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --fp16 --tensor-formats 'x:[chw4]' --direct-io "${half[@]}" --tensor-dtypes x:float16
  later cnn_refit_strip -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --refittable "${loose[@]}"
  later cnn_sparse_tf32 -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --sparse-weights --tf32 "${half[@]}"
  later cnn_strongly_typed --since 10 'no strongly typed networks' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --strongly-typed "${loose[@]}"
  # 8.6 would need cuBLAS and cuDNN themselves, which are not among its libraries.
  local sources=(cublas cudnn)
  ! older 10 || sources=(edge_mask_convolutions jit_convolutions)
  later cnn_config -- models/cnn.onnx --onnxrt --trt "${loose[@]}" --pool-limit workspace:1G tactic_dram:2G --tactic-sources "${sources[@]}" --preview-features profile_sharing_0806 --max-aux-streams 2 --profiling-verbosity layer_names_only --builder-optimization-level 2
  later cnn_platform --since 10.2 'no choice of a runtime platform' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt "${loose[@]}" --runtime-platform same_as_build
  later cnn_safety --since 10 'safety scope validation' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt "${loose[@]}" --trt-safety-restricted
  later cnn_hw_compat -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --hardware-compatibility-level ampere_plus "${loose[@]}"
  # The runtime that such an engine carries lies in a library that not every package of TensorRT has.
  if compgen -G "$LIBS/libnvinfer_lean.so*" >/dev/null; then
    later cnn_version_compat -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --version-compatible --save-engine vc.plan "${loose[@]}"
  else
    later cnn_version_compat --exit 1 --has 'could not build an engine: .*lean' -- models/cnn.onnx "${level0[@]}" --trt --version-compatible
  fi
  later cnn_debug --since 10 'no debug tensors' --has 'c2' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --onnx-outputs logits c2 --mark-debug c2 "${loose[@]}" --fail-fast
  later cnn_alloc_profile --since 10 'no choice of allocation strategy' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --allocation-strategy profile "${loose[@]}"
  later cnn_alloc_runtime --since 10 'no choice of allocation strategy' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --allocation-strategy runtime "${loose[@]}"
  later nonzero --has PASSED -- models/nonzero.onnx "${level0[@]}" "${three[@]}" --input-shapes 'x:[5,6]' --iterations 3
  later shape_tensor --has PASSED -- models/reshape.onnx "${level0[@]}" "${three[@]}" --input-shapes 'x:[3,4]' 'shape:[2,6]' --trt-min-shapes 'x:[3,4]' 'shape:[1,1]' --trt-opt-shapes 'x:[3,4]' 'shape:[2,6]' --trt-max-shapes 'x:[3,4]' 'shape:[12,12]'
  # TensorRT fuses the cast to bfloat16 with the one back and hands out the input unrounded: up to half a
  # unit in the last place of bfloat16 away, 2^-9 for values below 1.
  later all_types --since 10 'Unsupported data type for the Cast' --has PASSED -- models/types.onnx "${level0[@]}" "${three[@]}" --atol out_bf16_as_f32:0.002
  later zero_size --has PASSED -- models/empty.onnx "${level0[@]}" --onnxrt --trt --input-shapes 'x:[0,4]' --trt-min-shapes 'x:[0,4]' --trt-opt-shapes 'x:[2,4]' --trt-max-shapes 'x:[4,4]'
  profiles=(--trt-min-shapes 'x:[1,16]' --trt-opt-shapes 'x:[4,16]' --trt-max-shapes 'x:[8,16]' --trt-min-shapes 'x:[16,16]' --trt-opt-shapes 'x:[32,16]' --trt-max-shapes 'x:[64,16]')
  later profile_0 --has PASSED -- models/mlp.onnx "${level0[@]}" "${three[@]}" "${profiles[@]}" --input-shapes 'x:[3,16]' "${loose[@]}"
  later profile_1 --has PASSED -- models/mlp.onnx "${level0[@]}" "${three[@]}" "${profiles[@]}" --input-shapes 'x:[40,16]' --optimization-profile 1 "${loose[@]}"
  later profile_out_of_range --exit 1 --has 'refuses the shape' -- models/mlp.onnx "${level0[@]}" --trt "${profiles[@]}" --input-shapes 'x:[9,16]'
  later profile_none --exit 1 --has 'profile\(s\), counted from 0' -- models/mlp.onnx "${level0[@]}" --trt --optimization-profile 5
  later weight_streaming --since 10 'no strongly typed networks' --has 'Weight streaming is enabled' -- models/wide.onnx "${level0[@]}" --onnxrt --trt --strongly-typed --weight-streaming --weight-streaming-budget 50% "${loose[@]}"
  later weight_streaming_auto --since 10 'no strongly typed networks' --has 'Weight streaming' -- models/wide.onnx "${level0[@]}" --onnxrt --trt --strongly-typed --weight-streaming --weight-streaming-budget -1 "${loose[@]}"
  later weight_streaming_none --since 10 'no weight streaming' --exit 1 --has 'no weights that can be' -- models/cnn.onnx "${level0[@]}" --trt --weight-streaming-budget 50%
  # UFF and Caffe, against the same network as ONNX.
  later uff_as_onnx -- models/conv_uff.onnx --onnxrt --input-shapes 'x:[3,3,8,8]' --save-inputs uff_in.json --save-outputs uff_out.json
  later caffe_as_onnx -- models/net_caffe.onnx --onnxrt --input-shapes 'x:[3,3,8,8]' --save-inputs caffe_in.json --save-outputs caffe_out.json
  later unsupported_op --exit 1 --has 'cannot take' -- models/unsupported.onnx "${level0[@]}" --trt
  later device_5 --exit 1 --has 'no GPU number' -- models/cnn.onnx --trt --device 55
  later int8_entropy2 --has 'Saving calibration cache' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --int8 --calibration-cache e2.cache --iterations 4 --rtol 1 --atol 1
  later int8_minmax -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --int8 --calib-base-cls IInt8MinMaxCalibrator --iterations 4 --rtol 1 --atol 1
  later int8_entropy -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --int8 --calib-base-cls IInt8EntropyCalibrator --iterations 4 --rtol 1 --atol 1
  later int8_legacy -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --int8 --calib-base-cls IInt8LegacyCalibrator --quantile 0.9 --regression-cutoff 0.8 --iterations 4 --rtol 1 --atol 1
  later timing_first --has 'Saving tactic timing cache' -- models/cnn.onnx --trt --save-timing-cache t.cache
  later tactics_save --has 'Saving tactic replay' -- models/cnn.onnx --trt --save-tactics tactics.json --save-outputs tactics_out.json
  wait

  # What needs the results of the above:
  if older 10; then
    later uff --has PASSED -- models/conv.uff --trt "${level0[@]}" "${loose[@]}" --input-shapes 'x:[3,3,8,8]' --trt-max-shapes 'x:[4,3,8,8]' --load-inputs uff_in.json --load-outputs uff_out.json --save-engine uff.plan
    later uff_int8 --has 'PASSED \| Runtime' -- models/conv.uff --trt --int8 "${level0[@]}"
    later caffe --has PASSED -- models/net.prototxt --trt "${level0[@]}" "${loose[@]}" --input-shapes 'x:[3,3,8,8]' --load-inputs caffe_in.json --load-outputs caffe_out.json
    later caffe_fp16 --has PASSED -- models/net.prototxt --trt --fp16 "${level0[@]}" "${half[@]}" --input-shapes 'x:[3,3,8,8]' --load-inputs caffe_in.json --load-outputs caffe_out.json
    later caffe_mark_all --has PASSED -- models/net.prototxt --trt "${level0[@]}" --trt-outputs mark all
  else
    later uff --exit 1 --has 'no parser of UFF files' -- models/conv.uff --trt
    later caffe --exit 1 --has 'no parser of Caffe files' -- models/net.prototxt --trt
  fi
  head -c 1000 cnn.plan >truncated.plan 2>/dev/null
  head -c 4000 /dev/urandom >random.plan
  later engine_loaded --has PASSED -- cnn.plan --model-type engine --trt --load-inputs cnn_in.json --load-outputs cnn.json "${loose[@]}"
  [[ ! -e vc.plan ]] || later engine_vc -- vc.plan --model-type engine --trt
  later engine_truncated --exit 1 --has 'cannot load the engine' -- truncated.plan --model-type engine --trt
  later engine_random --exit 1 --has 'cannot load the engine' -- random.plan --model-type engine --trt
  later int8_cached --has 'Loading calibration cache' --lacks 'Saving calibration' -- models/cnn.onnx "${level0[@]}" --trt --int8 --calibration-cache e2.cache
  later timing_second --has 'Loading tactic timing cache' -- models/cnn.onnx --trt --load-timing-cache t.cache --save-timing-cache t.cache
  f=$light/light_zfnet512.onnx
  later timing_miss --exit 1 --needs "$f" -- "$f" --trt --load-timing-cache t.cache --error-on-timing-cache-miss
  later tactics_load --has 'Loading tactic replay' --has PASSED -- models/cnn.onnx --trt --load-tactics tactics.json --load-outputs tactics_out.json "${loose[@]}"
  later tactics_wrong_file --exit 1 --has 'no tactic replay file' -- models/cnn.onnx --trt --load-tactics cnn_in.json
  wait
  ! older 10 || check uff_engine --has PASSED -- uff.plan --model-type engine --trt "${loose[@]}" --load-inputs uff_in.json --load-outputs uff_out.json
}

# --- scripts: they need a Python with the tensorrt module, and our library beside the program -----------
scripts() {
  GROUP=scripts JOBS=2
  local why=
  [[ -n ${PX_NVIDIA_PYTHON:-} ]] || why="PX_NVIDIA_PYTHON is not set"
  ! older 10 || why="TensorRT $RELEASE has no bindings for this Python"
  if [[ -n $why ]]; then
    ! wanted scripts || row scripts SKIP 0 "$why"
    return 0
  fi
  export POLYGRAPHY_PYTHON=$PX_NVIDIA_PYTHON
  later script_network --has PASSED -- network.py "${level0[@]}" --trt
  later script_edits --has PASSED --has 'r1 .dtype=float32' -- models/cnn.onnx --onnxrt --trt "${loose[@]}" --trt-npps edit.py --trt-cpps edit.py
  later script_config --has PASSED --has 'Flags +\| \[FP16' -- models/cnn.onnx --onnxrt --trt "${half[@]}" --trt-config-script config.py
  later script_all --has PASSED --has 'r1 .dtype=float32' -- network.py --trt --trt-config-script config.py --trt-npps edit.py --trt-cpps edit.py --save-engine script.plan
  later script_broken --exit 1 --has 'ValueError: no luck .*config.py, line' -- models/cnn.onnx --trt --trt-config-script config.py:broken
  later script_data_int8 --has PASSED --has 'data of a script' --has 'Saving calibration cache' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --int8 --data-loader-script data.py --calibration-cache data.cache --rtol 1 --atol 1
  later script_data_edits_int8 --has PASSED --has 'data of a script' --has 'r1 .dtype=float32' -- models/cnn.onnx "${level0[@]}" --onnxrt --trt --int8 --data-loader-script data.py --trt-npps edit.py --rtol 1 --atol 1
  wait
}

start_all=$(date +%s)
big &
features &
scripts &
wait
if [[ $GROUPS_WANTED != " " && $GROUPS_WANTED != *" features "* && ! -e cnn.plan ]]; then
  "$PROGRAM" run models/cnn.onnx --trt "${level0[@]}" --save-engine cnn.plan --save-inputs cnn_in.json >/dev/null 2>&1
fi

# --- alone: little GPU memory left -----------------------------------------------------------------
GROUP=features
if wanted out_of_memory; then
  python3 "$HERE/hold_memory.py" 2048 >"$OUT/logs/hold.log" 2>&1 &
  holder=$!
  for _ in $(seq 50); do
    grep -q held "$OUT/logs/hold.log" && break
    sleep 0.2
  done
  # Activations of the largest shape do not fit.
  fat=(--trt-min-shapes 'x:[1,16]' --trt-opt-shapes 'x:[4,16]' --trt-max-shapes 'x:[32000000,16]' --input-shapes 'x:[4,16]')
  check out_of_memory --exit 1 --has 'could not .*[Mm]emory' -- models/fat.onnx "${level0[@]}" --trt "${fat[@]}"
  kill "$holder"
fi

built() { sed -n 's/.*Finished engine building in \([0-9.]*\) seconds.*/\1/p' "$OUT/logs/$1.log" 2>/dev/null | head -1; }
GROUP=features
if wanted timing_ratio; then
  a=$(built timing_first) b=$(built timing_second)
  if [[ -n $a && -n $b ]]; then
    row timing_ratio "$(python3 -c "print('ok' if $b < $a else 'FAIL')")" 0 \
      "$(python3 -c "print('first build %.2f s, second %.2f s: %.1f times faster' % ($a, $b, $a / max($b, 1e-3)))")"
  else
    row timing_ratio FAIL 0 "a build is missing"
  fi
fi

# --- long run: memory must stay flat --------------------------------------------------------------
GROUP=soak
if wanted soak && [[ -e cnn.plan ]]; then
  start=$(date +%s.%N)
  "$PROGRAM" run cnn.plan --model-type engine --trt --iterations 10000 --memory-budget 1M -q \
    >"$OUT/logs/soak.log" 2>&1 &
  pid=$!
  : >"$OUT/logs/soak.samples"
  while kill -0 $pid 2>/dev/null; do
    rss=$(awk '/VmRSS/ {print $2}' /proc/$pid/status 2>/dev/null)
    gpu=$(nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits 2>/dev/null | head -1)
    [[ -n $rss ]] && echo "$rss $gpu" >>"$OUT/logs/soak.samples"
    sleep 0.5
  done
  wait $pid
  code=$?
  row soak "$([[ $code == 0 ]] && echo ok || echo FAIL)" \
    "$(python3 -c "import time; print('%.1f' % (time.time() - $start))")" \
    "$(python3 - "$OUT/logs/soak.samples" <<'P'
import sys
rows = [[int(v) for v in l.split()] for l in open(sys.argv[1]) if len(l.split()) == 2]
third = len(rows) // 3
if third:
    mid, end = rows[third], rows[-1]
    print("10000 iterations; after a third / at the end: host %d / %d MiB, GPU %d / %d MiB" % (
        mid[0] // 1024, end[0] // 1024, mid[1], end[1]))
else:
    print("10000 iterations; too short to sample")
P
)"
fi

# --- the same engine with NVIDIA's tool -----------------------------------------------------------
GROUP=nvidia
if wanted against_nvidia; then
  if older 10; then
    row against_nvidia SKIP 0 "TensorRT $RELEASE has no bindings for this Python"
  elif [[ -z ${PX_NVIDIA_PYTHON:-} ]]; then
    row against_nvidia SKIP 0 "PX_NVIDIA_PYTHON is not set"
  else
    python3 "$HERE/against_nvidia.py" "$PROGRAM" "$PX_NVIDIA_PYTHON" cnn.plan cnn_in.json \
      >"$OUT/logs/against_nvidia.log" 2>&1
    row against_nvidia "$([[ $? == 0 ]] && echo ok || echo FAIL)" 0 "$(tail -1 "$OUT/logs/against_nvidia.log")"
  fi
fi

echo
cat "$OUT"/logs/*.row | sort >"$OUT/table.tsv"
printf '%s s; ok %s, failed %s, skipped %s; table in %s\n' "$(($(date +%s) - start_all))" "$(grep -c $'\tok\t' "$OUT/table.tsv")" \
  "$(grep -c $'\tFAIL\t' "$OUT/table.tsv")" "$(grep -c $'\tSKIP\t' "$OUT/table.tsv")" "$OUT/table.tsv"
! grep -q $'\tFAIL\t' "$OUT/table.tsv"
