#!/bin/sh
# soak-archive.sh [ROUNDS]: FerretDB and the gateway killed 50 times each, nearly always between a batch's request and its answer; afterwards both
# stores must agree event by event. Says how often it was where. A few rounds of it are in `make test`.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh asan
tools/venv.sh
tools/servers.sh ferretdb
POSTERN_BUILD=$PWD/build/asan POSTERN_ARCHIVE_ROUNDS=${1:-50} POSTERN_ARCHIVE_GATEWAY_ROUNDS=${1:-50} \
  exec build/venv/bin/python -m pytest -q -s -p no:cacheprovider -c tests/protocol/pytest.ini --rootdir tests/protocol --timeout 3600 \
  -k "killed_in_the_middle" tests/protocol/test_archive.py
