#!/bin/sh
# fuzz.sh [--count FILE] SECONDS: runs every fuzz target that long over its kept corpus (tests/fuzz/corpus/TARGET). What it finds
# on the way stays in build/fuzz/TARGET; a crash is written to build/fuzz/crash-TARGET-… and belongs into the corpus once it is mended.
set -u
cd "$(dirname "$0")/.." || exit 2

count=/dev/null
if [ "${1:-}" = --count ]; then
  count=$2
  shift 2
fi
seconds=${1:?usage: tools/fuzz.sh [--count FILE] SECONDS}
tools/build.sh clang || exit 1

# one TARGET PROGRAM: a fixed seed, so that a failure in the normal suite can be seen again.
one() {
  target=$1
  corpus=tests/fuzz/corpus/$target
  mkdir -p "build/fuzz/$target"
  set -- "$2" -max_total_time="$seconds" -seed=1 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 -artifact_prefix="build/fuzz/crash-$target-"
  [ ! -f "tests/fuzz/$target.dict" ] || set -- "$@" -dict="tests/fuzz/$target.dict"
  set -- "$@" "build/fuzz/$target"
  [ ! -d "$corpus" ] || set -- "$@" "$corpus"
  if "$@" >"build/fuzz/$target.log" 2>&1 </dev/null; then
    echo "passed fuzz-$target" >>"$count"
    echo "fuzz $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$target.log") runs"
  else
    echo "failed fuzz-$target" >>"$count"
    echo "fuzz $target FAILED:"
    tail -n 40 "build/fuzz/$target.log"
    return 1
  fi
}

mkdir -p build/fuzz
failed=0
# Every source but the parsers' common one, and every corpus.
targets=$(basename -a -s .c tests/fuzz/*.c tests/fuzz/corpus/* | grep -vx parser_main | sort -u)
for target in $targets; do
  program=$(find build/clang/tests/fuzz -maxdepth 1 -type f -perm -u+x -name "fuzz-$target" 2>/dev/null | head -n 1)
  if [ -z "$program" ]; then
    echo "fuzz $target FAILED: it was not built"
    echo "failed fuzz-$target" >>"$count"
    failed=1
    continue
  fi
  one "$target" "$program" || failed=1
done
exit "$failed"
