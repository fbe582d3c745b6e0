#!/bin/sh
# lint.sh: what needs a trained eye to judge: clang-tidy, cppcheck, shellcheck and clang-format, each where it is installed, and the
# house's own checks. Exit 1 if one of them complains.
# shellcheck disable=SC2317 # the functions are called by name, through with()
set -u
cd "$(dirname "$0")/.." || exit 2
failed=0

# with TOOL COMMAND...: runs it, or says in one line that it is missing.
with() {
  tool=$1
  shift
  if command -v "$tool" >/dev/null; then
    echo "== $*"
    "$@" || failed=1
  else
    echo "== $tool is not here: skipped"
  fi
}

sources() {
  git ls-files '*.c' | grep -v '^tests/'
}

tidy() {
  sources | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/clang 2>/dev/null | grep -A 3 'warning:\|error:' | tee build/tidy.log
  ! [ -s build/tidy.log ]
}

check_cpp() { # it loses its way in a condition that holds two _Generic
  sources | xargs cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
    --suppress=missingIncludeSystem --suppress=nullPointerRedundantCheck -I . -D__GNUC__=12 '-D_Generic(...)=param_int' -j "$(nproc)"
}

check_shell() {
  git ls-files 'tools/*.sh' tools/top-complexity .ci/run | xargs shellcheck --severity=warning
}

tools/build.sh clang >/dev/null 2>&1 || echo "== build/clang is not whole: clang-tidy sees what there is"
with awk tools/layers.sh
with awk tools/check_words.sh
with shellcheck check_shell
with cppcheck check_cpp
with clang-tidy tidy
with clang-format tools/format.sh --check
exit "$failed"
