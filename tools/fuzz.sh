#!/usr/bin/env bash
# Builds the fuzz targets with clang and runs each for FUZZ_SECONDS (default 60): fuzz.sh [TARGET...]
# New findings are left in build/fuzz/findings; corpora grow in build/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}

cmake --preset fuzz >/dev/null
cmake --build build/fuzz -j "$(nproc)" >/dev/null
mkdir -p build/fuzz/findings
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(find build/fuzz -maxdepth 3 -type f -executable -name 'fuzz_*' -printf '%f\n' | sort)
((${#targets[@]})) || { echo "no fuzz targets were built" >&2; exit 1; }
for target in "${targets[@]}"; do
  binary=$(find build/fuzz -maxdepth 3 -type f -executable -name "$target" | head -n 1)
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  seeds=()
  [[ -d tests/fuzz/seeds/${target#fuzz_} ]] && seeds=("tests/fuzz/seeds/${target#fuzz_}")
  echo "== $target for $seconds s"
  "$binary" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$target-" "$corpus" "${seeds[@]}" 2>&1 |
    grep -E '^(SUMMARY|stat::|#[0-9]+ DONE|.*ERROR)' || { echo "$target failed" >&2; exit 1; }
done
