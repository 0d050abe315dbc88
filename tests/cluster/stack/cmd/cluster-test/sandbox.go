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

// comparison plays the same rollout on the embedded cluster and compares what both hold at the end. The words
// are those of a scenario: the first happens once the primary is there, then a trigger goes before each.
func (w *world) comparison(ctx context.Context, words ...string) {
	c := w.report.Begin(w.namespace + ": the embedded cluster holds the same objects")
	embedded := w.scenario.For(w.namespace, "http://prometheus.monitoring:9090")
	namespace := func(name string) kube.Object {
		return kube.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": kube.Object{"name": name}}
	}
	objects := []any{namespace(w.namespace), namespace("monitoring"), kube.Object{
		"apiVersion": "v1", "kind": "Service", "metadata": kube.Object{"name": "prometheus", "namespace": "monitoring"},
		"spec": kube.Object{"ports": []any{kube.Object{"port": 9090}}, "selector": kube.Object{"app": "prometheus"}},
	}}
	for _, object := range append(embedded.Objects, embedded.Workload) {
		objects = append(objects, object)
	}
	steps := []any{kube.Object{"when": "initialized", "set": words[0]}}
	for i := 1; i+1 < len(words); i += 2 {
		steps = append(steps, kube.Object{"when": words[i], "set": words[i+1]})
	}
	scenario := kube.Object{
		"description": "the recorded scenario of " + w.namespace, "canary": embedded.Canary, "objects": objects,
		"pods": kube.Object{"startMs": podStart.Milliseconds(), "drainMs": 1000}, "at": steps,
	}
	file, dir := filepath.Join(w.dir, w.namespace+"-scenario.yaml"), filepath.Join(w.dir, w.namespace+"-sandbox")
	data, err := json.MarshalIndent(scenario, "", "  ")
	if c.Fail(err) || c.Fail(os.WriteFile(file, data, 0o600)) {
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
	here, err := w.dump(ctx)
	if c.Fail(err) {
		return
	}
	if data, err = json.MarshalIndent(here, "", "  "); !c.Fail(err) {
		c.Fail(os.WriteFile(filepath.Join(w.dir, w.namespace+"-cluster.json"), data, 0o600))
	}
	real, other := compare.Normalise(here, w.namespace), compare.Normalise(there, w.namespace)
	c.Expect(len(real) > 0, "nothing to compare")
	if differences := compare.Differences("real", "embedded", real, other); len(differences) > 0 {
		c.Expect(false, "%s", strings.Join(differences, "\n"))
	}
	c.End()
}
