#!/bin/sh
# What Muster needs from the system, and installing what is missing: setup.sh run|test [--check]
# Never prompts. Without root and with packages missing it prints the one apt line, changes nothing and exits 1.
set -eu

purpose=${1:-run}
here=$(cd "$(dirname "$0")/.." && pwd)

# Package names per release stand here and nowhere else.
release=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown}-${VERSION_ID:-0}" || echo unknown)
boost=libboost1.81-dev
clang=19
case $release in
debian-13) boost=libboost1.83-dev ;;
ubuntu-24.04) boost=libboost1.83-dev clang=18 ;;
esac

build="g++ make cmake ninja-build ccache mold python3 python3-venv ca-certificates
  $boost libexpected-dev libfmt-dev libspdlog-dev libyaml-dev libssl-dev libcurl4-openssl-dev libsqlite3-dev libcli11-dev"
test="clang-$clang clang-format-$clang libclang-rt-$clang-dev doctest-dev librapidcheck-dev libbenchmark-dev
  chromium git procps util-linux iproute2 openssl curl sqlite3 gcc libc6-dev"

case $purpose in
run) packages=$build need="about 1.5 GB of disk, and 5 to 10 minutes on two cores for the first build" ;;
test) packages="$build $test" need="about 12 GB of disk, and up to 60 minutes on two cores the first time" ;;
*)
  echo "usage: setup.sh run|test" >&2
  exit 2
  ;;
esac

missing=
for package in $packages; do
  status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  case $status in
  ii*) ;;
  *) missing="$missing $package" ;;
  esac
done
missing=${missing# }

if [ -z "$missing" ]; then
  [ -x "$here/build/bin/muster" ] || echo "Muster: all packages are here; this needs $need."
  exit 0
fi

if [ "$(id -u)" != 0 ]; then
  {
    echo "Muster: these packages are missing. Install them as root, then run this again:"
    echo
    echo "  apt-get install -y --no-install-recommends $missing"
    echo
  } >&2
  exit 1
fi

echo "Muster: installs $(echo "$missing" | wc -w) packages, then needs $need:"
echo "  $missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The lists may be old or absent on a fresh machine.
if ! apt-get install -y --no-install-recommends $missing >"$log" 2>&1 </dev/null; then
  apt-get update >"$log" 2>&1 </dev/null || { cat "$log" >&2; exit 1; }
  apt-get install -y --no-install-recommends $missing >"$log" 2>&1 </dev/null || { cat "$log" >&2; exit 1; }
fi
echo "Muster: packages are installed."
