// Command cluster-test drives kubectl-flagger against a real API server and says whether cluster, Git and exit
// codes are as they must be.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"flagger.test/stack/controlplane"
	"flagger.test/stack/driver"
	"flagger.test/stack/fixture"
	"flagger.test/stack/kube"
	"flagger.test/stack/node"
	"flagger.test/stack/report"
)

// Pods as in the recordings: ready after 3 s.
const podStart = 3 * time.Second

// suite is what all cases share.
type suite struct {
	dir      string
	cluster  *controlplane.Cluster
	client   *kube.Client
	driver   *driver.Driver
	scenario *fixture.Scenario
	report   *report.Report
}

func main() {
	binaries := flag.String("binaries", "", "folder of etcd, kube-apiserver and kube-controller-manager")
	dir := flag.String("dir", "", "folder for data and logs")
	binary := flag.String("driver", "", "path of kubectl-flagger")
	tape := flag.String("tape", "", "recording whose head gives the Canary and its objects")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := &suite{dir: *dir, driver: &driver.Driver{Binary: *binary, Dir: *dir}, report: &report.Report{}}
	if err := s.run(ctx, *binaries, *tape); err != nil {
		log.Print(err)
		s.report.Begin("the stack itself").Fail(err)
	}
	if s.report.Print(os.Stdout) > 0 {
		os.Exit(1)
	}
}

func (s *suite) run(ctx context.Context, binaries, tape string) (err error) {
	if s.scenario, err = fixture.ReadTape(tape); err != nil {
		return err
	}
	logs := filepath.Join(s.dir, "controlplane")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	began := time.Now()
	if s.cluster, err = controlplane.Up(ctx, controlplane.Options{Binaries: binaries, Dir: logs}); err != nil {
		return err
	}
	defer s.cluster.Down()
	// Whoever still asks the API server stops before it goes.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.client, err = s.cluster.Client(controlplane.Admin); err != nil {
		return err
	}
	if err := fixture.InstallDefinitions(ctx, s.client); err != nil {
		return err
	}
	if err := fixture.GrantReading(ctx, s.client, controlplane.Reader); err != nil {
		return err
	}
	agent := &node.Agent{Client: s.client, Start: podStart, Drain: time.Second}
	if err := agent.Run(ctx); err != nil {
		return err
	}
	fmt.Printf("control plane up in %.1f s\n\n", time.Since(began).Seconds())
	var group sync.WaitGroup
	for _, cases := range []func(context.Context){s.promotes, s.rollsBack, s.isInterrupted, s.refusals, s.takesEvery} {
		group.Go(func() { cases(ctx) })
	}
	group.Wait()
	return ctx.Err()
}
