#!/bin/sh
# The README's two commands in an empty Debian: fresh.sh [SUITE] [run|all]. SUITE: bookworm (12, default) or trixie (13).
# `run` stops after `make run` and a first job; `all` runs `make test` as well. Needs root and debootstrap; writes below build/fresh only.
set -eu
cd "$(dirname "$0")/.."
suite=${1:-bookworm}
what=${2:-all}
[ "$(id -u)" = 0 ] || { echo "fresh: needs root for debootstrap" >&2; exit 1; }
command -v debootstrap >/dev/null || apt-get install -y --no-install-recommends debootstrap >/dev/null

root=$(pwd)/build/fresh/$suite
mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\?\(http[^ ]*\) .*main.*/\2/p; s/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
[ -n "$mirror" ] || mirror=http://deb.debian.org/debian

leave() {
  for place in dev/pts dev proc; do umount -l "$root/$place" 2>/dev/null || true; done
}
trap leave EXIT
leave
rm -rf --one-file-system "$root"
mkdir -p "$root"
start=$(date +%s)
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
echo "fresh: $suite is there after $(($(date +%s) - start)) s"

# A machine reaches packages as this one does: same mirrors, certificates and registries.
mkdir -p "$root/etc/apt"
if [ "$suite" = bookworm ]; then rm -rf "$root/etc/apt" && cp -a /etc/apt "$root/etc/apt"; else
  for part in apt.conf.d auth.conf.d keyrings trusted.gpg.d; do [ ! -d "/etc/apt/$part" ] || cp -a "/etc/apt/$part" "$root/etc/apt/"; done
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
for file in /etc/pip.conf /root/.npmrc /root/.config/pip/pip.conf /root/.pip/pip.conf /etc/npmrc; do
  [ ! -f "$file" ] || { mkdir -p "$root$(dirname "$file")"; cp "$file" "$root$file"; }
done
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind /dev/pts "$root/dev/pts" 2>/dev/null || true
inside() {
  env -i HOME=/root NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    GOPROXY="$(go env GOPROXY 2>/dev/null || true)" GOFLAGS="$(go env GOFLAGS 2>/dev/null || true)" GONOSUMDB="$(go env GONOSUMDB 2>/dev/null || true)" \
    GOSUMDB="$(go env GOSUMDB 2>/dev/null || true)" \
    PIP_INDEX_URL="${PIP_INDEX_URL:-$(pip config get global.index-url 2>/dev/null || true)}" NPM_CONFIG_REGISTRY="$(npm config get registry 2>/dev/null || true)" \
    $(env | grep -iE '^(https?_proxy|no_proxy)=' || true) chroot "$root" sh -c "$1"
}
inside "apt-get update >/dev/null && apt-get install -y --no-install-recommends ca-certificates git make >/dev/null"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

mkdir -p "$root/src"
git archive HEAD | tar -x -C "$root/src"
if inside "cd /src && git init -q . 2>/dev/null && git add -A && git -c user.name=x -c user.email=x@x commit -qm x"; then :; fi

begin=$(date +%s)
inside "cd /src && make run UP='--detach --listen 127.0.0.1:0'"
echo "fresh: make run was ready after $(($(date +%s) - begin)) s"
begin=$(date +%s)
inside "cd /src && build/bin/muster submit --gpu 0.5 -- sh -c 'echo hello; env | grep MUSTER'"
echo "fresh: the first job took $(($(date +%s) - begin)) s"
begin=$(date +%s)
inside "cd /src && build/bin/muster down --workloads && make run UP='--detach --listen 127.0.0.1:0' && build/bin/muster down --workloads"
echo "fresh: a second make run took $(($(date +%s) - begin)) s"
if [ "$what" = all ]; then
  begin=$(date +%s)
  inside "cd /src && make test"
  echo "fresh: make test took $(($(date +%s) - begin)) s"
fi
