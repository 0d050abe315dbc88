#!/usr/bin/env bash
# Builds etcd, kube-apiserver and kube-controller-manager from their Go modules, once: the binaries are kept
# outside the checkout, under a name made of everything they depend on. Prints the folder they are in.
# The first build takes six minutes on two cores.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
module=$here/controlplane
kubernetes=v1.36.3
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-flagger-tests

key=$(
  cd "$module"
  { go env GOVERSION GOOS GOARCH; cat go.mod go.sum cmd/*/main.go "$here/build.sh"; } | sha256sum | cut -c1-16
)
folder=$cache/$key

if [ ! -x "$folder/kube-controller-manager" ]; then
  echo "building the control plane $kubernetes into $folder (several minutes, once)" >&2
  mkdir -p "$cache"
  # A build that is broken off must not leave a folder that looks complete.
  partial=$(mktemp -d "$cache/building.XXXXXX")
  trap 'rm -rf "$partial"' EXIT
  # Without the version the API server calls itself v0.0.0 and clients refuse it.
  version="k8s.io/component-base/version"
  (
    cd "$module"
    CGO_ENABLED=0 nice -n 15 go build -p 2 -trimpath \
      -ldflags "-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=36" \
      -o "$partial/" ./cmd/... >&2
  )
  rm -rf "$folder"
  mv "$partial" "$folder"
fi
echo "$folder"
