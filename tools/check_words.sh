#!/bin/sh
# check_words.sh: prints every use of a function that knows no ceiling, and every C file that does not say what it is. Exit 1 if there is one.
cd "$(dirname "$0")/.." || exit 2
git ls-files '*.c' '*.h' | xargs awk '
  FNR == 1 && !/^\/\* / { print FILENAME ": does not begin by saying what it is"; bad = 1 }
  /(^|[^a-zA-Z0-9_])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|alloca)\(/ { print FILENAME ":" FNR ": " $0; bad = 1 }
  END { exit bad }'
