#!/bin/sh
# venv.sh: makes build/venv with what tests/protocol/requirements.txt names; nothing to do when it is there and the list is the same.
set -eu
cd "$(dirname "$0")/.."

wanted=tests/protocol/requirements.txt
if [ -x build/venv/bin/python ] && cmp -s "$wanted" build/venv/made-from && build/venv/bin/python -c 'import pytest' 2>/dev/null; then
  exit 0
fi

rm -rf build/venv
mkdir -p build
for python in python3 /usr/bin/python3; do
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && "$python" -m venv build/venv >/dev/null 2>&1 && break
  rm -rf build/venv
done
[ -x build/venv/bin/python ] || { echo "venv: no Python 3.11 or newer with venv here" >&2; exit 1; }
build/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r "$wanted" </dev/null
cp "$wanted" build/venv/made-from
