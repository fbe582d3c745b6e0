#!/bin/sh
# armv7.sh: brings build/armv7 up to date: the programs and unit tests for ARMv7 (what a Raspberry Pi 2 is), to be run by qemu as a Cortex-A7.
# clang builds them against the libraries of Debian 13's armhf (64-bit times, as in the image), which are unpacked into build/armv7-root and
# not installed. Where that cannot be had: one line on stderr, and exit 77.
#   build/armv7/play PROGRAM…   runs one;   build/armv7/run/postern   the gateway with its postern-inspect, for tests that start it
set -eu
cd "$(dirname "$0")/.."
root=$PWD/build/armv7-root
out=$PWD/build/armv7

cannot() {
  echo "armv7: $*" >&2
  exit 77
}

find_tools() {
  qemu=$(command -v qemu-arm-static || command -v qemu-arm) || cannot "no qemu-arm here"
  for tool in clang ld.lld llvm-ar mmdebstrap; do command -v $tool >/dev/null || cannot "no $tool here"; done
}

unpack_root() {
  # shellcheck disable=SC2046
  packages=$(echo libgcc-14-dev tzdata $(grep -o 'lib[a-z0-9.+-]*-dev' tools/setup.sh | grep -v clang | sort -u) | tr ' ' ,)
  [ "$(cat "$root.holds" 2>/dev/null)" = "$packages" ] && return 0
  rm -rf "$root"
  mmdebstrap --quiet --variant=extract --architectures=armhf --include="$packages" trixie "$root" "deb $(tools/debian-mirror.sh) trixie main" \
    >"$root.log" 2>&1 || cannot "armhf's packages cannot be had: $(tail -n 1 "$root.log" | cut -c1-200)"
  [ -e "$root/lib" ] || ln -s usr/lib "$root/lib"
  echo "$packages" >"$root.holds"
}

write_cross() {
  cat <<C
[binaries]
c = ['clang', '--target=arm-linux-gnueabihf', '-march=armv7-a', '-mfpu=vfpv3-d16', '--sysroot=$root']
ar = 'llvm-ar'
pkgconfig = 'pkg-config'
pkg-config = 'pkg-config'
exe_wrapper = ['$qemu', '-cpu', 'cortex-a7', '-L', '$root']
[built-in options]
c_args = ['-D_TIME_BITS=64']
c_link_args = ['-fuse-ld=lld']
[properties]
sys_root = '$root'
pkg_config_libdir = '$root/usr/lib/arm-linux-gnueabihf/pkgconfig:$root/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'arm'
cpu = 'armv7a'
endian = 'little'
C
}

# script FILE PROGRAM: a file that plays a program; the machine's kernel cannot start it, and qemu has no seccomp.
script() {
  printf '#!/bin/sh\nexport Inspect__Sandbox=off\nexec %s -cpu cortex-a7 -L %s %s "$@"\n' "$qemu" "$root" "$2" >"$1"
  chmod +x "$1"
}

# The gateway looks for postern-inspect beside itself and finds a script that plays it.
make_playable() {
  mkdir -p "$out/run/real"
  ln -f "$out/postern" "$out/run/real/postern"
  script "$out/run/real/postern-inspect" "$out/postern-inspect"
  script "$out/run/postern" "$out/run/real/postern"
  script "$out/play" ""
  : >"$out/run/build.ninja" # so that the protocol tests take it for a build
}

find_tools
mkdir -p build
unpack_root
write_cross >"$root.cross"
if ! cmp -s "$root.cross" "$out.made-with" || [ ! -f "$out/build.ninja" ]; then
  rm -rf "$out"
  meson setup "$out" --cross-file "$root.cross" -Doptimization=1 -Ddebug=false -Dfaults=true >"$out.setup.log" 2>&1 || { tail -n 20 "$out.setup.log" >&2; exit 1; }
  cp "$root.cross" "$out.made-with"
fi
# shellcheck disable=SC2046
ninja --quiet -C "$out" $(ninja -C "$out" -t targets all | sed -n 's/^\(postern\|postern-inspect\|tests\/unit\/[^:]*\): c_LINKER.*/\1/p') >"$out.build.log" 2>&1 || {
  tail -n 60 "$out.build.log" >&2
  exit 1
}
make_playable
