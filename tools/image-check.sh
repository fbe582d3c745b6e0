#!/bin/sh
# image-check.sh [check.py's options]: builds the image for three platforms and uses it (tests/image/check.py). Where no Docker with
# an image store for several platforms runs, a private one is started, with its own folders under build/image, and stopped again.
# As root, on Debian 12 or 13. IMAGE_WORK=FOLDER puts the folders elsewhere (3 GB).
set -eu
cd "$(dirname "$0")/.."
work=${IMAGE_WORK:-$PWD/build/image}
mkdir -p "$work"

install() {
  missing=
  for p in "$@"; do dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $p"; done
  [ -n "$missing" ] || return 0
  echo "image-check: installing$missing"
  # shellcheck disable=SC2086
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
}

# Debian 12's Docker keeps one platform per image: Debian 13's is unpacked beside it. They need only libc and runc of Debian 12.
unpack_docker() {
  [ -x "$work/docker/usr/sbin/dockerd" ] && return 0
  echo "image-check: unpacking Debian 13's Docker"
  a=$work/apt; mkdir -p "$a/lists/partial" "$a/cache/archives/partial" "$work/docker" "$work/debs"
  mirror=$(tools/debian-mirror.sh)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > "$a/sources.list"
  printf 'Dir::Etc::sourcelist "%s";\nDir::Etc::sourceparts "/dev/null";\nDir::State::lists "%s";\nDir::Cache "%s";\nAPT::Sandbox::User "root";\n' \
    "$a/sources.list" "$a/lists" "$a/cache" > "$a/apt.conf"
  APT_CONFIG=$a/apt.conf apt-get -qq update
  (cd "$work/debs" && APT_CONFIG=$a/apt.conf apt-get -qq download docker.io docker-cli docker-buildx docker-compose containerd)
  for d in "$work"/debs/*.deb; do dpkg -x "$d" "$work/docker"; done
}

emulation() { # so that containers of the other platforms run here
  [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  for q in qemu-arm qemu-aarch64; do [ -e "/proc/sys/fs/binfmt_misc/$q" ] || update-binfmts --enable "$q" || true; done
}

start_docker() {
  install runc iptables
  unpack_docker
  PATH=$work/docker/usr/bin:$work/docker/usr/sbin:$PATH
  DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/client
  export PATH DOCKER_HOST DOCKER_CONFIG
  started=yes
  mkdir -p "$DOCKER_CONFIG"
  printf '{"cliPluginsExtraDirs":["%s"]}\n' "$work/docker/usr/libexec/docker/cli-plugins" > "$DOCKER_CONFIG/config.json"
  echo '{"features":{"containerd-snapshotter":true}}' > "$work/daemon.json"
  dockerd --config-file "$work/daemon.json" --data-root "$work/data" --exec-root "$work/exec" -H "$DOCKER_HOST" --pidfile "$work/docker.pid" > "$work/dockerd.log" 2>&1 &
  i=0; until docker info >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 120 ] || { tail -5 "$work/dockerd.log" >&2; exit 1; }; sleep 0.5; done
}

# An address of the house on this machine: over loopback Docker's proxy would hide who sends.
house_address() {
  install iproute2
  export LAN_ADDRESS=10.255.25.1
  if ip address add $LAN_ADDRESS/32 dev lo 2>/dev/null; then housed=yes; fi
}

tidy() {
  [ -z "$housed" ] || ip address del $LAN_ADDRESS/32 dev lo
  [ -z "$started" ] || stop_docker
  housed='' started=''
}

stop_docker() { # and what it leaves in the machine's network
  p=$(cat "$work/docker.pid" 2>/dev/null) || return 0
  kill "$p" 2>/dev/null; while kill -0 "$p" 2>/dev/null; do sleep 0.2; done
  iptables -P FORWARD ACCEPT; iptables -t nat -F; iptables -F; ip link del docker0 2>/dev/null || true
}

# debian:trixie-slim for all three platforms: from the registry, else made of Debian's packages.
base_image() {
  docker image inspect debian:trixie-slim >/dev/null 2>&1 && return 0
  timeout 60 docker pull -q debian:trixie-slim >/dev/null 2>&1 && return 0
  install mmdebstrap
  mirror=$(tools/debian-mirror.sh)
  for a in amd64 armhf arm64; do
    [ -s "$work/$a.tar" ] && continue
    echo "image-check: making the base for $a"
    mmdebstrap --quiet --variant=minbase --architectures=$a --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
      --customize-hook='rm -rf "$1"/var/lib/apt/lists/*' trixie "$work/$a.part.tar" "deb $mirror trixie main"
    mv "$work/$a.part.tar" "$work/$a.tar"
  done
  python3 tools/oci-image.py "$work/base.tar" docker.io/library/debian:trixie-slim amd64="$work/amd64.tar" armhf="$work/armhf.tar" arm64="$work/arm64.tar"
  docker load -q -i "$work/base.tar" >/dev/null
}

[ "$(id -u)" -eq 0 ] || { echo "image-check: needs root" >&2; exit 1; }
install qemu-user-static binfmt-support python3
emulation
started='' housed=''
trap tidy EXIT INT TERM
house_address
docker info -f '{{json .DriverStatus}}' 2>/dev/null | grep -q containerd.snapshotter || start_docker
base_image
python3 tests/image/check.py "$@"
