#!/bin/sh
# test.sh: every proof the house has, in minutes on two cores. Each step leaves its result under build/test/; the last line,
# "N passed, N failed", is their sum (tests/tally.py). A step that cannot run here says so and counts as skipped, never as passed.
set -u
cd "$(dirname "$0")/.." || exit 2

results=$PWD/build/test
rm -rf "$results"
mkdir -p "$results"
jobs=$(nproc 2>/dev/null || echo 2)
started=$(date +%s)

say() {
  echo "== $(($(date +%s) - started)) s: $*"
}

# check NAME COMMAND...: one proof that either holds or does not.
check() {
  name=$1
  shift
  if "$@" >"$results/$name.log" 2>&1 </dev/null; then
    echo "passed $name" >>"$results/checks"
  else
    echo "failed $name" >>"$results/checks"
    echo "-- $name failed:"
    tail -n 40 "$results/$name.log"
    return 1
  fi
}

skip() {
  echo "skipped $1" >>"$results/checks"
  echo "-- $1 skipped: $2"
}

# units NAME BUILD SUITE [WRAPPER]: the C tests of a build.
units() {
  [ -f "build/$2/build.ninja" ] || return 0
  meson test -C "build/$2" --no-rebuild --suite "$3" ${4:+--wrapper "$4"} --print-errorlogs --num-processes "$jobs" \
    --logbase "$1" >"$results/$1.log" 2>&1 </dev/null || tail -n 60 "$results/$1.log"
  cp "build/$2/meson-logs/$1.json" "$results/$1.meson.json" 2>/dev/null || true
}

# protocol NAME BUILD ARGUMENTS...: the real daemon of a build, spoken to by Python. Most of them wait: two more at a time than there are cores.
protocol() {
  name=$1
  build=$2
  shift 2
  [ -x build/venv/bin/python ] || return 0
  POSTERN_BUILD=$PWD/build/$build $unrandomised build/venv/bin/python -m pytest -q -p no:cacheprovider -c tests/protocol/pytest.ini \
    --rootdir tests/protocol -n "$((jobs + 2))" --dist worksteal --junitxml "$results/$name.junit.xml" "$@" tests/protocol >"$results/$name.log" 2>&1 </dev/null
  status=$?
  case $status in
    0 | 5) ;; # 5: no test chosen
    1) grep -v '^\.' "$results/$name.log" | tail -n 150 ;;
    *) tail -n 60 "$results/$name.log"; echo "failed $name" >>"$results/checks" ;;
  esac
}

# What a Raspberry Pi 2 would make of it: the unit tests but those of tests/armv7.left, selftest, and the journey.
armv7() {
  tools/armv7.sh >"$results/armv7.log" 2>&1
  case $? in
    0) ;;
    77) skip armv7 "$(tail -n 1 "$results/armv7.log")"; return ;;
    *) check build-armv7 tools/armv7.sh; return ;; # says it again
  esac
  check armv7-selftest build/armv7/run/postern selftest
  python3 tests/armv7.py build/armv7 tests/armv7.left "$results/checks" >"$results/armv7.tests"
  # shellcheck disable=SC2046
  (IFS='
'; meson test -C build/armv7 --no-rebuild -t 6 --num-processes "$jobs" --logbase unit-armv7 $(cat "$results/armv7.tests")) \
    >"$results/unit-armv7.log" 2>&1 </dev/null || grep -E "FAIL|TIMEOUT" "$results/unit-armv7.log"
  cp build/armv7/meson-logs/unit-armv7.json "$results/unit-armv7.meson.json"
  protocol protocol-armv7 armv7/run -k test_journey.py
}

# ThreadSanitizer of gcc 12 does not start where the kernel spreads addresses too widely; setarch -R, where allowed, helps.
unrandomised=
tsan_runs() {
  printf 'int main(void) { return 0; }\n' >"$results/tsan.c"
  "${CC:-gcc}" -fsanitize=thread -o "$results/tsan" "$results/tsan.c" || return 1
  for _ in 1 2 3 4 5; do
    $unrandomised "$results/tsan" || return 1
  done
}

export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-second_deadlock_stack=1:halt_on_error=1:suppressions=$PWD/tests/tsan.supp}"

say "the tree"
check layers tools/layers.sh
check words tools/check_words.sh
check docs tools/check_docs.sh

say "builds"
if check build-asan tools/build.sh asan; then
  say "unit tests under ASan and UBSan"
  units unit-asan asan unit
fi
check build-plain tools/build.sh plain
check build-release tools/build.sh release

tools/venv.sh >"$results/venv.log" 2>&1 || skip protocol "no Python environment: $(tail -n 1 "$results/venv.log")"
tools/servers.sh >"$results/servers.log" 2>&1 || skip servers "$(tail -n 1 "$results/servers.log")"
tools/promtool.sh >"$results/promtool.log" 2>&1 || skip promtool "$(tail -n 1 "$results/promtool.log")" # before the tests ask for it at once
say "protocol tests (the image is only read here: make image-check builds and runs it)"
protocol protocol-asan asan

say "what the API says of itself"
if tools/venv.sh venv-openapi tests/openapi/requirements.txt >>"$results/venv.log" 2>&1; then
  check openapi build/venv-openapi/bin/python tests/openapi/run.py
else
  skip openapi "no Python environment: $(tail -n 1 "$results/venv.log")"
fi

say "ARMv7, played by qemu"
armv7

if setarch "$(uname -m)" -R true 2>/dev/null; then
  unrandomised="setarch $(uname -m) -R"
fi
if ! tsan_runs >"$results/tsan.log" 2>&1; then
  skip tsan "ThreadSanitizer does not run on this kernel"
elif check build-tsan tools/build.sh tsan; then
  say "threads under TSan"
  units unit-tsan tsan threads "$unrandomised"
  protocol protocol-tsan tsan -m threads
fi
unrandomised=

if ! command -v clang >/dev/null; then
  skip clang "no clang here"
elif check build-clang tools/build.sh clang; then
  say "fuzz targets, 3 s each over the kept corpus"
  tools/fuzz.sh --count "$results/checks" 3 || true
fi

say "done"
exec python3 tests/tally.py "$results"
