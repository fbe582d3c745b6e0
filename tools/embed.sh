#!/bin/sh
# embed.sh IN OUT: a JSON file as a C array, without the blanks and line ends that only people need, and its checksum.
set -eu
trap 'rm -f "$2.json"' EXIT
sed 's/^ *//' "$1" | tr -d '\n' >"$2.json"
{
  echo "/* Made of $(basename "$1") by embed.sh. */"
  echo "#define DOCUMENT_SUM \"$(cksum <"$2.json" | tr ' ' '-')\""
  echo "static const unsigned char document[] = {"
  od -An -v -tu1 "$2.json" | sed 's/\([0-9][0-9]*\)/\1,/g'
  echo "};"
} >"$2"
