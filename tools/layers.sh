#!/bin/sh
# layers.sh: prints every include that points up or sideways. Exit 1 if there is one.
#   core <- {parsers, providers, store, detect} <- {net, api, inspect} <- service
cd "$(dirname "$0")/.." || exit 2
git ls-files '*.c' '*.h' | grep -v '^tests/' | xargs awk -F'[/"]' '
  BEGIN {
    level["core"] = 0; level["parsers"] = level["providers"] = level["store"] = level["detect"] = 1
    level["net"] = level["api"] = level["inspect"] = 2; level["service"] = 3
  }
  /^#include "/ {
    from = FILENAME; sub(/\/.*/, "", from); to = $2
    if (to != from && (!(to in level) || level[to] >= level[from])) { print FILENAME ":" FNR ": " $0; bad = 1 }
  }
  END { exit bad }'
