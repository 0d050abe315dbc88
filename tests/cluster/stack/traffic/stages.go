package traffic

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"

	"flagger.test/stack/driver"
)

// Stage of a rollout, from From to the next stage.
type Stage struct {
	Name string
	From time.Time
	// Weight is the canary's planned share, percent.
	Weight int
	// Steady is when the proxy has certainly taken the weight over; zero where the share is in motion.
	Steady time.Time
}

// settling is how long the proxy may take to follow a route or the endpoints: its throttle of 2 s, and some for
// reading them on a busy machine.
const settling = 3 * time.Second

// Names of the stages that have no weight of their own.
const (
	// CanaryStarts lasts from the program's start until the first weight is written.
	CanaryStarts = "canary starts"
	// Rollback lasts from the decision until the proxy has certainly taken the route to the primary over.
	Rollback = "rollback"
	// Promoting lasts from the end of the analysis until the route to the primary is written: meanwhile the
	// primary's pods are replaced, and a part of the traffic is on them.
	Promoting = "primary's pods replaced"
	// ThrottleTail is what follows: until its throttle is over the proxy holds the list of pods, and the weights,
	// that it had while the last of the primary's old pods left.
	ThrottleTail = "after it, proxy's throttle"
	// ScaleDown lasts from there over drain and scale-down to the end of the load.
	ScaleDown = "drain and scale-down"
)

// Stages of a run of the program, read from its events.
func Stages(run *driver.Run) []Stage {
	stages := []Stage{{Name: CanaryStarts, From: run.Started}}
	add := func(name string, from time.Time, weight int) *Stage {
		stages = append(stages, Stage{Name: name, From: from, Weight: weight})
		return &stages[len(stages)-1]
	}
	for _, event := range run.Events {
		last := stages[len(stages)-1].Name
		switch event.Type {
		case "traffic.changed":
			weight := event.Number("to")
			taken := event.At.Add(time.Duration(max(0, event.Number("tookMs"))) * time.Millisecond)
			switch {
			case weight > 0:
				add(fmt.Sprintf("weight %d", weight), event.At, weight).Steady = taken.Add(settling)
			case last == Rollback:
				add(ScaleDown, taken.Add(settling), 0)
			case last == Promoting:
				add(ThrottleTail, event.At, 0)
				add(ScaleDown, taken.Add(settling), 0)
			}
		case "phase.changed":
			if event.Data["to"] == "Promoting" {
				add(Promoting, event.At, event.Weight)
			}
		case "rollback.started":
			add(Rollback, event.At, event.Weight)
		}
	}
	if stages[len(stages)-1].Name != ScaleDown {
		add(ScaleDown, run.Ended, 0)
	}
	return stages
}

// Count is what happened to the requests sent in one stage.
type Count struct {
	Stage
	Seconds float64
	Asked   int
	Lost    int
	Failed  int // answers 500: the version's own errors
	// Steady answers by any version, and by the new one, after the proxy had taken the weight over.
	Measured int
	New      int
}

// Share of the new version among the measured answers, percent.
func (c *Count) Share() float64 { return 100 * float64(c.New) / float64(max(1, c.Measured)) }

// Tolerance of a measured share: 4.5 standard deviations of the sample, or 3 points with at least 5,600 requests.
func (c *Count) Tolerance() float64 {
	if c.Measured >= 5600 {
		return 3
	}
	p := float64(c.Weight) / 100
	return 100 * 4.5 * math.Sqrt(p*(1-p)/float64(max(1, c.Measured)))
}

// CountStages sorts answers into stages; the last stage lasts until end.
func CountStages(stages []Stage, end time.Time, answers []Answer, newVersion string) []Count {
	var counts []Count
	for i, stage := range stages {
		until := end
		if i+1 < len(stages) {
			until = stages[i+1].From
		}
		count := Count{Stage: stage, Seconds: until.Sub(stage.From).Seconds()}
		for _, answer := range answers {
			if answer.Sent.Before(stage.From) || !answer.Sent.Before(until) {
				continue
			}
			count.Asked++
			switch {
			case answer.Lost():
				count.Lost++
			case answer.Status == 500:
				count.Failed++
			}
			if !stage.Steady.IsZero() && !answer.Sent.Before(stage.Steady) && !answer.Lost() {
				count.Measured++
				if answer.Version == newVersion {
					count.New++
				}
			}
		}
		counts = append(counts, count)
	}
	return counts
}

// Write prints the counts as a table.
func Write(w io.Writer, counts []Count) {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "STAGE\tSECONDS\tREQUESTS\tLOST\tERRORS\tSHARE\tTOLERANCE")
	for _, c := range counts {
		share, tolerance := "", ""
		if !c.Steady.IsZero() {
			share = fmt.Sprintf("%.1f %% of %d", c.Share(), c.Measured)
			tolerance = fmt.Sprintf("%d ± %.1f", c.Weight, c.Tolerance())
		}
		fmt.Fprintf(table, "%s\t%.1f\t%d\t%d\t%d\t%s\t%s\n", c.Name, c.Seconds, c.Asked, c.Lost, c.Failed, share, tolerance)
	}
	_ = table.Flush()
}
