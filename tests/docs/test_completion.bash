#!/usr/bin/env bash
# What the bash completion offers. Argument: the completion file.
set -eu
source "$1"
failed=0

# expect WANT WORD...: completing the last WORD must offer exactly WANT.
expect() {
    local want=$1
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _polygraphy || true
    if [[ "${COMPREPLY[*]-}" != "$want" ]]; then
        echo "completing '$*': offered '${COMPREPLY[*]-}', wanted '$want'"
        failed=1
    fi
}

cd "$(dirname "$1")"
expect "run" polygraphy ru
expect "--rtol" polygraphy run m.onnx --rto
expect "--iterations --iters" polygraphy run --iter
expect "prefer" polygraphy run --precision-constraints pre
expect "l2" polygraphy run --compare simple l
expect "polygraphy.bash" polygraphy run --onnxrt polygraphy.b
expect "polygraphy.bash" polygraphy run --log-file polygraphy.b
expect "" polygraphy run --seed polygraphy.b
expect "polygraphy.bash" polygraphy run --seed 4 polygraphy.b
exit $failed
