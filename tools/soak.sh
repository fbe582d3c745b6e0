#!/bin/sh
# soak.sh: what is too long for every push: 200 rounds of kill -9, 500 power cuts, 50 and 50 kills around the archive (these alone: soak-archive.sh).
set -eu
cd "$(dirname "$0")/.."
tools/build.sh asan plain release
tools/venv.sh
POSTERN_BUILD=$PWD/build/asan POSTERN_ARCHIVE_ROUNDS=${POSTERN_ARCHIVE_ROUNDS:-50} POSTERN_ARCHIVE_GATEWAY_ROUNDS=${POSTERN_ARCHIVE_GATEWAY_ROUNDS:-50} \
  POSTERN_KILL9_ROUNDS=${POSTERN_KILL9_ROUNDS:-200} POSTERN_POWERCUT_ROUNDS=${POSTERN_POWERCUT_ROUNDS:-500} \
  exec build/venv/bin/python -m pytest -q -p no:cacheprovider -c tests/protocol/pytest.ini --rootdir tests/protocol --timeout 7200 \
  -n "$(nproc)" -k "kill9 or power_cut or killed_in_the_middle" tests/protocol "$@"
