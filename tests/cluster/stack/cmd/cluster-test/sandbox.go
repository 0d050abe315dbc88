package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"flagger.test/stack/compare"
	"flagger.test/stack/kube"
)

// at is an entry of a scenario: a trigger, and what is then set.
func at(trigger string, set any) kube.Object { return kube.Object{"when": trigger, "set": set} }

// comparison plays the same rollout on the embedded cluster and compares what both hold at the end.
func (w *world) comparison(ctx context.Context, entries ...kube.Object) {
	c := w.report.Begin(w.namespace + ": the embedded cluster holds the same objects")
	here, err := w.dump(ctx)
	if c.Fail(err) || c.Fail(writeJSON(filepath.Join(w.dir, w.namespace+"-cluster.json"), here)) {
		return
	}
	embedded := w.scenario.For(w.namespace, "http://prometheus.monitoring:9090")
	objects := append([]any{namespaceObject(w.namespace)}, embeddedPrometheus()...)
	for _, object := range append(embedded.Objects, embedded.Workload) {
		objects = append(objects, object)
	}
	scenario := kube.Object{
		"description": "the recorded scenario of " + w.namespace, "canary": embedded.Canary, "objects": objects,
		"pods": kube.Object{"startMs": podStart.Milliseconds(), "drainMs": 1000}, "at": entries,
	}
	file, dir := filepath.Join(w.dir, w.namespace+"-scenario.yaml"), filepath.Join(w.dir, w.namespace+"-sandbox")
	if c.Fail(writeJSON(file, scenario)) {
		return
	}
	run, err := w.driver.Promote(ctx, w.namespace+"-sandbox", canaryName, "--namespace", w.namespace,
		"--sandbox="+file, "--sandbox-dir", dir, "--speed", "max")
	if c.Fail(err) {
		return
	}
	c.Ran(run.Code, run.Took())
	there, err := compare.ReadDump(filepath.Join(dir, "cluster.json"))
	if err != nil {
		c.Expect(false, "%v; stderr:\n%s", err, run.Stderr)
		return
	}
	real, other := compare.Normalise(here, w.namespace), compare.Normalise(there, w.namespace)
	c.Expect(len(real) > 0, "nothing to compare")
	if differences := compare.Differences("real", "embedded", real, other); len(differences) > 0 {
		c.Expect(false, "%s", strings.Join(differences, "\n"))
	}
	c.End()
}

// embeddedPrometheus is what the embedded cluster needs to answer for a Prometheus: a Service that has a ready pod.
func embeddedPrometheus() []any {
	const namespace = "monitoring"
	labels := kube.Object{"app": "prometheus"}
	metadata := kube.Object{"name": "prometheus", "namespace": namespace}
	return []any{
		namespaceObject(namespace),
		kube.Object{
			"apiVersion": "v1", "kind": "Service", "metadata": metadata,
			"spec": kube.Object{"selector": labels, "ports": []any{kube.Object{"name": "http", "port": 9090}}},
		},
		kube.Object{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
			"spec": kube.Object{
				"selector": kube.Object{"matchLabels": labels},
				"template": kube.Object{
					"metadata": kube.Object{"labels": labels},
					"spec":     kube.Object{"containers": []any{kube.Object{"name": "prometheus", "image": "prometheus:2.42.0"}}},
				},
			},
		},
	}
}

func namespaceObject(name string) kube.Object {
	return kube.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": kube.Object{"name": name}}
}

func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}
