// Package compare says in what the objects of two clusters differ, leaving aside what no two clusters share:
// identities, versions, addresses and times.
package compare

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"

	"flagger.test/stack/kube"
)

// Kinds are those compared.
var Kinds = map[string]bool{
	"Deployment": true, "Service": true, "ConfigMap": true, "Secret": true, "TraefikService": true, "Canary": true,
}

var (
	// A ReplicaSet's name ends in a hash that depends on defaults of the server's version.
	replicaSet = regexp.MustCompile(`"([a-z-]+)-[0-9a-z]{8,10}"`)
	// Set by the server on every object.
	serverSet = []string{"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink", "namespace"}
	// Times, the generation that goes with metadata.generation, and a count that is only there while pods drain.
	unequal = map[string]bool{
		"lastTransitionTime": true, "lastUpdateTime": true, "observedGeneration": true, "terminatingReplicas": true,
	}
)

// ReadDump reads a JSON array of objects.
func ReadDump(path string) ([]kube.Object, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var objects []kube.Object
	if err := json.Unmarshal(data, &objects); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return objects, nil
}

// Normalise gives the objects of one namespace that take part, by kind and name.
func Normalise(objects []kube.Object, namespace string) map[string]kube.Object {
	result := map[string]kube.Object{}
	for _, original := range objects {
		kind, name := kube.Text(original, "kind"), kube.Name(original)
		if !Kinds[kind] || kube.Namespace(original) != namespace || name == "kube-root-ca.crt" {
			continue
		}
		result[kind+"/"+name] = normalised(kube.Copy(original))
	}
	return result
}

func normalised(object kube.Object) kube.Object {
	kind, name := kube.Text(object, "kind"), kube.Name(object)
	metadata := kube.Map(object, "metadata")
	for _, field := range serverSet {
		delete(metadata, field)
	}
	for _, owner := range kube.Items(metadata, "ownerReferences") {
		delete(owner, "uid")
	}
	annotations := kube.Map(metadata, "annotations")
	delete(annotations, "deployment.kubernetes.io/revision")
	delete(annotations, "kubectl.kubernetes.io/last-applied-configuration")
	for key := range annotations {
		// Ours carry the run's id and the driver's epoch; that they are there is what both must agree on.
		if strings.HasPrefix(key, "flagger-driver/") {
			annotations[key] = "…"
		}
	}
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	if spec := kube.Map(object, "spec"); spec != nil {
		delete(spec, "clusterIP")
		delete(spec, "clusterIPs")
		// Each cluster has its own Prometheus.
		delete(spec, "metricsServer")
	}
	if (kind == "ConfigMap" || kind == "Secret") && strings.HasPrefix(name, "flagger-") {
		// The driver's own records are full of run ids, epochs and times.
		delete(object, "data")
	}
	if kind == "Deployment" && kube.Number(object, 1, "spec", "replicas") == 0 {
		// The embedded cluster is read the moment the driver ends, before its controllers see the scale-down.
		status := kube.Map(object, "status")
		for _, count := range []string{"replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "unavailableReplicas"} {
			delete(status, count)
		}
	}
	if ids := kube.Map(object, "spec", "template", "metadata", "annotations"); ids["flagger-id"] != nil {
		ids["flagger-id"] = "ID" // random, one for each primary
	}
	scrub(object)
	return object
}

// scrub takes times out of a tree and sorts conditions, whose order means nothing.
func scrub(value any) {
	switch node := value.(type) {
	case map[string]any:
		for key, inner := range node {
			if unequal[key] {
				delete(node, key)
				continue
			}
			if text, ok := inner.(string); ok && key == "message" {
				node[key] = replicaSet.ReplaceAllString(text, `"$1-HASH"`)
			}
			if list, ok := inner.([]any); ok && key == "conditions" {
				sort.Slice(list, func(i, j int) bool { return conditionType(list[i]) < conditionType(list[j]) })
			}
			scrub(inner)
		}
	case []any:
		for _, inner := range node {
			scrub(inner)
		}
	}
}

func conditionType(value any) string {
	condition, _ := value.(map[string]any)
	return kube.Text(condition, "type")
}
