package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"flagger.test/stack/backend"
	"flagger.test/stack/controlplane"
	"flagger.test/stack/driver"
	"flagger.test/stack/fixture"
	"flagger.test/stack/kube"
	"flagger.test/stack/report"
)

// promotes takes a good version to its end, and what the embedded cluster holds afterwards must be the same.
func (s *suite) promotes(ctx context.Context) {
	w := s.bootstraps(ctx, "shop")
	if w == nil {
		return
	}
	c := s.report.Begin("shop: a good version is promoted")
	run, ok := w.rollout(ctx, c, "promote", 0)
	if !ok {
		return
	}
	c.Add(run.Faults())
	w.expectState(ctx, c, newImage, "Succeeded")
	w.expectWeights(c, 0, 10, 20, 30, 40, 50, 0)
	w.expectStory(c, "Succeeded", 10, 20, 30, 40, 50)
	ratio := run.Overhead(5, 10*time.Second)
	c.Expect(ratio >= 1 && ratio <= 1.02, "the analysis took %.4f of its five intervals", ratio)
	c.Note("the analysis took %.4f of its five intervals", ratio)
	queries, dated := w.metrics.Queries()
	c.Expect(len(queries) == 10, "metrics were asked %d times instead of 2 at each of 5 weights", len(queries))
	c.Expect(dated == 0, "%d queries named a time", dated)
	c.End()

	again := s.report.Begin("shop: nothing is left to do")
	if run, ok := w.ran(ctx, again, "again", 0); ok {
		again.Expect(run.Took().Seconds() < 10, "took %.1f s", run.Took().Seconds())
		w.expectState(ctx, again, newImage, "Succeeded")
		again.End()
	}
	w.comparison(ctx, at("initialized", "image="+newImage))
}

// rollsBack lets the success rate drop at weight 30.
func (s *suite) rollsBack(ctx context.Context) {
	w := s.bootstraps(ctx, "cellar")
	if w == nil {
		return
	}
	c := s.report.Begin("cellar: errors from weight 30 roll back")
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go s.client.Follow(watching, fixture.TraefikServices(w.namespace, ""), func(change kube.Change) {
		if canaryWeight(change.Object) >= 30 {
			w.metrics.SetSuccess(90)
		}
	})
	run, ok := w.rollout(ctx, c, "rollback", 10)
	if !ok {
		return
	}
	c.Add(run.Faults())
	w.expectState(ctx, c, oldImage, "Failed")
	w.expectWeights(c, 0, 10, 20, 30, 0)
	w.expectStory(c, "Failed", 10, 20, 30)
	c.Expect(strings.Contains(run.Stderr, "request-success-rate"), "stderr does not name the metric:\n%s", run.Stderr)
	c.End()

	again := s.report.Begin("cellar: the rejected version stays rejected")
	if _, ok := w.ran(ctx, again, "again", 10); ok {
		w.expectState(ctx, again, oldImage, "Failed")
		again.End()
	}
	errors := kube.Object{"version": backend.Tag(newImage), "errorPercent": 30}
	w.comparison(ctx, at("initialized", "image="+newImage), at("weight>=30", errors))
}

// refusals are ends before anything moved.
func (s *suite) refusals(ctx context.Context) {
	w, err := s.newWorld(ctx, "attic")
	if err != nil {
		s.report.Begin("attic: the objects of the scenario").Fail(err)
		return
	}
	defer w.metrics.Stop()
	down := s.report.Begin("attic: no API server")
	kubeconfig, err := w.unreachable()
	if down.Fail(err) {
		return
	}
	if run, err := w.promoteWith(ctx, "unreachable", kubeconfig); !down.Fail(err) {
		down.Ran(run.Code, run.Took())
		w.expectCode(down, run, 6)
		down.End()
	}
	w.denied(ctx, controlplane.Reader, "create", "patch", "update")
	w.denied(ctx, controlplane.Nobody, "get", "list", "watch", "create")
}

// denied runs as a user who may not do it; the refusal must name one of verbs and a resource.
func (w *world) denied(ctx context.Context, user string, verbs ...string) {
	c := w.report.Begin("attic: no rights, as " + user)
	run, err := w.promote(ctx, user, user)
	if c.Fail(err) {
		return
	}
	c.Ran(run.Code, run.Took())
	w.expectCode(c, run, 4)
	resources := []string{"deployments", "services", "leases", "configmaps", "secrets", "traefikservices", "canaries", "namespaces"}
	c.Expect(containsAny(run.Stderr, verbs), "stderr names none of the verbs %v:\n%s", verbs, run.Stderr)
	c.Expect(containsAny(run.Stderr, resources), "stderr names no resource:\n%s", run.Stderr)
	_, err = w.client.Get(ctx, fixture.Deployments(w.namespace, canaryName+"-primary"))
	c.Expect(kube.HasCode(err, 404), "a primary was created")
	c.End()
}

// bootstraps creates a world and lets the program make the primary; nil where that failed.
func (s *suite) bootstraps(ctx context.Context, namespace string) *world {
	c := s.report.Begin(namespace + ": the first promote makes the primary")
	w, err := s.newWorld(ctx, namespace)
	if c.Fail(err) {
		return nil
	}
	context.AfterFunc(ctx, w.metrics.Stop)
	run, ok := w.ran(ctx, c, "bootstrap", 0)
	if !ok {
		return nil
	}
	c.Add(run.Faults())
	w.expectState(ctx, c, oldImage, "Initialized")
	for service, app := range map[string]string{"": "podinfo-primary", "-primary": "podinfo-primary", "-canary": "podinfo"} {
		object, err := s.client.Get(ctx, kube.Path("v1", namespace, "services", canaryName+service))
		c.Fail(err)
		selected := kube.Text(object, "spec", "selector", "app")
		c.Expect(selected == app, "service %s%s selects app=%s", canaryName, service, selected)
	}
	queries, _ := w.metrics.Queries()
	c.Expect(len(queries) == 0, "metrics were asked: %v", queries)
	c.End()
	return w
}

// rollout changes the image and runs the program to its end.
func (w *world) rollout(ctx context.Context, c *report.Case, name string, code int) (*driver.Run, bool) {
	if c.Fail(w.setImage(ctx, newImage)) {
		return nil, false
	}
	return w.ran(ctx, c, name, code)
}

func (w *world) ran(ctx context.Context, c *report.Case, name string, code int) (*driver.Run, bool) {
	run, err := w.promote(ctx, name, controlplane.Admin)
	if c.Fail(err) {
		return nil, false
	}
	c.Ran(run.Code, run.Took())
	return run, w.expectCode(c, run, code)
}

func (w *world) expectCode(c *report.Case, run *driver.Run, code int) bool {
	c.Expect(run.Code == code, "exit code %d instead of %d; stderr:\n%s", run.Code, code, run.Stderr)
	return run.Code == code
}

// expectState: the primary serves image alone, by the TraefikService too, the target sleeps, and the Canary's status
// says so; an empty phase is not compared.
func (w *world) expectState(ctx context.Context, c *report.Case, image, phase string) {
	w.expectServed(ctx, c, image, phase)
	route, err := w.client.Get(ctx, fixture.TraefikServices(w.namespace, canaryName))
	c.Fail(err)
	var names []string
	for _, service := range kube.Items(route, "spec", "weighted", "services") {
		names = append(names, fmt.Sprintf("%s=%d", kube.Text(service, "name"), kube.Number(service, 1, "weight")))
	}
	c.Expect(slices.Equal(names, []string{canaryName + "-primary=100"}), "the route has %v", names)
}

// expectServed is expectState without the route.
func (w *world) expectServed(ctx context.Context, c *report.Case, image, phase string) {
	primary, err := w.deployment(ctx, canaryName+"-primary")
	c.Fail(err)
	c.Expect(primary.image == image && primary.ready == 2, "the primary has %d ready pods of %s", primary.ready, primary.image)
	target, err := w.deployment(ctx, canaryName)
	c.Fail(err)
	c.Expect(target.replicas == 0, "the target has %d replicas", target.replicas)
	canary, err := w.client.Get(ctx, fixture.Canaries(w.namespace, canaryName))
	c.Fail(err)
	status := kube.Map(canary, "status")
	c.Expect(phase == "" || kube.Text(status, "phase") == phase, "the Canary's phase is %q instead of %s", kube.Text(status, "phase"), phase)
	c.Expect(kube.Number(status, -1, "canaryWeight") == 0, "the Canary's weight is %d", kube.Number(status, -1, "canaryWeight"))
}

func (w *world) expectWeights(c *report.Case, planned ...int) {
	seen := w.seenWeights()
	c.Expect(slices.Equal(seen, planned), "the route had the weights %v instead of %v", seen, planned)
}

// expectStory: the remote's branch has a commit for each weight and for the end.
func (w *world) expectStory(c *report.Case, end string, weights ...int) {
	log, err := w.repository.Log("flagger-status")
	if c.Fail(err) {
		return
	}
	prefix := fmt.Sprintf("flagger(%s/%s): ", w.namespace, canaryName)
	var wanted []string
	for _, weight := range weights {
		wanted = append(wanted, fmt.Sprintf("-> %d%%", weight))
	}
	for _, part := range append(wanted, prefix+end) {
		found := slices.ContainsFunc(log, func(subject string) bool {
			return strings.HasPrefix(subject, prefix) && strings.Contains(subject, part)
		})
		c.Expect(found, "no commit says %q; flagger-status has:\n%s", part, strings.Join(log, "\n"))
	}
}

func containsAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}
