#!/bin/sh
# lint.sh: the checks that need a trained eye to judge: clang-tidy, cppcheck, shellcheck, each where it is installed, and the house's own.
set -u
cd "$(dirname "$0")/.." || exit 2
failed=0

# with TOOL COMMAND...: runs it, or says in one line that it is missing.
with() {
  tool=$1
  shift
  if command -v "$tool" >/dev/null; then
    echo "== $tool"
    "$@" || failed=1
  else
    echo "== $tool is not here: skipped"
  fi
}

tidy() {
  tools/build.sh clang && git ls-files '*.c' | grep -v '^tests/' | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/clang 2>/dev/null
}

cpp() {
  tools/build.sh clang && cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches -I . $(git ls-files '*.c' | grep -v '^tests/')
}

shell() {
  git ls-files 'tools/*.sh' .ci/run | xargs shellcheck
}

with awk tools/layers.sh
with awk tools/check_words.sh
with clang-tidy tidy
with cppcheck cpp
with shellcheck shell
with clang-format tools/format.sh --check
exit "$failed"
