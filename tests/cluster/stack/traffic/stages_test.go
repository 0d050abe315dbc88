package traffic

import (
	"testing"
	"time"

	"flagger.test/stack/driver"
)

var began = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return began.Add(time.Duration(seconds * float64(time.Second)))
}

func changed(seconds, weight float64) driver.Event {
	return driver.Event{At: at(seconds), Type: "traffic.changed", Data: map[string]any{"to": weight, "tookMs": 100.0}}
}

func names(stages []Stage) []string {
	var list []string
	for _, stage := range stages {
		list = append(list, stage.Name)
	}
	return list
}

func expectNames(t *testing.T, stages []Stage, wanted ...string) {
	t.Helper()
	got := names(stages)
	if len(got) != len(wanted) {
		t.Fatalf("got %q, wanted %q", got, wanted)
	}
	for i := range got {
		if got[i] != wanted[i] {
			t.Fatalf("got %q, wanted %q", got, wanted)
		}
	}
}

func TestAPromotionHasAStageForEachWeightAndForItsEnd(t *testing.T) {
	promoting := driver.Event{At: at(30), Type: "phase.changed", Weight: 20, Data: map[string]any{"to": "Promoting"}}
	run := &driver.Run{Started: began, Ended: at(50), Events: []driver.Event{changed(10, 10), changed(20, 20), promoting, changed(40, 0)}}
	expectNames(t, Stages(run), CanaryStarts, "weight 10", "weight 20", Promoting, ThrottleTail, ScaleDown)
}

func TestARollbackIsToldApartFromTheScaleDownAfterIt(t *testing.T) {
	rollback := driver.Event{At: at(20), Type: "rollback.started", Weight: 10}
	run := &driver.Run{Started: began, Ended: at(30), Events: []driver.Event{changed(10, 10), rollback, changed(21, 0)}}
	expectNames(t, Stages(run), CanaryStarts, "weight 10", Rollback, ScaleDown)
}

func TestARollbackLastsUntilTheProxyHasCertainlyTakenItOver(t *testing.T) {
	rollback := driver.Event{At: at(20), Type: "rollback.started", Weight: 10}
	run := &driver.Run{Started: began, Ended: at(30), Events: []driver.Event{changed(10, 10), rollback, changed(21, 0)}}
	stages := Stages(run)
	if after := stages[len(stages)-1].From; !after.Equal(at(21.1).Add(settling)) {
		t.Error(after)
	}
}

func TestARequestCountsWhereItWasSentAndItsShareOnlyOnceTheProxyFollowed(t *testing.T) {
	run := &driver.Run{Started: began, Ended: at(20), Events: []driver.Event{changed(10, 10)}}
	answers := []Answer{
		{Sent: at(1), Status: 200, Version: "old"},
		{Sent: at(11), Status: 200, Version: "new"}, // before the proxy followed
		{Sent: at(13.5), Status: 200, Version: "new"},
		{Sent: at(14), Status: 500, Version: "new"},
		{Sent: at(15), Status: 200, Version: "old"},
		{Sent: at(16), Status: 404},
		{Sent: at(17)},
		{Sent: at(25), Status: 502},
	}
	counts := CountStages(Stages(run), at(30), answers, "new")
	weight, after := counts[1], counts[2]
	if weight.Asked != 6 || weight.Lost != 2 || weight.Failed != 1 || weight.Measured != 3 || weight.New != 2 {
		t.Errorf("%+v", weight)
	}
	if after.Asked != 1 || after.Lost != 1 {
		t.Errorf("%+v", after)
	}
}

func TestTheToleranceNarrowsWithTheSample(t *testing.T) {
	few := Count{Stage: Stage{Weight: 50}, Measured: 400}
	many := Count{Stage: Stage{Weight: 50}, Measured: 5600}
	if few.Tolerance() != 11.25 || many.Tolerance() != 3 {
		t.Error(few.Tolerance(), many.Tolerance())
	}
}
