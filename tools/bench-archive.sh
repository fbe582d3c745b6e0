#!/bin/sh
# bench-archive.sh [EVENTS [GATEWAYS]]: new events a second into a FerretDB on this disk (tests/bench/archive_bench.c), 200,000 from one gateway.
set -eu
cd "$(dirname "$0")/.."
tools/servers.sh ferretdb
[ -f build/bench/build.ninja ] || meson setup build/bench --buildtype=release -Doptimization=2 -Db_ndebug=false >build/bench.setup.log
ninja --quiet -C build/bench tests/bench/archive_bench
folder=$(mktemp -d "${TMPDIR:-build}/archive.XXXXXX")
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$folder/ferretdb"
build/servers/ferretdb "127.0.0.1:$port" "$folder/ferretdb" >"$folder/log" 2>&1 &
server=$!
trap 'kill -9 $server; rm -rf "$folder"' EXIT
build/bench/tests/bench/archive_bench "mongodb://127.0.0.1:$port/postern" "$folder/stores" "${1:-200000}" "${2:-1}"
awk -v ticks="$(getconf CLK_TCK)" -v events="${1:-200000}" \
  '{ printf "the server: %.0f us of the processor an event\n", ($14 + $15) * 1000000 / ticks / events }' "/proc/$server/stat"
