#!/bin/sh
# check_docs.sh: every relative link of every page leads to a file of the tree. Exit 1 if one does not.
cd "$(dirname "$0")/.." || exit 2
bad=$(git ls-files '*.md' | while read -r page; do
  grep -o '](\([^)#: ]*\)[)#]' "$page" | sed 's/^](//; s/[)#]$//' | while read -r link; do
    [ -z "$link" ] || [ -e "$(dirname "$page")/$link" ] || echo "$page: no such file: $link"
  done
done)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
