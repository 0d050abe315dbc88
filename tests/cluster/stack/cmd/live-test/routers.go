package main

import (
	"context"
	"fmt"
	"time"

	"flagger.test/stack/fixture"
	"flagger.test/stack/kube"
)

// pods says what the pods of an application do when their deletion is asked.
type pods int

const (
	closing  pods = iota // stop listening at once
	draining             // go on for podDrain
)

func (p pods) label() string {
	if p == closing {
		return "closing"
	}
	return "draining"
}

func (p pods) words() string {
	if p == closing {
		return "pods close at once"
	}
	return fmt.Sprintf("pods drain %.0f s", podDrain.Seconds())
}

// router is the way by which an application's host reaches its pods.
type router interface {
	// provider is the Canary's spec.provider.
	provider() string
	// short is a part of the namespace's name.
	short() string
	// prepare makes the Canary one for this router.
	prepare(s *fixture.Scenario, l *liveCase)
	// expose is the user's live route to the Service, before any canary.
	expose(ctx context.Context, l *liveCase) error
	// handsOver says whether the user has to change that route after the bootstrap.
	handsOver() bool
	// handOver does.
	handOver(ctx context.Context, l *liveCase) error
}

// traefik: the user's IngressRoute leads to the Service, and after the bootstrap to the TraefikService. Metrics
// are the built-in ones.
type traefik struct{}

func (traefik) provider() string                     { return "traefik" }
func (traefik) short() string                        { return "traefik" }
func (traefik) prepare(*fixture.Scenario, *liveCase) {}
func (traefik) handsOver() bool                      { return true }
func (t traefik) expose(ctx context.Context, l *liveCase) error {
	service := kube.Object{"name": "podinfo", "kind": "Service", "port": 80}
	return fixture.Create(ctx, l.client, l.namespace(), kube.Object{
		"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": kube.Object{"name": "podinfo"},
		"spec": t.spec(l, service),
	})
}

func (t traefik) handOver(ctx context.Context, l *liveCase) error {
	path := kube.Path("traefik.io/v1alpha1", l.namespace(), "ingressroutes", "podinfo")
	service := kube.Object{"name": "podinfo", "kind": "TraefikService"}
	_, err := l.client.Patch(ctx, path, kube.MergePatch, kube.Object{"spec": t.spec(l, service)})
	return err
}

func (traefik) spec(l *liveCase, service kube.Object) kube.Object {
	return kube.Object{
		"entryPoints": []any{"web"},
		"routes":      []any{kube.Object{"kind": "Rule", "match": fmt.Sprintf("Host(`%s`)", l.host()), "services": []any{service}}},
	}
}

// gateway: the user's HTTPRoute has the Service as its only backend, and the bootstrap changes it. Metrics come
// from templates, because Traefik does not export what the built-in queries of Gateway API read.
type gateway struct{}

const (
	gatewayAPI   = "gateway.networking.k8s.io/v1"
	gatewayName  = "gateway"
	gatewaySpace = "infra"
)

func (gateway) provider() string                          { return "gatewayapi:v1" }
func (gateway) short() string                             { return "gateway" }
func (gateway) handsOver() bool                           { return false }
func (gateway) handOver(context.Context, *liveCase) error { return nil }

func (g gateway) prepare(s *fixture.Scenario, l *liveCase) {
	spec := kube.Map(s.Canary, "spec")
	spec["provider"] = g.provider()
	service := kube.Map(spec, "service")
	service["gatewayRefs"] = []any{kube.Object{"name": gatewayName, "namespace": gatewaySpace}}
	service["hosts"] = []any{l.host()}
	const of = `service=~".+-svc-{{ namespace }}-{{ target }}-canary-[0-9]+@kubernetesgateway"`
	const requests, seconds = "traefik_service_requests_total", "traefik_service_request_duration_seconds_bucket"
	queries := map[string]string{
		"success-rate": "100 * sum(rate(" + requests + "{" + of + `,code!~"5.."}[{{ interval }}])) / sum(rate(` + requests + "{" + of + "}[{{ interval }}]))",
		"latency":      "1000 * histogram_quantile(0.99, sum(rate(" + seconds + "{" + of + "}[{{ interval }}])) by (le))",
	}
	limits := map[string]kube.Object{"success-rate": {"min": 99}, "latency": {"max": 500}}
	var metrics []any
	for _, name := range []string{"success-rate", "latency"} {
		s.Templates = append(s.Templates, kube.Object{
			"apiVersion": "flagger.app/v1beta1", "kind": "MetricTemplate",
			"metadata": kube.Object{"name": name, "namespace": l.namespace()},
			"spec": kube.Object{
				"provider": kube.Object{"type": "prometheus", "address": kube.Text(spec, "metricsServer")},
				"query":    queries[name],
			},
		})
		metrics = append(metrics, kube.Object{
			"name": name, "templateRef": kube.Object{"name": name}, "thresholdRange": limits[name], "interval": "1m",
		})
	}
	s.Analysis()["metrics"] = metrics
}

func (gateway) expose(ctx context.Context, l *liveCase) error {
	return fixture.Create(ctx, l.client, l.namespace(), kube.Object{
		"apiVersion": gatewayAPI, "kind": "HTTPRoute", "metadata": kube.Object{"name": "podinfo"},
		"spec": kube.Object{
			"parentRefs": []any{kube.Object{"name": gatewayName, "namespace": gatewaySpace}},
			"hostnames":  []any{l.host()},
			"rules":      []any{kube.Object{"backendRefs": []any{kube.Object{"name": "podinfo", "port": 80}}}},
		},
	})
}

// startGateway creates the Gateway that all applications share and waits until Traefik has taken it.
func (s *stack) startGateway(ctx context.Context) error {
	if err := fixture.CreateNamespace(ctx, s.client, gatewaySpace); err != nil {
		return err
	}
	class := kube.Object{
		"apiVersion": gatewayAPI, "kind": "GatewayClass", "metadata": kube.Object{"name": "traefik"},
		"spec": kube.Object{"controllerName": "traefik.io/gateway-controller"},
	}
	if err := fixture.Create(ctx, s.client, "", class); err != nil {
		return err
	}
	err := fixture.Create(ctx, s.client, gatewaySpace, kube.Object{
		"apiVersion": gatewayAPI, "kind": "Gateway", "metadata": kube.Object{"name": gatewayName},
		"spec": kube.Object{
			"gatewayClassName": "traefik",
			"listeners": []any{kube.Object{
				"name": "web", "protocol": "HTTP", "port": webPort,
				"allowedRoutes": kube.Object{"namespaces": kube.Object{"from": "All"}},
			}},
		},
	})
	if err != nil {
		return err
	}
	path := kube.Path(gatewayAPI, gatewaySpace, "gateways", gatewayName)
	return kube.Poll(ctx, 30*time.Second, func() (bool, error) {
		gateway, err := s.client.Get(ctx, path)
		if err == nil {
			err = fmt.Errorf("the Gateway is not programmed: %v", kube.Map(gateway, "status"))
		}
		return fixture.HasCondition(gateway, "Programmed"), err
	})
}
