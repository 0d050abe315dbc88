#!/usr/bin/env bash
# Runs the commands on standard input, one a line, in one shell; prints a NUL after the output of each.
set -uo pipefail

# The server of the first terminal, faster than the page has it; it ends with this script.
serve() {
  KUBECTL_FLAGGER_SPEED=10 "$@" >"$HOME/serve.out" 2>&1 &
  trap 'kill '$! EXIT
  until grep -qs 'Ctrl-C ends it' "$HOME/serve.out" || ! kill -0 $! 2>/dev/null; do
    sleep 0.05
  done
  cat "$HOME/serve.out"
}

while IFS= read -r line <&3; do
  case $line in
    *'sandbox serve'*) eval "serve $line" ;;
    *) eval "$line" ;;
  esac 2>&1 </dev/null
  printf '\0'
done 3<&0
