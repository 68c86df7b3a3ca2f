# bash completion of polygraphy. Written by tools/optdoc; do not edit.
_polygraphy()
{
    local cur=${COMP_WORDS[COMP_CWORD]} option= i most=1000 kind=files words=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W 'run backends --help --version' -- "$cur"))
        return
    fi
    [[ ${COMP_WORDS[1]} == run ]] || return
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -h --help --gen --gen-script --gen-dialect -v --verbose -q --quiet --verbosity --silent --log-format --log-file --color --tf --onnxrt --pluginref --trt --model-type --input-shapes --inputs --tftrt --use-tftrt --minimum-segment-size --dynamic-op --ckpt --tf-outputs --save-pb --save-tensorboard --freeze-graph --keras-layers --gpu-memory-fraction --allow-growth --xla --save-timeline --opset --save-onnx --save-external-data --external-data-path --external-data-size-threshold --no-save-all-tensors-to-one-file --shape-inference --do-shape-inference --no-onnxruntime-shape-inference --external-data-dir --load-external-data --ext --ignore-external-data --onnx-outputs --onnx-exclude-outputs --onnx-outputs-by-type --fp-to-fp16 --fp-to-bf16 --fp16-keep --providers --execution-providers --graph-optimization-level --onnxrt-custom-ops --low-memory --ref-precision --ref-ops --trt-min-shapes --trt-opt-shapes --trt-max-shapes --tf32 --fp16 --bf16 --fp8 --int8 --precision-constraints --sparse-weights --version-compatible --exclude-lean-runtime --calibration-cache --calib-base-cls --calibration-base-class --quantile --regression-cutoff --load-timing-cache --error-on-timing-cache-miss --disable-compilation-cache --save-tactics --save-tactic-replay --load-tactics --load-tactic-replay --tactic-sources --trt-config-script --trt-config-func-name --trt-config-postprocess-script --trt-cpps --trt-safety-restricted --refittable --strip-plan --use-dla --allow-gpu-fallback --pool-limit --memory-pool-limit --preview-features --builder-optimization-level --hardware-compatibility-level --max-aux-streams --quantization-flags --profiling-verbosity --weight-streaming --runtime-platform --direct-io --tiling-optimization-level --compute-capabilities --plugins --onnx-flags --plugin-instancenorm --enable-uint8-asymmetric-quantization-dla --trt-outputs --trt-exclude-outputs --trt-outputs-by-type --layer-precisions --decomposable-attentions --tensor-dtypes --tensor-datatypes --all-tensor-dtypes --all-tensor-datatypes --tensor-formats --all-tensor-formats --trt-network-func-name --trt-network-postprocess-script --trt-npps --strongly-typed --mark-debug --mark-unfused-tensors-as-debug-tensors --save-engine --save-timing-cache --load-runtime --dla-workspace-allocation-strategy --optimization-profile --allocation-strategy --weight-streaming-budget --device --seed --val-range --int-min --int-max --float-min --float-max --iterations --iters --data-loader-backend-module --load-inputs --load-input-data --data-loader-script --data-loader-func-name --warm-up --use-subprocess --save-inputs --save-input-data --save-input-blob --save-outputs --save-results --streaming --memory-budget --threads --timeout --mem-limit --repeat --check-batch-invariance --postprocess --postprocess-func --postprocess-func-script --validate --fail-fast --suggest-tolerances --check-average --sequential-runners --compare --compare-func --compare-func-script --load-outputs --load-results --save-accuracy-results --no-shape-check --rtol --rel-tol --atol --abs-tol --check-error-stat --infinities-compare-equal --save-heatmaps --show-heatmaps --save-error-metrics-plot --show-error-metrics-plot --picture-format --report --error-quantile --index-tolerance --l2-threshold --l2-tolerance --cosine-similarity-threshold --psnr-threshold --psnr-tolerance --snr-threshold --snr-tolerance --lpips-threshold --lpips-tolerance --isolate-layers --extract-first-failure' -- "$cur"))
        return
    fi
    for ((i = COMP_CWORD - 1; i > 1; i--)); do
        if [[ ${COMP_WORDS[i]} == -* ]]; then
            option=${COMP_WORDS[i]}
            break
        fi
    done
    case $option in
    --gen|--gen-script) most=1; kind=files ;;
    --gen-dialect) most=1; kind=words words='0.49 0.53' ;;
    --verbosity) kind=none ;;
    --log-format) kind=words words='timestamp line-info no-colors' ;;
    --log-file) most=1; kind=files ;;
    --color) most=1; kind=words words='auto always never' ;;
    --model-type) most=1; kind=words words='frozen keras ckpt onnx engine uff trt-network-script caffe' ;;
    --input-shapes|--inputs) kind=none ;;
    --minimum-segment-size) most=1; kind=none ;;
    --ckpt) most=1; kind=none ;;
    --tf-outputs) kind=none ;;
    --save-pb) most=1; kind=files ;;
    --save-tensorboard) most=1; kind=folders ;;
    --keras-layers) most=1; kind=files ;;
    --gpu-memory-fraction) most=1; kind=none ;;
    --save-timeline) most=1; kind=folders ;;
    --opset) most=1; kind=none ;;
    --save-onnx) most=1; kind=files ;;
    --save-external-data|--external-data-path) most=1; kind=none ;;
    --external-data-size-threshold) most=1; kind=none ;;
    --external-data-dir|--load-external-data|--ext) most=1; kind=folders ;;
    --onnx-outputs) kind=none ;;
    --onnx-exclude-outputs) kind=none ;;
    --onnx-outputs-by-type) kind=none ;;
    --fp16-keep) kind=none ;;
    --providers|--execution-providers) kind=none ;;
    --graph-optimization-level) most=1; kind=none ;;
    --onnxrt-custom-ops) kind=none ;;
    --ref-precision) most=1; kind=words words='float64 typed' ;;
    --ref-ops) kind=none ;;
    --trt-min-shapes) kind=none ;;
    --trt-opt-shapes) kind=none ;;
    --trt-max-shapes) kind=none ;;
    --precision-constraints) most=1; kind=words words='prefer obey none' ;;
    --calibration-cache) most=1; kind=files ;;
    --calib-base-cls|--calibration-base-class) most=1; kind=none ;;
    --quantile) most=1; kind=none ;;
    --regression-cutoff) most=1; kind=none ;;
    --load-timing-cache) most=1; kind=files ;;
    --save-tactics|--save-tactic-replay) most=1; kind=files ;;
    --load-tactics|--load-tactic-replay) most=1; kind=files ;;
    --tactic-sources) kind=none ;;
    --trt-config-script) most=1; kind=files ;;
    --trt-config-func-name) most=1; kind=none ;;
    --trt-config-postprocess-script|--trt-cpps) most=1; kind=files ;;
    --pool-limit|--memory-pool-limit) kind=none ;;
    --preview-features) kind=none ;;
    --builder-optimization-level) most=1; kind=none ;;
    --hardware-compatibility-level) most=1; kind=none ;;
    --max-aux-streams) most=1; kind=none ;;
    --quantization-flags) kind=none ;;
    --profiling-verbosity) most=1; kind=none ;;
    --runtime-platform) most=1; kind=none ;;
    --tiling-optimization-level) most=1; kind=none ;;
    --compute-capabilities) kind=none ;;
    --plugins) kind=files ;;
    --onnx-flags) kind=none ;;
    --trt-outputs) kind=none ;;
    --trt-exclude-outputs) kind=none ;;
    --trt-outputs-by-type) kind=none ;;
    --layer-precisions) kind=none ;;
    --tensor-dtypes|--tensor-datatypes) kind=none ;;
    --all-tensor-dtypes|--all-tensor-datatypes) most=1; kind=none ;;
    --tensor-formats) kind=none ;;
    --all-tensor-formats) kind=none ;;
    --trt-network-func-name) most=1; kind=none ;;
    --trt-network-postprocess-script|--trt-npps) kind=files ;;
    --mark-debug) kind=none ;;
    --save-engine) most=1; kind=files ;;
    --save-timing-cache) most=1; kind=files ;;
    --load-runtime) most=1; kind=files ;;
    --dla-workspace-allocation-strategy) most=1; kind=none ;;
    --optimization-profile) most=1; kind=none ;;
    --allocation-strategy) most=1; kind=words words='static profile runtime' ;;
    --weight-streaming-budget) most=1; kind=none ;;
    --device) most=1; kind=none ;;
    --seed) most=1; kind=none ;;
    --val-range) kind=none ;;
    --int-min) most=1; kind=none ;;
    --int-max) most=1; kind=none ;;
    --float-min) most=1; kind=none ;;
    --float-max) most=1; kind=none ;;
    --iterations|--iters) most=1; kind=none ;;
    --data-loader-backend-module) most=1; kind=words words='numpy torch' ;;
    --load-inputs|--load-input-data) kind=files ;;
    --data-loader-script) most=1; kind=files ;;
    --data-loader-func-name) most=1; kind=none ;;
    --warm-up) most=1; kind=none ;;
    --save-inputs|--save-input-data) most=1; kind=files ;;
    --save-input-blob) most=1; kind=folders ;;
    --save-outputs|--save-results) most=1; kind=files ;;
    --memory-budget) most=1; kind=none ;;
    --threads) most=1; kind=none ;;
    --timeout) most=1; kind=none ;;
    --mem-limit) most=1; kind=none ;;
    --repeat) most=1; kind=none ;;
    --postprocess|--postprocess-func) kind=none ;;
    --postprocess-func-script) most=1; kind=files ;;
    --compare|--compare-func) kind=words words='simple indices l2 cosine_similarity distance_metrics psnr snr quality_metrics perceptual_metrics' ;;
    --compare-func-script) most=1; kind=files ;;
    --load-outputs|--load-results) kind=files ;;
    --save-accuracy-results) most=1; kind=files ;;
    --rtol|--rel-tol) kind=none ;;
    --atol|--abs-tol) kind=none ;;
    --check-error-stat) kind=none ;;
    --save-heatmaps) most=1; kind=folders ;;
    --save-error-metrics-plot) most=1; kind=folders ;;
    --picture-format) most=1; kind=words words='png svg' ;;
    --report) most=1; kind=files ;;
    --error-quantile) kind=none ;;
    --index-tolerance) kind=none ;;
    --l2-threshold|--l2-tolerance) kind=none ;;
    --cosine-similarity-threshold) kind=none ;;
    --psnr-threshold|--psnr-tolerance) kind=none ;;
    --snr-threshold|--snr-tolerance) kind=none ;;
    --lpips-threshold|--lpips-tolerance) kind=none ;;
    --extract-first-failure) most=1; kind=folders ;;
    *) ;;
    esac
    # The option has its word already: the next one is the model.
    ((COMP_CWORD - i > most)) && kind=files
    case $kind in
    words) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
    folders) COMPREPLY=($(compgen -d -- "$cur")) ;;
    files) COMPREPLY=($(compgen -f -- "$cur")) ;;
    esac
}
complete -o filenames -F _polygraphy polygraphy
