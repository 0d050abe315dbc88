package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"flagger.test/stack/fixture"
	"flagger.test/stack/kube"
)

// strategy is one of Flagger's, in a namespace of its own, with the good version that it takes to its end.
type strategy struct {
	namespace, words string
	provider         string
	// service and analysis are what its spec says beside the recording's; nil takes a field away.
	service, analysis kube.Object
	skip              bool
	// queries to metrics from the first look to the last, two at each.
	queries int
	// path and words of the object that moves users, and what it says one after another; repeats are left out.
	path    func(namespace, name string) string
	told    func(kube.Object) string
	planned []string
}

// A mesh has no controller here: what the driver writes is what is looked at.
var mesh = kube.Object{"hosts": []any{"podinfo.example.com"}, "gateways": []any{"mesh"}}

var strategies = []strategy{
	{
		namespace: "fair", words: "A/B testing on Istio", provider: "istio", service: mesh,
		analysis: kube.Object{
			"iterations": 2, "maxWeight": nil, "stepWeight": nil,
			"match": []any{kube.Object{"headers": kube.Object{"x-canary": kube.Object{"exact": "insider"}}}},
		},
		queries: 4, path: virtualServices, told: rules,
		planned: []string{"x-canary:0", "x-canary:100", "x-canary:0"},
	},
	{
		namespace: "yard", words: "Blue/Green without a router", provider: "kubernetes",
		analysis: kube.Object{"iterations": 2, "maxWeight": nil, "stepWeight": nil},
		queries:  6, path: services, told: selected,
		planned: []string{"podinfo-primary"},
	},
	{
		namespace: "garden", words: "Blue/Green on Traefik", provider: "traefik",
		analysis: kube.Object{"iterations": 2, "maxWeight": nil, "stepWeight": nil},
		queries:  6, path: fixture.TraefikServices, told: share,
		planned: []string{"0", "100", "0"},
	},
	{
		namespace: "mirrors", words: "mirroring on Istio", provider: "istio", service: mesh,
		analysis: kube.Object{"mirror": true, "maxWeight": 40, "stepWeight": 20},
		queries:  6, path: virtualServices, told: rules,
		planned: []string{"rest:0", "rest:0 copied", "rest:20", "rest:40", "rest:0"},
	},
	{
		namespace: "cookies", words: "session affinity on Istio", provider: "istio", service: mesh,
		analysis: kube.Object{
			"maxWeight": 40, "stepWeight": 20, "sessionAffinity": kube.Object{"cookieName": "flagger-cookie"},
		},
		queries: 4, path: virtualServices, told: rules,
		planned: []string{"rest:0", "cookie:100 rest:20 sets", "cookie:100 rest:40 sets", "cookie:0 rest:0"},
	},
	{
		namespace: "hurry", words: "skipAnalysis on Traefik", provider: "traefik", skip: true,
		queries: 0, path: fixture.TraefikServices, told: share,
		planned: []string{"0"},
	},
}

// takesEvery drives all strategies beside each other.
func (s *suite) takesEvery(ctx context.Context) {
	var group sync.WaitGroup
	for _, one := range strategies {
		group.Go(func() { s.takes(ctx, &one) })
	}
	group.Wait()
}

func (s *suite) takes(ctx context.Context, one *strategy) {
	c := s.report.Begin(fmt.Sprintf("%s: %s", one.namespace, one.words))
	w, err := s.newWorldWith(ctx, one.namespace, one.prepare)
	if c.Fail(err) {
		return
	}
	context.AfterFunc(ctx, w.metrics.Stop)
	if _, ok := w.ran(ctx, c, "bootstrap", 0); !ok {
		return
	}
	var mutex sync.Mutex
	var told []string
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go s.client.Follow(watching, one.path(one.namespace, ""), func(change kube.Change) {
		mutex.Lock()
		defer mutex.Unlock()
		if kube.Name(change.Object) != canaryName {
			return
		}
		if word := one.told(change.Object); len(told) == 0 || told[len(told)-1] != word {
			told = append(told, word)
		}
	})
	run, ok := w.rollout(ctx, c, "promote", 0)
	if !ok {
		return
	}
	c.Add(run.Faults())
	w.expectServed(ctx, c, newImage, "Succeeded")
	queries, _ := w.metrics.Queries()
	c.Expect(len(queries) == one.queries, "metrics were asked %d times instead of %d", len(queries), one.queries)
	object, err := s.client.Get(ctx, one.path(one.namespace, canaryName))
	if !c.Fail(err) {
		last := one.planned[len(one.planned)-1]
		c.Expect(one.told(object) == last, "at the end it says %q instead of %q", one.told(object), last)
	}
	mutex.Lock()
	defer mutex.Unlock()
	c.Expect(slices.Equal(told, one.planned), "users were sent %q instead of %q", told, one.planned)
	c.End()
}

func (one *strategy) prepare(s *fixture.Scenario) {
	spec := kube.Map(s.Canary, "spec")
	spec["provider"] = one.provider
	if one.skip {
		spec["skipAnalysis"] = true
	}
	for at, fields := range map[string]kube.Object{"service": one.service, "analysis": one.analysis} {
		for field, value := range fields {
			if value == nil {
				delete(kube.Map(spec, at), field)
			} else {
				kube.Map(spec, at)[field] = value
			}
		}
	}
}

func services(namespace, name string) string { return kube.Path("v1", namespace, "services", name) }

func virtualServices(namespace, name string) string {
	return kube.Path("networking.istio.io/v1beta1", namespace, "virtualservices", name)
}

func selected(service kube.Object) string { return kube.Text(service, "spec", "selector", "app") }

func share(route kube.Object) string { return fmt.Sprint(canaryWeight(route)) }

// rules says of each rule of a VirtualService for whom it is, the canary's share, and whether requests are copied or
// a cookie is set.
func rules(route kube.Object) string {
	var words []string
	for _, rule := range kube.Items(route, "spec", "http") {
		for _, destination := range kube.Items(rule, "route") {
			if strings.HasPrefix(kube.Text(destination, "destination", "host"), canaryName+"-canary") {
				words = append(words, fmt.Sprintf("%s:%d", audience(rule), kube.Number(destination, 0, "weight")))
			}
			if kube.Text(destination, "headers", "response", "add", "Set-Cookie") != "" {
				words = append(words, "sets")
			}
		}
		if rule["mirror"] != nil {
			words = append(words, "copied")
		}
	}
	return strings.Join(words, " ")
}

// audience is whom a rule of a VirtualService is for.
func audience(rule kube.Object) string {
	for _, match := range kube.Items(rule, "match") {
		headers := kube.Map(match, "headers")
		for _, name := range []string{"x-canary", "Cookie", "cookie"} {
			if headers[name] != nil {
				return strings.ToLower(name)
			}
		}
	}
	return "rest"
}
