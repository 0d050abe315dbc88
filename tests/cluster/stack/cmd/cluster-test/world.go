package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"flagger.test/stack/controlplane"
	"flagger.test/stack/driver"
	"flagger.test/stack/fixture"
	"flagger.test/stack/kube"
	"flagger.test/stack/prometheus"
)

const (
	canaryName = "podinfo"
	oldImage   = "podinfo:6.0.0"
	newImage   = "podinfo:6.0.1"
)

// world is one namespace with the recording's objects, its own metrics and its own Git repository.
type world struct {
	*suite
	namespace  string
	placed     *fixture.Scenario
	metrics    *prometheus.Scripted
	repository *fixture.Repository

	mutex   sync.Mutex
	weights []int
}

// newWorld creates the objects, waits until the workload is ready and begins to watch the route.
func (s *suite) newWorld(ctx context.Context, namespace string) (*world, error) {
	return s.newWorldWith(ctx, namespace, func(*fixture.Scenario) {})
}

// newWorldWith does so with another Canary than the recording's.
func (s *suite) newWorldWith(ctx context.Context, namespace string, prepare func(*fixture.Scenario)) (*world, error) {
	w := &world{suite: s, namespace: namespace}
	var err error
	if w.metrics, err = prometheus.Start(); err != nil {
		return nil, err
	}
	w.placed = s.scenario.For(namespace, w.metrics.URL())
	prepare(w.placed)
	if w.repository, err = w.placed.Place(ctx, s.client, filepath.Join(s.dir, namespace)); err != nil {
		return nil, err
	}
	go s.client.Follow(ctx, fixture.TraefikServices(namespace, ""), w.sawRoute)
	return w, nil
}

// sawRoute notes each share of the canary once.
func (w *world) sawRoute(change kube.Change) {
	if change.Type == "DELETED" || kube.Name(change.Object) != canaryName {
		return
	}
	weight := canaryWeight(change.Object)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if len(w.weights) == 0 || w.weights[len(w.weights)-1] != weight {
		w.weights = append(w.weights, weight)
	}
}

// seenWeights are the canary's shares in the order in which the route had them.
func (w *world) seenWeights() []int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return append([]int{}, w.weights...)
}

// canaryWeight reads a TraefikService as Traefik does: an entry without a weight means 1.
func canaryWeight(route kube.Object) int {
	for _, service := range kube.Items(route, "spec", "weighted", "services") {
		if kube.Text(service, "name") == canaryName+"-canary" {
			return kube.Number(service, 1, "weight")
		}
	}
	return 0
}

// setImage is what a pipeline or a GitOps tool does to start a rollout.
func (w *world) setImage(ctx context.Context, image string) error {
	path := fixture.Deployments(w.namespace, canaryName)
	_, err := w.client.Patch(ctx, path, kube.StrategicPatch, w.placed.SetImage(image))
	return err
}

// promote runs the program on this world's canary as one of the cluster's users.
func (w *world) promote(ctx context.Context, name, user string) (*driver.Run, error) {
	return w.promoteWith(ctx, name, w.cluster.Kubeconfig(user))
}

func (w *world) promoteWith(ctx context.Context, name, kubeconfig string) (*driver.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	return w.driver.Promote(ctx, w.namespace+"-"+name, canaryName, "--namespace", w.namespace,
		"--repo", w.repository.Dir, "--kubeconfig", kubeconfig, "--allow-host", w.metrics.Address)
}

// deployment is what a Deployment runs and how much of it.
type deployment struct {
	image    string
	replicas int
	ready    int
}

func (w *world) deployment(ctx context.Context, name string) (deployment, error) {
	object, err := w.client.Get(ctx, fixture.Deployments(w.namespace, name))
	if err != nil {
		return deployment{}, err
	}
	containers := kube.Items(object, "spec", "template", "spec", "containers")
	return deployment{
		image:    kube.Text(containers[0], "image"),
		replicas: kube.Number(object, 1, "spec", "replicas"),
		ready:    kube.Number(object, 0, "status", "readyReplicas"),
	}, nil
}

// dump reads the objects that are compared with the embedded cluster.
func (w *world) dump(ctx context.Context) ([]kube.Object, error) {
	collections := []struct{ apiVersion, kind, plural string }{
		{"apps/v1", "Deployment", "deployments"}, {"v1", "Service", "services"}, {"v1", "ConfigMap", "configmaps"},
		{"v1", "Secret", "secrets"}, {"traefik.io/v1alpha1", "TraefikService", "traefikservices"},
		{"flagger.app/v1beta1", "Canary", "canaries"},
	}
	var objects []kube.Object
	for _, collection := range collections {
		items, err := w.client.List(ctx, kube.Path(collection.apiVersion, w.namespace, collection.plural, ""))
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			// Items of built-in lists do not say what they are.
			item["apiVersion"], item["kind"] = collection.apiVersion, collection.kind
			objects = append(objects, item)
		}
	}
	return objects, nil
}

// unreachable is a kubeconfig whose API server nobody runs.
func (w *world) unreachable() (string, error) {
	ports, err := controlplane.FreePorts(1)
	if err != nil {
		return "", err
	}
	url := fmt.Sprintf("https://127.0.0.1:%d", ports[0])
	authority := filepath.Join(w.dir, "controlplane", "ca.crt")
	path := filepath.Join(w.dir, "unreachable.kubeconfig")
	return path, controlplane.WriteKubeconfig(path, url, authority, controlplane.Admin)
}
