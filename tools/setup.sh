#!/bin/sh
# setup.sh build|test|bench: install the Debian packages that this part of the work needs. One apt-get, none when nothing is missing.
set -eu

build="build-essential meson ninja-build pkg-config ca-certificates
  libuv1-dev libsqlite3-dev libmicrohttpd-dev libgnutls28-dev libcurl4-openssl-dev libcjson-dev libssl-dev libcrypt-dev
  libmongoc-dev libgmime-3.0-dev libpcre2-dev libseccomp-dev"
test="$build libcmocka-dev clang llvm libclang-rt-dev procps python3 python3-venv netcat-openbsd swaks libnet-ssleay-perl openssl curl strace tzdata systemd
  default-jdk-headless maven"
# ARMv7 is built and played where the machine is none itself (tools/armv7.sh).
case $(dpkg --print-architecture) in amd64 | arm64) test="$test lld mmdebstrap qemu-user-static" ;; esac
bench="$test postfix sqlite3 wrk"

case "${1:-build}" in
  build) want=$build ;;
  test)  want=$test ;;
  bench) want=$bench ;;
  *) echo "usage: tools/setup.sh build|test|bench" >&2; exit 64 ;;
esac

missing=
for p in $want; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: as root: apt-get install$missing" >&2; exit 1; }
  sudo=sudo
fi
echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get -qq update || echo "setup: apt-get update failed, trying with the lists that are here" >&2
# A freshly installed Postfix must not take port 25 of this machine: the benchmark starts its own.
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install -y --no-install-recommends $missing >/dev/null
