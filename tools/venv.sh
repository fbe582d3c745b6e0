#!/bin/sh
# venv.sh [NAME REQUIREMENTS]: makes build/NAME with what this file names; nothing to do when it is there and the list is the same.
# Without a word it is the one of the protocol tests: build/venv of tests/protocol/requirements.txt.
set -eu
cd "$(dirname "$0")/.."

venv=build/${1:-venv}
wanted=${2:-tests/protocol/requirements.txt}
if [ -x "$venv/bin/python" ] && cmp -s "$wanted" "$venv/made-from" && "$venv/bin/python" -c 'import pytest' 2>/dev/null; then
  exit 0
fi

rm -rf "$venv"
mkdir -p build
for python in python3 /usr/bin/python3; do
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && "$python" -m venv "$venv" >/dev/null 2>&1 && break
  rm -rf "$venv"
done
[ -x "$venv/bin/python" ] || { echo "venv: no Python 3.11 or newer with venv here" >&2; exit 1; }
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$wanted" </dev/null
cp "$wanted" "$venv/made-from"
