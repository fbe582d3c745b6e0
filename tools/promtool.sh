#!/bin/sh
# promtool.sh: prints the path of promtool. Where the machine has none, the binary alone is taken out of Debian's package into
# build/tools: no daemon is installed. Exit 1 and one line on stderr if it cannot be had.
set -eu
cd "$(dirname "$0")/.."

if command -v promtool; then
  exit 0
fi
here=$PWD/build/tools
if [ ! -x "$here/promtool" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # apt downloads as the user _apt where it can, who must be able to write there.
  chmod 755 "$work"
  (cd "$work" && apt-get -qq download prometheus >/dev/null 2>&1) || {
    echo "promtool: apt-get download prometheus failed" >&2
    exit 1
  }
  mkdir -p "$here"
  dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -xO ./usr/bin/promtool >"$here/promtool.new"
  chmod 755 "$here/promtool.new"
  mv "$here/promtool.new" "$here/promtool"
fi
echo "$here/promtool"
