#!/bin/sh
# bench.sh [load slow latency idle crowd inspect tls]: the release build against Postfix on this disk (tests/bench/smtp_bench.py).
set -eu
cd "$(dirname "$0")/.."
tools/build.sh release plain
exec python3 tests/bench/smtp_bench.py "$@"
