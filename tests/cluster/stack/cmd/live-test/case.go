package main

import (
	"bytes"
	"context"
	"path/filepath"
	"time"

	"flagger.test/stack/controlplane"
	"flagger.test/stack/driver"
	"flagger.test/stack/fixture"
	"flagger.test/stack/kube"
	"flagger.test/stack/report"
	"flagger.test/stack/traffic"
)

const (
	rate = 50
	// Shares with fewer answers than this say nothing.
	fewAnswers = 100
)

// liveCase is one application under load from before its bootstrap until after its rollout.
type liveCase struct {
	*stack
	driver   *driver.Driver
	scenario *fixture.Scenario

	namespace string
	version   string // what is rolled out
	code      int    // exit code it must have
	survivor  string // version that must serve alone at the end
}

func (l *liveCase) play(ctx context.Context, verdicts *report.Report) {
	bootstrap := verdicts.Begin(l.namespace + ": the first promote takes the live service over")
	host := l.namespace + ".test"
	placed := l.scenario.For(l.namespace, "http://prometheus."+monitoring+":9090")
	dir := filepath.Join(l.driver.Dir, l.namespace)
	repository, err := l.place(ctx, placed, dir, host)
	if bootstrap.Fail(err) {
		return
	}
	load := &traffic.Load{Address: webAddress, Host: host, Rate: rate}
	loading, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		load.Run(loading)
	}()
	defer func() {
		stop()
		<-ended
		if err := traffic.WriteSeconds(filepath.Join(dir, "answers.csv"), load.Answers()); err != nil {
			bootstrap.Fail(err)
		}
	}()
	promote := func(name string) (*driver.Run, error) {
		ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
		defer cancel()
		return l.driver.Promote(ctx, l.namespace+"-"+name, "podinfo", "--namespace", l.namespace,
			"--repo", repository.Dir, "--kubeconfig", l.cluster.Kubeconfig(controlplane.Admin))
	}
	wait(ctx, 2*time.Second)
	first, err := promote("bootstrap")
	if bootstrap.Fail(err) {
		return
	}
	bootstrap.Ran(first.Code, first.Took())
	bootstrap.Expect(first.Code == 0, "exit code %d instead of 0; stderr:\n%s", first.Code, first.Stderr)
	if first.Code != 0 {
		return
	}
	wait(ctx, podDrain+time.Second)
	handover := time.Now()
	if bootstrap.Fail(l.expose(ctx, l.namespace, host, "TraefikService")) {
		return
	}
	wait(ctx, 4*time.Second)
	stages := []traffic.Stage{
		{Name: "bootstrap", From: first.Started}, {Name: "old pods leave", From: first.Ended}, {Name: "route handover", From: handover},
	}
	counts := traffic.CountStages(stages, time.Now(), load.Answers(), l.version)
	l.judge(bootstrap, counts)
	bootstrap.End()

	rollout := verdicts.Begin(l.namespace + ": " + map[int]string{0: "the new version is promoted", 10: "the new version is rolled back"}[l.code])
	_, err = l.client.Patch(ctx, fixture.Deployments(l.namespace, "podinfo"), kube.StrategicPatch, placed.SetImage("podinfo:"+l.version))
	if rollout.Fail(err) {
		return
	}
	run, err := promote("rollout")
	if rollout.Fail(err) {
		return
	}
	wait(ctx, podDrain+4*time.Second)
	stop()
	<-ended
	rollout.Ran(run.Code, run.Took())
	rollout.Expect(run.Code == l.code, "exit code %d instead of %d; stderr:\n%s", run.Code, l.code, run.Stderr)
	rollout.Add(run.Faults())
	answers := load.Answers()
	counts = traffic.CountStages(traffic.Stages(run), time.Now(), answers, l.version)
	l.judge(rollout, counts)
	l.judgeShares(rollout, counts)
	l.judgeEnd(rollout, run, answers)
	rollout.End()
}

// place creates the application with a live Service and a host that leads to it.
func (l *liveCase) place(ctx context.Context, placed *fixture.Scenario, dir, host string) (*fixture.Repository, error) {
	repository, err := placed.Place(ctx, l.client, dir)
	if err != nil {
		return nil, err
	}
	err = fixture.Create(ctx, l.client, l.namespace, kube.Object{
		"apiVersion": "v1", "kind": "Service", "metadata": kube.Object{"name": "podinfo"},
		"spec": kube.Object{
			"selector": kube.Object{"app": "podinfo"},
			"ports":    []any{kube.Object{"name": "http", "port": 80, "targetPort": 9898}},
		},
	})
	if err != nil {
		return nil, err
	}
	if err := l.expose(ctx, l.namespace, host, "Service"); err != nil {
		return nil, err
	}
	return repository, l.served(ctx, host)
}

// judge: no request is lost to the rollout, in no stage. Pods that close at once lose some whenever pods of the
// serving side are replaced, whoever drives; those are printed.
func (l *liveCase) judge(c *report.Case, counts []traffic.Count) {
	var table bytes.Buffer
	traffic.Write(&table, counts)
	c.Note("%s", table.String())
	for _, count := range counts {
		replacing := l.closesAtOnce && (count.Name == "promoting" || count.Name == "finalising")
		c.Expect(count.Lost == 0 || replacing, "%s: %d of %d requests were lost", count.Name, count.Lost, count.Asked)
		c.Expect(count.Failed == 0 || l.version == badVersion, "%s: %d errors of a good version", count.Name, count.Failed)
	}
}

// judgeShares: each weight was really there.
func (l *liveCase) judgeShares(c *report.Case, counts []traffic.Count) {
	measured := 0
	for _, count := range counts {
		if count.Steady.IsZero() {
			continue
		}
		measured++
		c.Expect(count.Measured >= fewAnswers, "%s: only %d answers to measure", count.Name, count.Measured)
		off := count.Share() - float64(count.Weight)
		c.Expect(max(off, -off) <= count.Tolerance(), "%s: measured %.1f %%, tolerance %.1f points", count.Name, count.Share(), count.Tolerance())
	}
	if l.code == 0 {
		c.Expect(measured == 5, "%d weights were measured instead of 5", measured)
	} else {
		c.Expect(measured >= 1, "no weight was measured")
	}
}

// judgeEnd: after the run one version serves alone. It also notes how long users saw a bad version.
func (l *liveCase) judgeEnd(c *report.Case, run *driver.Run, answers []traffic.Answer) {
	var firstFailed, lastFailed time.Time
	failed, others, after := 0, 0, 0
	for _, answer := range answers {
		if answer.Status == 500 {
			failed++
			lastFailed = answer.Sent
			if firstFailed.IsZero() {
				firstFailed = answer.Sent
			}
		}
		if answer.Sent.After(run.Ended) {
			after++
			if answer.Version != l.survivor {
				others++
			}
		}
	}
	c.Expect(after > 0, "no request after the end")
	c.Expect(others == 0, "%d of %d requests after the end were not answered by %s", others, after, l.survivor)
	if failed > 0 {
		c.Note("first failed answer to last: %.1f s; %d failed answers reached users", lastFailed.Sub(firstFailed).Seconds(), failed)
	}
}

func wait(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}
