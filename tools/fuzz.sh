#!/bin/sh
# Runs every fuzz target for some seconds each: fuzz.sh SECONDS. New inputs stay in build/fuzz/corpus; findings in build/fuzz/findings.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
tools/build.sh fuzz fuzzers
failed=0
mkdir -p build/fuzz/findings
for target in build/fuzz/tests/fuzz/*_fuzz; do
  name=$(basename "$target")
  mkdir -p "build/fuzz/corpus/$name"
  seeds=tests/fuzz/corpus/$name
  [ -d "$seeds" ] || seeds=
  echo "fuzz: $name for $seconds s"
  if ! "$target" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/findings/$name-" \
    "build/fuzz/corpus/$name" $seeds; then
    failed=$((failed + 1))
  fi
done
echo "$(ls build/fuzz/tests/fuzz/*_fuzz | wc -l) fuzz targets, $failed with findings"
[ "$failed" = 0 ]
