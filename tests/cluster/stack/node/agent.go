// Package node stands in for scheduler and kubelet: it gives every pod an address, reports it running and
// ready, lets it drain once its deletion was asked and then removes it. What a pod serves is up to the caller.
package node

import (
	"context"
	"fmt"
	"log"
	"sync"
	"time"

	"flagger.test/stack/kube"
)

// NeverReady is the annotation of pods that run but never become ready.
const NeverReady = "test/never-ready"

// name of the one Node; EndpointSlices stay empty without a Node object of that name.
const name = "node-1"

// Agent runs the pods of one cluster.
type Agent struct {
	// Client with all rights.
	Client *kube.Client
	// Start is how long a pod takes from its binding until it is ready.
	Start time.Duration
	// Drain is how long a pod stays after its deletion was asked; below its grace period of 30 s.
	Drain time.Duration
	// ClosesAtOnce picks the pods that stop serving when their deletion is asked instead of after Drain. May be nil.
	ClosesAtOnce func(pod kube.Object) bool
	// Serve opens what a pod serves on its address and gives the way to stop it. May be nil.
	Serve func(pod kube.Object, address string) (stop func(), err error)

	mutex sync.Mutex
	pods  map[string]*life
	count int
}

// life is the state of one pod as the agent sees it.
type life struct {
	deleting chan struct{}
	gone     chan struct{}
	asked    bool
}

// Run creates the Node and looks after pods until ctx ends.
func (a *Agent) Run(ctx context.Context) error {
	a.pods = map[string]*life{}
	node := kube.Object{
		"apiVersion": "v1", "kind": "Node",
		"metadata": kube.Object{"name": name, "labels": kube.Object{"kubernetes.io/hostname": name}},
	}
	if _, err := a.Client.Create(ctx, kube.Path("v1", "", "nodes", ""), node); err != nil && !kube.HasCode(err, 409) {
		return err
	}
	status := kube.Object{"status": kube.Object{
		"conditions":  []any{condition("Ready", true, "KubeletReady")},
		"allocatable": kube.Object{"cpu": "64", "memory": "256Gi", "pods": "500"},
		"capacity":    kube.Object{"cpu": "64", "memory": "256Gi", "pods": "500"},
	}}
	if _, err := a.Client.Patch(ctx, kube.Path("v1", "", "nodes", name, "status"), kube.MergePatch, status); err != nil {
		return err
	}
	go a.Client.Follow(ctx, kube.Path("v1", "", "pods", ""), func(change kube.Change) { a.saw(ctx, change) })
	return nil
}

// saw starts the life of a new pod, or tells a known one that its end has come.
func (a *Agent) saw(ctx context.Context, change kube.Change) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	uid := kube.Text(change.Object, "metadata", "uid")
	pod, known := a.pods[uid]
	if change.Type == "DELETED" {
		if known {
			close(pod.gone)
			delete(a.pods, uid)
		}
		return
	}
	if !known {
		pod = &life{deleting: make(chan struct{}), gone: make(chan struct{})}
		a.pods[uid] = pod
		a.count++
		address := fmt.Sprintf("10.1.%d.%d", 1+a.count/250, 1+a.count%250)
		go a.live(ctx, pod, change.Object, address)
	}
	if kube.Text(change.Object, "metadata", "deletionTimestamp") != "" && !pod.asked {
		pod.asked = true
		close(pod.deleting)
	}
}

// live takes one pod from its binding to its removal.
func (a *Agent) live(ctx context.Context, pod *life, object kube.Object, address string) {
	path := kube.Path("v1", kube.Namespace(object), "pods", kube.Name(object))
	stop := func() {}
	if err := a.begin(ctx, pod, object, address, path, &stop); err != nil && ctx.Err() == nil && !kube.HasCode(err, 404) {
		log.Printf("pod %s: %v", kube.Name(object), err)
	}
	defer func() { stop() }()
	select {
	case <-ctx.Done():
		return
	case <-pod.gone:
		return
	case <-pod.deleting:
	}
	if a.ClosesAtOnce != nil && a.ClosesAtOnce(object) {
		stop()
	}
	select {
	case <-ctx.Done():
		return
	case <-pod.gone:
	case <-time.After(a.Drain):
	}
	stop()
	if err := a.Client.Delete(ctx, path); err != nil && ctx.Err() == nil && !kube.HasCode(err, 404) {
		log.Printf("pod %s: %v", kube.Name(object), err)
	}
}

// begin binds the pod, waits its start time and reports it running; a deletion in between ends it early.
func (a *Agent) begin(ctx context.Context, pod *life, object kube.Object, address, path string, stop *func()) error {
	if kube.Text(object, "spec", "nodeName") == "" {
		binding := kube.Object{
			"apiVersion": "v1", "kind": "Binding", "metadata": kube.Object{"name": kube.Name(object)},
			"target": kube.Object{"apiVersion": "v1", "kind": "Node", "name": name},
		}
		if _, err := a.Client.Create(ctx, path+"/binding", binding); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case <-pod.deleting:
		return nil
	case <-pod.gone:
		return nil
	case <-time.After(a.Start):
	}
	if a.Serve != nil {
		stopServing, err := a.Serve(object, address)
		if err != nil {
			return err
		}
		*stop = sync.OnceFunc(stopServing)
	}
	_, err := a.Client.Patch(ctx, path+"/status", kube.MergePatch, kube.Object{"status": running(object, address)})
	return err
}

// running is the status a kubelet reports for a pod whose containers are up.
func running(object kube.Object, address string) kube.Object {
	_, never := kube.Map(object, "metadata", "annotations")[NeverReady]
	var containers []any
	for _, container := range kube.Items(object, "spec", "containers") {
		containers = append(containers, kube.Object{
			"name": kube.Text(container, "name"), "image": kube.Text(container, "image"), "imageID": "",
			"ready": !never, "started": true, "restartCount": 0,
			"state": kube.Object{"running": kube.Object{"startedAt": now()}},
		})
	}
	return kube.Object{
		"phase": "Running", "podIP": address, "podIPs": []any{kube.Object{"ip": address}},
		"startTime": now(), "containerStatuses": containers,
		"conditions": []any{
			condition("PodScheduled", true, ""), condition("Initialized", true, ""),
			condition("ContainersReady", !never, "ContainersNotReady"), condition("Ready", !never, "ContainersNotReady"),
		},
	}
}

// condition leaves the reason out where a kubelet does: on a pod's condition that holds.
func condition(kind string, holds bool, reason string) kube.Object {
	c := kube.Object{"type": kind, "status": "True", "lastTransitionTime": now()}
	if !holds {
		c["status"] = "False"
	}
	if reason != "" && (!holds || reason == "KubeletReady") {
		c["reason"] = reason
	}
	return c
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }
