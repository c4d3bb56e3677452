#!/bin/sh
# Builds one preset: build.sh PRESET [TARGET...]. Uses fewer jobs on machines with little memory: a compiler may take 1.2 GB here.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
cores=$(nproc)
available_mb=$(awk '/MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
jobs=$((available_mb / 1200))
[ "$jobs" -ge 1 ] || jobs=1
[ "$jobs" -le "$cores" ] || jobs=$cores
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
exec cmake --build "build/$preset" -j "$jobs" ${1:+--target "$@"}
