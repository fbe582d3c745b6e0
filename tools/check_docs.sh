#!/bin/sh
# check_docs.sh: every relative link of every page leads to a file of the tree, and every source file that a page names is there. Exit 1 if one is not.
cd "$(dirname "$0")/.." || exit 2
bad=$(git ls-files '*.md' | while read -r page; do
  grep -o '](\([^)#: ]*\)[)#]' "$page" | sed 's/^](//; s/[)#]$//' | while read -r link; do
    [ -z "$link" ] || [ -e "$(dirname "$page")/$link" ] || echo "$page: no such file: $link"
  done
  grep -oE '`[a-z]+/[A-Za-z0-9_/.-]+\.[ch]`' "$page" | tr -d '`' | sort -u | while read -r file; do
    [ -e "$file" ] || echo "$page: no such file: $file"
  done
done)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
