#!/bin/sh
# format.sh [--check]: lets clang-format (.clang-format) lay out every C file; --check only tells which it would change.
set -eu
cd "$(dirname "$0")/.."
command -v clang-format >/dev/null || { echo "format: no clang-format here"; exit 0; }
if [ "${1:-}" = --check ]; then
  git ls-files '*.c' '*.h' | xargs clang-format --dry-run 2>&1 | sed -n 's/^\([^:]*\):.*warning: code should.*/\1/p' | sort -u
else
  git ls-files '*.c' '*.h' | xargs clang-format -i
fi
