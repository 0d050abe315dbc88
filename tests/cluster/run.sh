#!/usr/bin/env bash
# Drives kubectl-flagger against a real API server: bootstrap, promotion, rollback and refusals.
# Needs Go and Git. FLAGGER_BINARY names the program under test; without it, it is built.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=needs.sh
. "$here/needs.sh"

need go "it builds the control plane from its modules"
need git "the specs lie in a repository"
binaries=$("$here/build.sh")
find_driver "$root"

# What judges must itself be right.
if ! output=$(go test -C "$here/stack" ./... 2>&1); then
  echo "$output"
  exit 1
fi

if command -v kubectl >/dev/null || [ "${CI:-}" = true ]; then
  "$here/kubectl.sh" "$binaries" "$driver"
else
  echo "kubectl is missing: what it prints on both API servers is not compared"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/flagger-cluster.XXXXXX")
go build -C "$here/stack" -o "$work/cluster-test" ./cmd/cluster-test
run_in "$work" nice "$work/cluster-test" -binaries "$binaries" -dir "$work" -driver "$driver" \
  -tape "$root/testdata/tapes/canary-traefik.jsonl"
