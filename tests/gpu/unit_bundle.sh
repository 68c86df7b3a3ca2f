#!/bin/sh
# Every unit test in one folder, for a processor that is not here (AVX-512, many cores):
#   unit_bundle.sh BUILD FOLDER [CASES]
# BUILD: a release build with tests. CASES: a folder of the standard's node cases
# (BUILD/onnx_cases once `ctest -R onnx_cases` has run). There: FOLDER/run.sh, exit code 1 when one fails.
set -e
build=$1
out=$2
cases=$3
[ -n "$out" ] || { echo "usage: unit_bundle.sh BUILD FOLDER [CASES]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$out"
mkdir -p "$out/bin" "$out/lib"
for program in "$build"/tests/unit_*; do
  strip -o "$out/bin/$(basename "$program")" "$program"
done
strip -o "$out/bin/run_nodes" "$build/tests/onnx_nodes/run_nodes"
strip -o "$out/bin/polygraphy" "$build/polygraphy"
ldd "$build/tests/unit_base_test_str" | awk '/libcmocka/ {print $3}' | xargs -I{} cp -L {} "$out/lib"
cp -r "$here/../data" "$out/data"
if [ -n "$cases" ]; then
  tar cJf "$out/cases.tar.xz" -C "$cases" .
fi
cat > "$out/run.sh" <<'R'
#!/bin/sh
# Runs the tests with every choice of instructions; LOG of a failed one is printed at its end.
cd "$(dirname "$0")" || exit 2
export LD_LIBRARY_PATH=$PWD/lib
log=$(mktemp)
failed=0
total=0
grep -o -m1 -w avx512f /proc/cpuinfo || echo "no AVX-512 on this processor"
one() {
  total=$((total + 1))
  if ! POLYGRAPHY_CPU=$cpu timeout 300 "$@" > "$log" 2>&1; then
    failed=$((failed + 1))
    echo "FAILED with POLYGRAPHY_CPU=$cpu: $*"
    grep -E 'FAILED|ERROR|error|wanted|failed' "$log" | head -20
  fi
}
for cpu in best avx2 wide scalar; do
  for program in bin/unit_*; do
    one "$program"
  done
done
if [ -f cases.tar.xz ]; then
  mkdir -p cases
  tar xJf cases.tar.xz -C cases
  for cpu in best avx2; do
    one bin/run_nodes --quiet cases
  done
fi
echo "$((total - failed)) of $total passed"
rm -f "$log"
[ "$failed" = 0 ]
R
chmod +x "$out/run.sh"
du -sh "$out"
