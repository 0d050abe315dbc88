# Shared by the end-to-end tests; meant to be sourced.
# shellcheck shell=bash

# skip REASON: a missing need is a skip for a developer and a failure where everything must be proved.
skip() {
  if [ "${CI:-}" = true ]; then
    echo "failed: $1" >&2
    exit 1
  fi
  echo "skipped: $1" >&2
  exit 0
}

# need COMMAND WHAT...: skips unless the command exists.
need() {
  command -v "$1" >/dev/null || skip "$1 is missing ($2)"
}

# find_driver ROOT: sets driver to the program under test, which is built unless FLAGGER_BINARY names one.
# It sets a variable because a skip inside $(...) would only end the subshell.
find_driver() {
  driver=${FLAGGER_BINARY:-}
  [ -z "$driver" ] || return 0
  need cargo "to build kubectl-flagger; or set FLAGGER_BINARY"
  cargo build --quiet --locked --manifest-path "$1/Cargo.toml" || return
  # shellcheck disable=SC2034 # read by whoever sources this
  driver=${CARGO_TARGET_DIR:-$1/target}/debug/kubectl-flagger
}

# run_in WORK COMMAND...: runs the test and hands signals on; WORK is removed unless the test failed.
run_in() {
  local work=$1 child code=0
  shift
  "$@" &
  child=$!
  # unshare holds signals back while it waits, so its child is told as well.
  # shellcheck disable=SC2046 # several ids, or none
  trap 'kill -TERM "$child" $(cat "/proc/$child/task/$child/children") 2>/dev/null' INT TERM HUP
  # A signal ends the first wait early; the test still has to take its programs down.
  wait "$child" || code=$?
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  if [ "$code" -eq 0 ]; then
    rm -rf "$work"
  else
    echo "logs are kept in $work" >&2
  fi
  return "$code"
}
