#!/bin/sh
# collect-libs.sh TRIPLET DEBARCH BASE OUT BIN... : copy the shared libraries that BIN... need (recursively) from this build root
# to OUT, without those that BASE has ("" = no base: the program interpreter comes too). With each comes the licence of its
# package and a line "package version" in OUT/usr/share/doc/postern/packages. Runs nothing of the target.
set -eu
gnu=$1 deb=$2 base=$3 out=$4; shift 4
list=$out/usr/share/doc/postern/packages
mkdir -p "$out/usr/lib/$gnu" "$(dirname "$list")"

find_lib() {
  for d in "/usr/lib/$gnu" "/lib/$gnu" "/usr/$gnu/lib"; do [ ! -e "$d/$1" ] || { echo "$d/$1"; return; }; done
  echo "collect-libs: missing: $1" >&2; return 1
}
# note FILE : the licence and the version of the package that FILE came from
note() {
  pk=$(dpkg -S "$(readlink -f "$1")" "$1" 2>/dev/null | sed -n '1s/[:,].*//p')
  [ -n "$pk" ] || return 0
  mkdir -p "$out/usr/share/doc/$pk"
  cp -L "/usr/share/doc/$pk/copyright" "$out/usr/share/doc/$pk/" 2>/dev/null || true
  echo "$pk $(dpkg-query -W -f '${Version} ${source:Package}\n' "$pk:$deb" 2>/dev/null || dpkg-query -W -f '${Version} ${source:Package}\n' "$pk")" >> "$list"
}
copy_libs() {
  todo="$*" seen=" "
  while [ -n "$todo" ]; do
    next=
    for f in $todo; do
      for n in $("$gnu-objdump" -p "$f" | awk '$1 == "NEEDED" { print $2 }'); do
        case "$seen" in *" $n "*) continue ;; esac
        seen="$seen$n " p=$(find_lib "$n") next="$next $p"
        [ -z "$base" ] || { [ ! -e "$base/usr/lib/$gnu/$n" ] && [ ! -e "$base/lib/$gnu/$n" ]; } || continue
        cp -L "$p" "$out/usr/lib/$gnu/$n"; note "$p"
      done
    done
    todo=$next
  done
}
copy_interpreter() {
  i=$("$gnu-readelf" -l "$1" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
  mkdir -p "$out$(dirname "$i")"; cp -L "$(find_lib "$(basename "$i")")" "$out$i"; note "$(find_lib "$(basename "$i")")"
}

# The charsets that postern-inspect knows (parsers/charset.c; it opens no other), by the modules that glibc's table names for them, and of
# that table what speaks of these.
copy_charsets() {
  from=/usr/lib/$gnu/gconv to=$out/usr/lib/$gnu/gconv
  mkdir -p "$to"
  sed 's/{/\n{/g' parsers/charset.c | sed -n 's/^{ "[^"]*", "\([^"]*\)".*/\1/p' | sort -u > /tmp/charsets
  cat "$from/gconv-modules" "$from"/gconv-modules.d/*.conf > /tmp/modules
  awk 'NR == FNR { want[$1 "//"]; next }
       FNR == 1 { pass++ }
       pass == 1 && $1 == "alias" && $2 in want { want[$3] }
       pass == 2 && $1 == "alias" && ($3 in want) || $1 == "module" && ($2 in want || $3 in want)' /tmp/charsets /tmp/modules /tmp/modules > "$to/gconv-modules"
  while read -r name; do
    grep -q " $name//\|	$name//" "$to/gconv-modules" || { echo "collect-libs: no module for the charset $name" >&2; return 1; }
  done < /tmp/charsets
  for m in $(awk '$1 == "module" { print $4 }' "$to/gconv-modules" | sort -u); do
    cp -L "$from/$m.so" "$to/"
    for n in $("$gnu-objdump" -p "$from/$m.so" | awk '$1 == "NEEDED" { print $2 }'); do [ ! -e "$from/$n" ] || cp -L "$from/$n" "$to/"; done
  done
  note "$from/UTF-16.so"; note "$from/GB18030.so"
}

copy_libs "$@"
[ -n "$base" ] || copy_interpreter "$1"
# Opened by name at run time, so named by hand: charsets of mails, time zones, who signs certificates.
if [ -z "$base" ] || [ ! -e "$base/usr/lib/$gnu/gconv/GB18030.so" ]; then copy_charsets; fi
if [ -z "$base" ] || [ ! -e "$base/usr/share/zoneinfo/Europe/Vienna" ]; then
  mkdir -p "$out/usr/share"; cp -a /usr/share/zoneinfo "$out/usr/share/"; rm -rf "$out/usr/share/zoneinfo/right" "$out/usr/share/zoneinfo/posix"
  note /usr/share/zoneinfo/Europe/Vienna
fi
mkdir -p "$out/etc/ssl/certs"; cp -L /etc/ssl/certs/ca-certificates.crt "$out/etc/ssl/certs/"; note /usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt
sort -u -o "$list" "$list"
