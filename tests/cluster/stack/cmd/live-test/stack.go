package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flagger.test/stack/backend"
	"flagger.test/stack/controlplane"
	"flagger.test/stack/fixture"
	"flagger.test/stack/kube"
	"flagger.test/stack/node"
	"flagger.test/stack/process"
)

const (
	oldVersion  = "6.0.0"
	goodVersion = "6.0.1"
	badVersion  = "6.0.2"
	// hostAddress is on lo, whose prefix 10.1.0.0/16 makes every pod's address local.
	hostAddress = "10.1.0.1"
	webPort     = 8000
	webAddress  = "127.0.0.1:8000"
	podStart    = 3 * time.Second
	// podDrain is how long pods stay after their deletion was asked, and some of them answer.
	podDrain = 5 * time.Second
	// monitoring is the namespace of Prometheus, which the specs call http://prometheus.monitoring:9090.
	monitoring = "monitoring"
)

type options struct {
	controlplane, traefik, prometheus, gatewayAPI, dir string
}

// stack is everything that runs beside the program under test.
type stack struct {
	options
	cluster  *controlplane.Cluster
	client   *kube.Client
	programs []*process.Process
}

// up starts the whole stack and waits until each part answers.
func up(ctx context.Context, o options) (*stack, error) {
	logs := filepath.Join(o.dir, "stack")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, err
	}
	cluster, err := controlplane.Up(ctx, controlplane.Options{Binaries: o.controlplane, Dir: logs, AdvertiseAddress: hostAddress})
	if err != nil {
		return nil, err
	}
	s := &stack{options: o, cluster: cluster}
	if err := s.start(ctx, logs); err != nil {
		s.down()
		return nil, err
	}
	return s, nil
}

func (s *stack) start(ctx context.Context, logs string) (err error) {
	if s.client, err = s.cluster.Client(controlplane.Admin); err != nil {
		return err
	}
	if err := fixture.InstallDefinitions(ctx, s.client); err != nil {
		return err
	}
	fleet := &backend.Fleet{Port: 9898, Faults: map[string]backend.Fault{badVersion: {ErrorPercent: 30}}}
	agent := &node.Agent{Client: s.client, Start: podStart, Drain: podDrain}
	agent.ClosesAtOnce = func(pod kube.Object) bool { return strings.Contains(kube.Namespace(pod), "-"+closing.label()+"-") }
	agent.Serve = func(pod kube.Object, address string) (func(), error) {
		if kube.Namespace(pod) == monitoring {
			return func() {}, nil // a process of its own, below
		}
		return fleet.Serve(pod, address)
	}
	if err := agent.Run(ctx); err != nil {
		return err
	}
	if err := fixture.InstallFiles(ctx, s.client, s.gatewayAPI); err != nil {
		return err
	}
	if err := s.startTraefik(ctx, s.traefik, logs); err != nil {
		return err
	}
	if err := s.startGateway(ctx); err != nil {
		return err
	}
	return s.startPrometheus(ctx, s.prometheus, logs)
}

func (s *stack) startTraefik(ctx context.Context, binary, logs string) error {
	kubeconfig := "KUBECONFIG=" + s.cluster.Kubeconfig(controlplane.Admin)
	traefik, err := process.Start(logs, "traefik", []string{kubeconfig}, binary,
		"--global.checknewversion=false", "--global.sendanonymoususage=false", "--log.level=INFO",
		"--providers.kubernetescrd=true", "--providers.kubernetesgateway=true", "--providers.providersthrottleduration=2s",
		"--entrypoints.web.address="+webAddress, "--entrypoints.metrics.address=127.0.0.1:8082",
		"--metrics.prometheus=true", "--metrics.prometheus.entrypoint=metrics", "--metrics.prometheus.addserviceslabels=true")
	if err != nil {
		return err
	}
	s.programs = append(s.programs, traefik)
	return s.answers(ctx, traefik, "http://127.0.0.1:8082/metrics")
}

// startPrometheus runs it as the process of a Pod: the API server's service proxy dials only the addresses of
// Pods that exist.
func (s *stack) startPrometheus(ctx context.Context, binary, logs string) error {
	if err := fixture.CreateNamespace(ctx, s.client, monitoring); err != nil {
		return err
	}
	labels := kube.Object{"app": "prometheus"}
	port := []any{kube.Object{"name": "http", "port": 9090, "targetPort": 9090}}
	err := fixture.Create(ctx, s.client, monitoring,
		kube.Object{
			"apiVersion": "v1", "kind": "Pod", "metadata": kube.Object{"name": "prometheus", "labels": labels},
			"spec": kube.Object{"containers": []any{kube.Object{"name": "prometheus", "image": "prometheus:2.42.0"}}},
		},
		kube.Object{
			"apiVersion": "v1", "kind": "Service", "metadata": kube.Object{"name": "prometheus"},
			"spec": kube.Object{"selector": labels, "ports": port},
		})
	if err != nil {
		return err
	}
	config := filepath.Join(logs, "prometheus.yml")
	text := "global: {scrape_interval: 2s, scrape_timeout: 1s}\n" +
		"scrape_configs:\n- job_name: traefik\n  static_configs: [{targets: ['127.0.0.1:8082']}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	prometheus, err := process.Start(logs, "prometheus", nil, binary, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(logs, "tsdb"), "--web.listen-address=0.0.0.0:9090")
	if err != nil {
		return err
	}
	s.programs = append(s.programs, prometheus)
	if err := s.answers(ctx, prometheus, "http://127.0.0.1:9090/-/ready"); err != nil {
		return err
	}
	proxied := kube.Path("v1", monitoring, "services", "http:prometheus:9090", "proxy", "api", "v1", "query?query=up")
	return kube.Poll(ctx, 30*time.Second, func() (bool, error) {
		answer, err := s.client.Get(ctx, proxied)
		return kube.Text(answer, "status") == "success", err
	})
}

// answers waits until a program answers 200, and gives its last words if it ends before.
func (s *stack) answers(ctx context.Context, p *process.Process, url string) error {
	return kube.Poll(ctx, 30*time.Second, func() (bool, error) {
		select {
		case <-p.Done():
			return false, fmt.Errorf("%s ended:\n%s", p.Name, p.Tail(10))
		default:
		}
		response, err := http.Get(url)
		if err != nil {
			return false, err
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK, fmt.Errorf("%s answers %s", p.Name, response.Status)
	})
}

func (s *stack) down() {
	for _, p := range s.programs {
		p.Stop(time.Second)
	}
	s.cluster.Down()
}

// served asks until host is answered with 200.
func (s *stack) served(ctx context.Context, host string) error {
	return kube.Poll(ctx, 30*time.Second, func() (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+webAddress, nil)
		if err != nil {
			return false, err
		}
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, err
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK, fmt.Errorf("%s answers %s", host, response.Status)
	})
}

// checkNamespace says early, and in plain words, that pods could not get their addresses here.
func checkNamespace() error {
	listener, err := net.Listen("tcp", "10.1.200.200:0")
	if err != nil {
		return fmt.Errorf("addresses of 10.1.0.0/16 are not local here, start tests/live/run.sh instead: %w", err)
	}
	return listener.Close()
}
