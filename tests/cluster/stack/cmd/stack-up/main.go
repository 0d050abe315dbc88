// Command stack-up runs the control plane with a node until it is interrupted, for looking around by hand.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"flagger.test/stack/controlplane"
	"flagger.test/stack/fixture"
	"flagger.test/stack/node"
)

func main() {
	options := controlplane.Options{}
	flag.StringVar(&options.Binaries, "binaries", "", "folder of etcd, kube-apiserver and kube-controller-manager")
	flag.StringVar(&options.Dir, "dir", "", "folder for data and logs")
	start := flag.Duration("start", 3*time.Second, "time until a pod is ready")
	drain := flag.Duration("drain", 5*time.Second, "time a pod stays after its deletion was asked")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, options, *start, *drain); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, options controlplane.Options, start, drain time.Duration) error {
	cluster, err := controlplane.Up(ctx, options)
	if err != nil {
		return err
	}
	defer cluster.Down()
	client, err := cluster.Client(controlplane.Admin)
	if err != nil {
		return err
	}
	if err := fixture.InstallDefinitions(ctx, client); err != nil {
		return err
	}
	agent := &node.Agent{Client: client, Start: start, Drain: drain}
	if err := agent.Run(ctx); err != nil {
		return err
	}
	fmt.Printf("export KUBECONFIG=%s\n", cluster.Kubeconfig(controlplane.Admin))
	<-ctx.Done()
	return nil
}
