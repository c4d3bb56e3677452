#!/bin/sh
# Builds the console into ui/dist, which the program embeds. Does nothing when no input changed since the last time.
# --test also runs its unit tests.
set -eu
cd "$(dirname "$0")"

inputs=$(find src public index.html package.json package-lock.json vite.config.ts tsconfig.json build.sh -type f | LC_ALL=C sort)
stamp=$(printf '%s\n' "$inputs" | xargs sha256sum | sha256sum | cut -d' ' -f1)
if [ "${1-}" != --test ] && [ -f dist/index.html ] && [ "$(cat dist/.stamp 2>/dev/null || true)" = "$stamp" ]; then
  exit 0
fi

PATH=$(sh ./node.sh):$PATH
export PATH
lock=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.lock-stamp 2>/dev/null || true)" != "$lock" ]; then
  echo "console: fetching npm packages" >&2
  npm ci --no-fund --no-audit --loglevel=error >&2
  echo "$lock" >node_modules/.lock-stamp
fi
if [ "${1-}" = --test ]; then
  exec node_modules/.bin/vitest run
fi
node_modules/.bin/tsc --noEmit
node_modules/.bin/vite build --logLevel warn
node size.mjs
echo "$stamp" >dist/.stamp
