// Command live-test puts real traffic through Traefik while kubectl-flagger promotes one version and rolls
// another back, and counts what users got. It runs inside a network namespace of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"flagger.test/stack/driver"
	"flagger.test/stack/fixture"
	"flagger.test/stack/report"
)

func main() {
	o := options{}
	flag.StringVar(&o.controlplane, "controlplane", "", "folder of etcd, kube-apiserver and kube-controller-manager")
	flag.StringVar(&o.traefik, "traefik", "", "path of traefik")
	flag.StringVar(&o.prometheus, "prometheus", "", "path of prometheus")
	flag.StringVar(&o.dir, "dir", "", "folder for data and logs")
	flag.BoolVar(&o.closesAtOnce, "pods-close-at-once", false, "pods do not drain; requests lost while the primary itself is replaced are only printed")
	binary := flag.String("driver", "", "path of kubectl-flagger")
	tape := flag.String("tape", "", "recording whose head gives the Canary and its objects")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	verdicts := &report.Report{}
	if err := run(ctx, o, *binary, *tape, verdicts); err != nil {
		log.Print(err)
		verdicts.Begin("the stack itself").Fail(err)
	}
	if verdicts.Print(os.Stdout) > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, binary, tape string, verdicts *report.Report) error {
	scenario, err := fixture.ReadTape(tape)
	if err != nil {
		return err
	}
	if err := checkNamespace(); err != nil {
		return err
	}
	began := time.Now()
	s, err := up(ctx, o)
	if err != nil {
		return err
	}
	defer s.down()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fmt.Printf("control plane, Traefik and Prometheus up in %.1f s\n\n", time.Since(began).Seconds())
	program := &driver.Driver{Binary: binary, Dir: o.dir}
	var group sync.WaitGroup
	for _, c := range []liveCase{
		{namespace: "good", version: "6.0.1", code: 0, survivor: "6.0.1"},
		{namespace: "bad", version: badVersion, code: 10, survivor: oldVersion},
	} {
		c.stack, c.driver, c.scenario = s, program, scenario
		group.Go(func() { c.play(ctx, verdicts) })
	}
	group.Wait()
	return ctx.Err()
}
