package main

import (
	"context"
	"slices"
	"time"

	"flagger.test/stack/controlplane"
	"flagger.test/stack/driver"
	"flagger.test/stack/kube"
)

// isInterrupted starts a second driver beside a live one, and then asks the first to end midway.
func (s *suite) isInterrupted(ctx context.Context) {
	w := s.bootstraps(ctx, "loft")
	if w == nil {
		return
	}
	busy := s.report.Begin("loft: a second driver is refused")
	c := s.report.Begin("loft: TERM at weight 20 rolls back")
	if c.Fail(w.setImage(ctx, newImage)) {
		return
	}
	running, terminate := context.WithCancel(ctx)
	defer terminate()
	type result struct {
		run *driver.Run
		err error
	}
	ended := make(chan result, 1)
	go func() {
		run, err := w.promote(running, "first", controlplane.Admin)
		ended <- result{run, err}
	}()
	err := kube.Poll(ctx, time.Minute, func() (bool, error) { return slices.Contains(w.seenWeights(), 20), nil })
	if !busy.Fail(err) {
		if run, ok := w.ran(ctx, busy, "second", 5); ok {
			// The holder's Lease moves every 10 s; a second driver waits for that as the sign of life.
			busy.Expect(run.Took().Seconds() < 15, "took %.1f s", run.Took().Seconds())
			busy.End()
		}
	}
	terminate()
	first := <-ended
	if c.Fail(first.err) {
		return
	}
	c.Ran(first.run.Code, first.run.Took())
	w.expectCode(c, first.run, 143)
	c.Add(first.run.Faults())
	w.expectState(ctx, c, oldImage, "")
	w.expectWeights(c, 0, 10, 20, 0)
	c.End()
}
