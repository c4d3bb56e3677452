#!/bin/sh
# Unit tests of the console.
set -eu
cd "$(dirname "$0")"
PATH=$(sh ./node.sh):$PATH
export PATH
[ -d node_modules/vitest ] || npm ci --no-fund --no-audit --loglevel=error >&2
exec npx --no-install vitest run --reporter=default
