#!/bin/sh
# Types, lint and format of the console: ui/check.sh [--write]
set -eu
cd "$(dirname "$0")"
PATH=$(sh ./node.sh):$PATH
export PATH
case $(uname -m) in
  aarch64) biome=node_modules/@biomejs/cli-linux-arm64/biome ;;
  *) biome=node_modules/@biomejs/cli-linux-x64/biome ;;
esac
node_modules/.bin/tsc --noEmit
exec "$biome" check "$@" .
