#!/bin/sh
# build.sh KIND...: brings build/KIND up to date; quick when nothing changed. The one list of what each kind is:
#   asan     gcc, AddressSanitizer and UBSan, fault points: what nearly all tests run on
#   tsan     gcc, ThreadSanitizer, fault points: the threaded half
#   plain    gcc, no sanitizer, fault points: kill -9, power cuts, slow disks (they preload libraries of their own)
#   release  what users run: -O2, FORTIFY, hardened; the sandbox, memory and speed are shown on it
#   clang    clang's warnings as errors, and the fuzz targets with their sanitizers
set -eu
cd "$(dirname "$0")/.."
mkdir -p build

options() {
  case $1 in
    asan)    echo "-Db_sanitize=address,undefined -Dfaults=true" ;;
    tsan)    echo "-Db_sanitize=thread -Dfaults=true" ;;
    plain)   echo "-Dfaults=true" ;;
    release) echo "--buildtype=release -Doptimization=2 -Db_ndebug=false -Dtests=false" ;;
    clang)   echo "-Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true -Dfaults=true" ;;
    *) echo "build.sh: no such kind: $1" >&2; exit 64 ;;
  esac
}

compiler() {
  if [ "$1" = clang ]; then echo clang; else echo "${CC:-gcc}"; fi
}

for kind in "$@"; do
  dir=build/$kind
  want="$(compiler "$kind") $(options "$kind")"
  # A folder made with other options would keep them: begin anew.
  [ "$(cat "$dir/made-with" 2>/dev/null)" = "$want" ] || rm -rf "$dir"
  if [ ! -f "$dir/build.ninja" ]; then
    # shellcheck disable=SC2046
    CC=$(compiler "$kind") meson setup "$dir" $(options "$kind") >"$dir.setup.log" 2>&1 || { tail -n 20 "$dir.setup.log" >&2; exit 1; }
    echo "$want" >"$dir/made-with"
  fi
  ninja --quiet -C "$dir" >"$dir.build.log" 2>&1 || { tail -n 60 "$dir.build.log" >&2; exit 1; }
done
