package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
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

// Stages of a bootstrap.
const (
	takeover = "takeover of the live service"
	handover = "handover of the user's route"
)

// liveCase is one application under load from before its bootstrap until after its rollout.
type liveCase struct {
	*stack
	driver   *driver.Driver
	scenario *fixture.Scenario
	figures  *figures

	router  router
	pods    pods
	version string // what is rolled out
	number  int
}

func (l *liveCase) bad() bool { return l.version == badVersion }

func (l *liveCase) namespace() string {
	outcome := "good"
	if l.bad() {
		outcome = "bad"
	}
	return fmt.Sprintf("%s-%s-%s-%d", l.router.short(), l.pods.label(), outcome, l.number)
}

func (l *liveCase) host() string { return l.namespace() + ".test" }

func (l *liveCase) title() string {
	outcome := "promoted"
	if l.bad() {
		outcome = "rolled back"
	}
	return fmt.Sprintf("%s: taken over and %s, run %d", l.group(), outcome, l.number)
}

// group is what the runs of one row of the table have in common.
func (l *liveCase) group() string { return l.router.provider() + ", " + l.pods.words() }

// play takes the live service over and then rolls the version out, under load all the time.
func (l *liveCase) play(ctx context.Context, verdict *report.Case) {
	dir := filepath.Join(l.driver.Dir, l.namespace())
	placed, repository, err := l.place(ctx, dir)
	if verdict.Fail(err) {
		return
	}
	load := &traffic.Load{Address: webAddress, Host: l.host(), Rate: rate}
	loading, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		load.Run(loading)
	}()
	defer func() {
		stop()
		<-ended
		answers := load.Answers()
		verdict.Fail(traffic.WriteSeconds(filepath.Join(dir, "answers.csv"), answers))
		verdict.Fail(traffic.WriteLost(filepath.Join(dir, "lost.csv"), answers))
		l.figures.sent(answers)
	}()
	wait(ctx, 2*time.Second)
	if !l.bootstrap(ctx, verdict, repository, load) {
		return
	}
	changed := time.Now()
	path := fixture.Deployments(l.namespace(), "podinfo")
	_, err = l.client.Patch(ctx, path, kube.StrategicPatch, placed.SetImage("podinfo:"+l.version))
	if verdict.Fail(err) {
		return
	}
	run, err := l.promote(ctx, "rollout", repository)
	if verdict.Fail(err) {
		return
	}
	wait(ctx, podDrain+4*time.Second)
	stop()
	<-ended
	verdict.Ran(run.Code, run.Took())
	code := 0
	if l.bad() {
		code = 10
	}
	verdict.Expect(run.Code == code, "exit code %d instead of %d; stderr:\n%s", run.Code, code, run.Stderr)
	verdict.Add(run.Faults())
	answers := load.Answers()
	counts := traffic.CountStages(traffic.Stages(run), time.Now(), answers, l.version)
	l.judge(verdict, dir, counts)
	l.judgeShares(verdict, counts)
	l.judgeEnd(verdict, run, answers)
	l.figures.rollout(l, run, changed, answers)
	verdict.End()
}

// bootstrap is the first promote, which takes the live service over. It says whether there is more to do.
func (l *liveCase) bootstrap(ctx context.Context, verdict *report.Case, repository *fixture.Repository, load *traffic.Load) bool {
	first, err := l.promote(ctx, "bootstrap", repository)
	if verdict.Fail(err) {
		return false
	}
	verdict.Expect(first.Code == 0, "bootstrap: exit code %d instead of 0; stderr:\n%s", first.Code, first.Stderr)
	if first.Code != 0 {
		return false
	}
	stages := []traffic.Stage{{Name: takeover, From: first.Started}}
	wait(ctx, podDrain+time.Second)
	if l.router.handsOver() {
		stages = append(stages, traffic.Stage{Name: handover, From: time.Now()})
		if verdict.Fail(l.router.handOver(ctx, l)) {
			return false
		}
		wait(ctx, 4*time.Second)
	}
	counts := traffic.CountStages(stages, time.Now(), load.Answers(), l.version)
	l.judge(verdict, filepath.Join(l.driver.Dir, l.namespace()), counts)
	return true
}

func (l *liveCase) promote(ctx context.Context, name string, repository *fixture.Repository) (*driver.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	return l.driver.Promote(ctx, l.namespace()+"-"+name, "podinfo", "--namespace", l.namespace(),
		"--repo", repository.Dir, "--kubeconfig", l.cluster.Kubeconfig(controlplane.Admin))
}

// place creates the application with a live Service and a host that leads to it.
func (l *liveCase) place(ctx context.Context, dir string) (*fixture.Scenario, *fixture.Repository, error) {
	placed := l.scenario.For(l.namespace(), "http://prometheus."+monitoring+":9090")
	l.router.prepare(placed, l)
	repository, err := placed.Place(ctx, l.client, dir)
	if err != nil {
		return nil, nil, err
	}
	err = fixture.Create(ctx, l.client, l.namespace(), kube.Object{
		"apiVersion": "v1", "kind": "Service", "metadata": kube.Object{"name": "podinfo"},
		"spec": kube.Object{
			"selector": kube.Object{"app": "podinfo"},
			"ports":    []any{kube.Object{"name": "http", "port": 80, "targetPort": 9898}},
		},
	})
	if err != nil {
		return nil, nil, err
	}
	if err := l.router.expose(ctx, l); err != nil {
		return nil, nil, err
	}
	return placed, repository, l.served(ctx, l.host())
}

// judge: no request is lost to the rollout, in no stage. Pods that close at once lose some whenever pods of the
// serving side are replaced, whoever drives; those are only counted.
func (l *liveCase) judge(c *report.Case, dir string, counts []traffic.Count) {
	var table bytes.Buffer
	traffic.Write(&table, counts)
	c.Fail(appendTo(filepath.Join(dir, "stages.txt"), table.Bytes()))
	faulty := false
	expect := func(holds bool, format string, values ...any) {
		faulty = faulty || !holds
		c.Expect(holds, format, values...)
	}
	for _, count := range counts {
		replacing := l.pods == closing && (count.Name == traffic.Promoting || count.Name == traffic.ThrottleTail)
		expect(count.Asked > 0, "%s: no requests", count.Name)
		expect(count.Lost == 0 || replacing, "%s: %d of %d requests were lost", count.Name, count.Lost, count.Asked)
		expect(count.Failed == 0 || l.bad(), "%s: %d errors of a good version", count.Name, count.Failed)
	}
	if faulty {
		c.Note("%s", table.String())
	}
	l.figures.count(l, counts)
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
	if l.bad() {
		c.Expect(measured >= 1, "no weight was measured")
	} else {
		c.Expect(measured == 5, "%d weights were measured instead of 5", measured)
	}
}

// judgeEnd: after the run one version serves alone.
func (l *liveCase) judgeEnd(c *report.Case, run *driver.Run, answers []traffic.Answer) {
	survivor := l.version
	if l.bad() {
		survivor = oldVersion
	}
	others, after := 0, 0
	for _, answer := range answers {
		if answer.Sent.After(run.Ended) {
			after++
			if answer.Version != survivor {
				others++
			}
		}
	}
	c.Expect(after > 0, "no request after the end")
	c.Expect(others == 0, "%d of %d requests after the end were not answered by %s", others, after, survivor)
}

func appendTo(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(text)
	return err
}

func wait(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}
