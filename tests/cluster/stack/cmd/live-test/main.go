// Command live-test puts real traffic through Traefik while kubectl-flagger takes live services over, promotes
// versions and rolls others back, and counts what users got. It runs inside a network namespace of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
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
	flag.StringVar(&o.gatewayAPI, "gateway-api", "", "folder of Gateway API's definitions")
	flag.StringVar(&o.dir, "dir", "", "folder for data and logs")
	binary := flag.String("driver", "", "path of kubectl-flagger")
	tape := flag.String("tape", "", "recording whose head gives the Canary and its objects")
	runs := flag.Int("runs", 3, "runs of each case")
	atOnce := flag.Int("at-once", 8, "runs that go on at the same time")
	only := flag.String("only", "", "only runs whose namespace contains this, such as gateway-closing")
	readme := flag.String("readme", "", "page whose tables are written anew, if everything passed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	verdicts := &report.Report{}
	cases := plan(*runs, *only)
	figures := &figures{}
	for _, c := range cases {
		if !slices.Contains(figures.groups, c.group()) {
			figures.groups = append(figures.groups, c.group())
		}
	}
	if err := run(ctx, o, *binary, *tape, cases, *atOnce, verdicts, figures); err != nil {
		log.Print(err)
		verdicts.Begin("the stack itself").Fail(err)
	}
	figures.describe(verdicts)
	if verdicts.Print(os.Stdout) > 0 {
		os.Exit(1)
	}
	if *readme != "" {
		if err := figures.writeInto(*readme); err != nil {
			log.Fatal(err)
		}
	}
}

// plan lists the runs: each router, pods of both kinds, a good and a bad version.
func plan(runs int, only string) []*liveCase {
	var cases []*liveCase
	for _, pods := range []pods{closing, draining} {
		for n := range runs {
			for _, router := range []router{traefik{}, gateway{}} {
				for _, version := range []string{badVersion, goodVersion} {
					c := &liveCase{router: router, pods: pods, version: version, number: n + 1}
					if strings.Contains(c.namespace(), only) {
						cases = append(cases, c)
					}
				}
			}
		}
	}
	return cases
}

func run(ctx context.Context, o options, binary, tape string, cases []*liveCase, atOnce int, verdicts *report.Report, figures *figures) error {
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
	places := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for _, c := range cases {
		places <- struct{}{}
		c.stack, c.driver, c.scenario, c.figures = s, program, scenario, figures
		verdict := verdicts.Begin(c.title())
		group.Go(func() {
			defer func() { <-places }()
			c.play(ctx, verdict)
		})
	}
	group.Wait()
	return ctx.Err()
}
