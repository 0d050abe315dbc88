// Package controlplane runs Kubernetes' own etcd, API server and controller manager on loopback ports.
package controlplane

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flagger.test/stack/kube"
	"flagger.test/stack/process"
)

// Users of the cluster and what they may do.
const (
	// Admin may do everything.
	Admin = "admin"
	// Reader may look at everything and change nothing.
	Reader = "reader"
	// Nobody may do nothing.
	Nobody = "nobody"
)

// The controllers the tests need: workloads, endpoints for the service proxy and for Traefik, and cleaning up.
const controllers = "deployment-controller,replicaset-controller,daemonset-controller,job-controller," +
	"garbage-collector-controller,endpoints-controller,endpointslice-controller,namespace-controller"

// Options say where the binaries are and where the cluster's files go.
type Options struct {
	// Binaries is the folder with etcd, kube-apiserver and kube-controller-manager.
	Binaries string
	// Dir receives data, keys and logs.
	Dir string
	// AdvertiseAddress is needed where the host has no default route.
	AdvertiseAddress string
}

// Cluster is a running control plane.
type Cluster struct {
	URL       string
	options   Options
	authority []byte
	processes []*process.Process
}

// Up starts the three programs and waits until the API server is ready.
func Up(ctx context.Context, options Options) (*Cluster, error) {
	c := &Cluster{options: options}
	if err := c.start(ctx); err != nil {
		c.Down()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	dir := c.options.Dir
	ports, err := FreePorts(3)
	if err != nil {
		return err
	}
	if c.authority, err = writeCertificates(dir); err != nil {
		return err
	}
	tokens := filepath.Join(dir, "tokens.csv")
	rows := Admin + "," + Admin + ",1,system:masters\n" + Reader + "," + Reader + ",2\n" + Nobody + "," + Nobody + ",3\n"
	if err := os.WriteFile(tokens, []byte(rows), 0o600); err != nil {
		return err
	}
	etcd := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	peer := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	c.URL = fmt.Sprintf("https://127.0.0.1:%d", ports[2])
	if err := c.run("etcd", "--data-dir="+filepath.Join(dir, "etcd"), "--listen-client-urls="+etcd,
		"--advertise-client-urls="+etcd, "--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer,
		"--initial-cluster=default="+peer, "--unsafe-no-fsync", "--log-level=warn"); err != nil {
		return err
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	arguments := []string{
		"--etcd-servers=" + etcd, fmt.Sprintf("--secure-port=%d", ports[2]), "--bind-address=127.0.0.1",
		"--tls-cert-file=" + file("server.crt"), "--tls-private-key-file=" + file("server.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-signing-key-file=" + file("sa.key"),
		"--service-account-key-file=" + file("sa.key"), "--authorization-mode=RBAC", "--token-auth-file=" + tokens,
		"--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none",
		"--disable-admission-plugins=ServiceAccount", "--profiling=false",
	}
	if c.options.AdvertiseAddress != "" {
		arguments = append(arguments, "--advertise-address="+c.options.AdvertiseAddress)
	}
	if err := c.run("kube-apiserver", arguments...); err != nil {
		return err
	}
	for _, user := range []string{Admin, Reader, Nobody} {
		if err := WriteKubeconfig(c.Kubeconfig(user), c.URL, file("ca.crt"), user); err != nil {
			return err
		}
	}
	client, err := c.Client(Admin)
	if err != nil {
		return err
	}
	if err := c.ready(ctx, client); err != nil {
		return err
	}
	return c.run("kube-controller-manager", "--kubeconfig="+c.Kubeconfig(Admin), "--leader-elect=false", "--secure-port=0",
		"--controllers="+controllers, "--profiling=false")
}

func (c *Cluster) run(name string, arguments ...string) error {
	started, err := process.Start(c.options.Dir, name, nil, filepath.Join(c.options.Binaries, name), arguments...)
	if err == nil {
		c.processes = append(c.processes, started)
	}
	return err
}

// ready waits for the API server, and gives up as soon as one of the programs has ended.
func (c *Cluster) ready(ctx context.Context, client *kube.Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, p := range c.processes {
		go func() {
			select {
			case <-ctx.Done():
			case <-p.Done():
				cancel(fmt.Errorf("%s ended:\n%s", p.Name, p.Tail(10)))
			}
		}()
	}
	err := kube.Poll(ctx, time.Minute, func() (bool, error) {
		_, err := client.Get(ctx, "/readyz")
		return err == nil, err
	})
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return fmt.Errorf("the API server does not become ready: %w", err)
}

// Client speaks as one of the users above.
func (c *Cluster) Client(user string) (*kube.Client, error) {
	return kube.NewClient(c.URL, user, c.authority)
}

// Kubeconfig is the path of the kubeconfig of one of the users.
func (c *Cluster) Kubeconfig(user string) string {
	return filepath.Join(c.options.Dir, user+".kubeconfig")
}

// WriteKubeconfig writes a kubeconfig with one context, called test.
func WriteKubeconfig(path, url, authority, token string) error {
	text := strings.Join([]string{
		"apiVersion: v1", "kind: Config", "current-context: test",
		"clusters:", "- name: test", "  cluster:", "    server: " + url, "    certificate-authority: " + authority,
		"users:", "- name: test", "  user:", "    token: " + token,
		"contexts:", "- name: test", "  context: {cluster: test, user: test}", "",
	}, "\n")
	return os.WriteFile(path, []byte(text), 0o600)
}

// Down stops the programs, the last one started first.
func (c *Cluster) Down() {
	for i := len(c.processes) - 1; i >= 0; i-- {
		// The API server's orderly end takes many seconds, and there is nothing in it worth keeping.
		c.processes[i].Stop(500 * time.Millisecond)
	}
	c.processes = nil
}

// FreePorts are loopback ports nobody listens on; they are held together so that all differ.
func FreePorts(count int) ([]int, error) {
	var ports []int
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
