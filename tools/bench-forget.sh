#!/bin/sh
# bench-forget.sh [EVENTS [SECONDS]]: how long a mail waits for its 250 while the past is forgotten, on this disk (tests/bench/forget_bench.c).
set -eu
cd "$(dirname "$0")/.."
[ -f build/bench/build.ninja ] || meson setup build/bench --buildtype=release -Doptimization=2 -Db_ndebug=false >build/bench.setup.log
ninja --quiet -C build/bench tests/bench/forget_bench
folder=$(mktemp -d "${TMPDIR:-build}/forget.XXXXXX")
trap 'rm -rf "$folder"' EXIT
build/bench/tests/bench/forget_bench "$folder" "${1:-50000}" "${2:-600}"
