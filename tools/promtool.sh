#!/bin/sh
# promtool.sh: Debian's promtool as build/tools/promtool, unpacked beside the system: the package would start a server.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/tools
[ -x build/tools/promtool ] && exit 0
if command -v promtool >/dev/null; then ln -sf "$(command -v promtool)" build/tools/promtool; exit 0; fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
(cd "$folder" && apt-get -qq download prometheus >/dev/null && dpkg -x prometheus_*.deb unpacked)
cp "$folder/unpacked/usr/bin/promtool" build/tools/promtool
