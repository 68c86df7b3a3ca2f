#!/usr/bin/env bash
# Installs what building and testing need: setup.sh [build] [test]
# Debian packages by apt (asks sudo when not root), Python packages into .venv-* of the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."

# True when a tool of one's own serves as well as Debian's package.
have() {
  case $1 in
  gcc | cmake | make | clang | clang-format | pkg-config | shellcheck | chromium | npm) command -v "$1" >/dev/null ;;
  nodejs) command -v node >/dev/null ;;
  python3) command -v python3 >/dev/null ;;
  python3-pip) python3 -m pip --version >/dev/null 2>&1 ;;
  python3-venv) python3 -c 'import venv, ensurepip' 2>/dev/null ;;
  *) dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed' ;;
  esac
}

missing=()
want() {
  local p
  for p in "$@"; do have "$p" || missing+=("$p"); done
}
for part in "$@"; do
  case $part in
  build) want gcc make cmake pkg-config libcairo2-dev zlib1g-dev python3 python3-pip ;;
  test) want libcmocka-dev libturbojpeg0 libwebp7 libopenjp2-7 python3-venv clang clang-format libclang-rt-14-dev libxml2-utils chromium nodejs npm ;;
  *) echo "setup.sh: unknown part '$part' (build, test)" >&2 && exit 2 ;;
  esac
done
if ((${#missing[@]})); then
  echo "Installing: ${missing[*]}"
  sudo=
  [[ $(id -u) -eq 0 ]] || sudo=sudo
  $sudo apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
fi

venv() { # folder, packages...
  local dir=$1 stamp
  shift
  stamp=$(printf '%s\n' "$@" | sha256sum | cut -c1-16)
  if [[ -e $dir/.$stamp ]]; then return; fi
  echo "Installing into $dir: $*"
  rm -rf "$dir"
  # One list of commands: where a caller allows failure, errexit is off in here.
  python3 -m venv "$dir" &&
    "$dir/bin/python" -m pip install -q --disable-pip-version-check "$@" &&
    touch "$dir/.$stamp"
}

bindings() { # release, package
  [[ -d .venv-trt/bindings/$1 ]] || .venv-trt/bin/python -m pip install -q --disable-pip-version-check --no-deps \
    --only-binary=:all: --target ".venv-trt/bindings/$1" "$2"
}

for part in "$@"; do
  if [[ $part == test ]]; then
    common=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6 colored sympy onnx_graphsurgeon
      jsonschema)
    venv .venv-tf tensorflow-cpu==2.21.0 keras==3.15.1 tf2onnx==1.17.0 onnx==1.23.2 numpy==2.4.6 \
      tensorboard==2.20.0
    venv .venv-0.53.6 polygraphy==0.53.6 "${common[@]}"
    venv .venv-0.49.26 polygraphy==0.49.26 "${common[@]}"
    # TensorRT-RTX builds engines without a GPU; of TensorRT only the bindings, to compare calls.
    (venv .venv-trt tensorrt-rtx-cu13-libs==1.7.1.116 tensorrt-rtx-cu13-bindings==1.7.1.116 numpy==2.4.6 &&
      bindings 10.6.0 tensorrt-cu12-bindings==10.6.0 &&
      bindings 10.14 tensorrt-cu12-bindings==10.14.1.48.post1 &&
      bindings 11.4 tensorrt-cu13-bindings==11.4.0.106) ||
      echo "setup.sh: TensorRT-RTX cannot be installed here; its tests will be skipped" >&2
    if [[ ! -d .playwright/node_modules/playwright-core ]]; then
      echo "Installing into .playwright: playwright-core"
      npm install --silent --no-fund --no-audit --prefix .playwright playwright-core@1.65.1 >/dev/null
    fi
  fi
done
