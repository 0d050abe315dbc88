#!/usr/bin/env bash
# Prints what kubectl prints on the cluster of KUBECONFIG: one command after another, in a namespace of its own, with
# ages, random names, addresses and times masked, so that two clusters can be compared.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/flagger-kubectl.XXXXXX")
trap 'rm -rf "$work"' EXIT
# kubectl caches discovery below HOME; another cluster may have had this address.
export HOME=$work TZ=UTC
objects=$work/objects.yaml
cp "$here/objects.yaml" "$objects"
cd "$work" || exit

mask() {
  sed -E \
    -e 's/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/UID/g' \
    -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g' \
    -e 's/(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} \+0000/TIME/g' \
    -e 's/podinfo-[0-9a-f]{8,10}-[a-z0-9]{5}\b/podinfo-HASH-RANDOM/g' \
    -e 's/podinfo-[0-9a-f]{8,10}\b/podinfo-HASH/g' \
    -e 's/pod-template-hash=[0-9a-f]+/pod-template-hash=HASH/g' \
    -e 's/podinfo-[a-z0-9]{5}( |$)/podinfo-RANDOM\1/g' \
    -e 's/\b10\.[0-9]+\.[0-9]+\.[0-9]+/IP/g' \
    -e 's/(resourceVersion: ")[0-9]+/\1VERSION/' \
    -e 's/ [0-9]+[smh]([0-9]+[smh])?( |$)/ AGE\2/g' \
    -e 's/ {2,}/  /g' -e 's/ +$//'
}

# run WORD...: one command and what it printed, errors too.
run() {
  printf '\n$ kubectl %s\n' "$*"
  timeout 60 kubectl -n demo "$@" 2>&1 </dev/null | mask
}

# last WORD...: only the last line, where those before depend on time.
last() {
  printf '\n$ kubectl %s | tail -n 1\n' "$*"
  timeout 60 kubectl -n demo "$@" 2>&1 </dev/null | tail -n 1 | mask
}

# sorted WORD...: lines whose order depends on random names.
sorted() {
  printf '\n$ kubectl %s | sort\n' "$*"
  timeout 60 kubectl -n demo "$@" 2>&1 </dev/null | mask | sort
}

ready() { last rollout status deployment/podinfo --timeout 60s; }

run create namespace demo
run get namespace demo
run apply -f objects.yaml
run apply -f objects.yaml
run apply -f objects.yaml --server-side --dry-run=server
run apply -f objects.yaml --server-side
run apply -f objects.yaml --server-side --force-conflicts
run diff -f objects.yaml
ready
run wait --for=condition=Available deployment/podinfo --timeout 10s
run get deployments
run get deploy/podinfo -o wide
sorted get pods -l app=podinfo
run get rs
run get svc
run get svc -o wide
run get cm -l app=podinfo
run get secrets
run get traefikservices
run get deploy,svc,cm,secret,traefikservices -l app=podinfo -o name
run get deploy podinfo -o 'jsonpath={.spec.template.spec.containers[0].image} {.status.readyReplicas}{"\n"}'
run get cm podinfo-config -o yaml
run get deploy podinfo --show-labels
run get deploy podinfo --no-headers
run get deploy -l app=other
run get deploy nothing
run get nothing
run describe configmap podinfo-config
run describe service podinfo
run describe deployment podinfo --show-events=false
run label cm podinfo-config tier=front
run label cm podinfo-config tier=back
run annotate deploy podinfo note=hello
run patch cm podinfo-config --type merge -p '{"data":{"color":"red"}}'
run patch cm podinfo-config --type json -p '[{"op":"replace","path":"/data/color","value":"green"}]'
run patch cm podinfo-config --type json -p '[{"op":"test","path":"/data/color","value":"red"}]'
run get cm podinfo-config -o 'jsonpath={.data.color}{"\n"}'
export KUBE_EDITOR="sed -i s/green/violet/"
run edit cm podinfo-config
run get cm podinfo-config -o 'jsonpath={.data.color}{"\n"}'
run scale deployment podinfo --replicas 3
ready
run get deployments
run set image deployment/podinfo podinfod=podinfo:6.0.1
ready
run get deploy/podinfo -o wide
run rollout restart deployment/podinfo
ready
run create configmap other --from-literal=a=b
run create configmap other --from-literal=a=b
run apply -f - --dry-run=server

printf '\n$ kubectl get configmaps -l watched=yes --watch\n'
kubectl -n demo get configmaps -l watched=yes --watch >watched 2>&1 &
watching=$!
sleep 1
kubectl -n demo label configmap other watched=yes >/dev/null
kubectl -n demo patch configmap other --type merge -p '{"data":{"c":"d"}}' >/dev/null
kubectl -n demo delete configmap other >/dev/null
sleep 1
kill "$watching"
wait "$watching" 2>/dev/null
mask <watched

printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: typo}\nspec: {replica: 1}\n' >typo.yaml
run apply -f typo.yaml
run auth can-i create deployments
run auth can-i delete secrets
run delete cm podinfo-config
run wait --for=delete configmap/podinfo-config --timeout 10s
run delete -f objects.yaml --ignore-not-found
run delete deployment podinfo
run delete namespace demo --wait=false
