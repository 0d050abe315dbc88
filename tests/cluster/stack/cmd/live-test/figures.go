package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"flagger.test/stack/driver"
	"flagger.test/stack/report"
	"flagger.test/stack/traffic"
)

// figures collects what all runs measured. It is safe to fill from several goroutines.
type figures struct {
	// groups in the order in which they are shown.
	groups []string

	mutex sync.Mutex
	rows  []row
	// Seconds by router.
	promoted, rolledBack, exposed map[string][]float64
	failed                        []float64 // answers 500 that users got in a run with a bad version
	peaks                         []float64 // MB
	late                          []time.Duration
}

// row is one stage of the runs of one kind.
type row struct {
	group, stage         string
	runs, requests, lost int
}

// stageOrder is the order of the table's rows; all weights are one stage there.
var stageOrder = []string{
	takeover, handover, analysis, traffic.Rollback, traffic.Promoting, traffic.ThrottleTail, traffic.ScaleDown,
}

const analysis = "analysis"

// count adds the stages of a part of one run.
func (f *figures) count(l *liveCase, counts []traffic.Count) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	seen := map[string]bool{}
	for _, count := range counts {
		stage := count.Name
		if stage == traffic.CanaryStarts || count.Weight > 0 && !count.Steady.IsZero() {
			stage = analysis
		}
		at := slices.IndexFunc(f.rows, func(r row) bool { return r.group == l.group() && r.stage == stage })
		if at < 0 {
			at = len(f.rows)
			f.rows = append(f.rows, row{group: l.group(), stage: stage})
		}
		if !seen[stage] {
			seen[stage] = true
			f.rows[at].runs++
		}
		f.rows[at].requests += count.Asked
		f.rows[at].lost += count.Lost
	}
}

// rollout adds the times of a rollout whose change was made at changed.
func (f *figures) rollout(l *liveCase, run *driver.Run, changed time.Time, answers []traffic.Answer) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.promoted == nil {
		f.promoted, f.rolledBack, f.exposed = map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
	}
	router := l.router.provider()
	f.peaks = append(f.peaks, float64(run.PeakMemory)/1024)
	took := run.Ended.Sub(changed).Seconds()
	if !l.bad() {
		f.promoted[router] = append(f.promoted[router], took)
		return
	}
	f.rolledBack[router] = append(f.rolledBack[router], took)
	var firstFailed, lastBad time.Time
	failed := 0
	for _, answer := range answers {
		if answer.Version == badVersion {
			lastBad = answer.Sent
		}
		if answer.Status == 500 {
			failed++
			if firstFailed.IsZero() {
				firstFailed = answer.Sent
			}
		}
	}
	f.failed = append(f.failed, float64(failed))
	if failed > 0 {
		f.exposed[router] = append(f.exposed[router], lastBad.Sub(firstFailed).Seconds())
	}
}

// sent adds how far behind its schedule the load was.
func (f *figures) sent(answers []traffic.Answer) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, answer := range answers {
		f.late = append(f.late, answer.Late)
	}
}

// sorted are the rows by group, each group's stages in their order.
func (f *figures) sorted() []row {
	rows := slices.Clone(f.rows)
	slices.SortFunc(rows, func(a, b row) int {
		if a.group != b.group {
			return slices.Index(f.groups, a.group) - slices.Index(f.groups, b.group)
		}
		return slices.Index(stageOrder, a.stage) - slices.Index(stageOrder, b.stage)
	})
	return rows
}

// describe appends the table and the figures to the report.
func (f *figures) describe(verdicts *report.Report) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var text bytes.Buffer
	table := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "CASE\tSTAGE\tRUNS\tREQUESTS\tLOST")
	for _, r := range f.sorted() {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\n", r.group, r.stage, r.runs, r.requests, r.lost)
	}
	_ = table.Flush()
	verdicts.Append(text.String())
	text.Reset()
	table = tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "FIGURE\tMEASURED\tFLAGGER 1.44")
	for _, line := range f.lines() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", line.what, line.measured, line.flagger)
	}
	_ = table.Flush()
	verdicts.Append(text.String())
	if len(f.late) > 0 {
		slices.Sort(f.late)
		late, _ := slices.BinarySearch(f.late, time.Second/rate)
		late = len(f.late) - late
		verdicts.Append(fmt.Sprintf("load: %d requests, %.2f %% sent later than the %d ms between two; median %.1f ms late, 99 %% within %.1f, worst %.0f",
			len(f.late), 100*float64(late)/float64(len(f.late)), 1000/rate,
			milliseconds(f.late[len(f.late)/2]), milliseconds(f.late[len(f.late)*99/100]), milliseconds(f.late[len(f.late)-1])))
	}
}

// figure is one line beside the table of lost requests.
type figure struct{ what, measured, flagger string }

// lines gives the times and the memory. Flagger's figures were measured with this stack, the same Canary and the
// same load.
func (f *figures) lines() []figure {
	var lines []figure
	add := func(what, unit, flagger string, values []float64) {
		if len(values) > 0 {
			slices.Sort(values)
			measured := fmt.Sprintf("%.1f–%.1f %s (median %.1f of %d)", values[0], values[len(values)-1], unit, values[len(values)/2], len(values))
			lines = append(lines, figure{what, measured, flagger})
		}
	}
	for _, r := range []router{traefik{}, gateway{}} {
		name := r.provider()
		add(name+", bad version: first failed request → all traffic on the primary", "s", "27.2–29.8 s", f.exposed[name])
		add(name+", bad version: change → Failed, drained and scaled down", "s", "45 s", f.rolledBack[name])
		add(name+", good version: change → Succeeded, drained and scaled down", "s", "84–90 s", f.promoted[name])
	}
	add("failed answers that reached users", "of one run", "31–52", f.failed)
	add("resident memory at its peak (VmHWM)", "MB", "57–62 MB", f.peaks)
	return lines
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// The block of the page that belongs to this test.
const (
	blockBegins = "<!-- lost requests: written by `tests/live/run.sh --write-readme` -->\n"
	blockEnds   = "<!-- end of lost requests -->\n"
)

// writeInto replaces the block of a page with the tables.
func (f *figures) writeInto(path string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(page), blockBegins)
	_, after, ends := strings.Cut(rest, blockEnds)
	if !begins || !ends {
		return errors.New(path + " has no block of lost requests")
	}
	return os.WriteFile(path, []byte(before+blockBegins+f.markdown()+blockEnds+after), 0o644)
}

func (f *figures) markdown() string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var text strings.Builder
	fmt.Fprintf(&text, "Measured on %d cores, %d requests in all:\n\n", runtime.NumCPU(), len(f.late))
	text.WriteString("| Case | Stage | Runs | Requests | Lost |\n|---|---|--:|--:|--:|\n")
	group := ""
	for _, r := range f.sorted() {
		shown := ""
		if r.group != group {
			group, shown = r.group, r.group
		}
		fmt.Fprintf(&text, "| %s | %s | %d | %d | %d |\n", shown, r.stage, r.runs, r.requests, r.lost)
	}
	text.WriteString("\n| Figure | Measured | Flagger 1.44 |\n|---|---|---|\n")
	for _, line := range f.lines() {
		fmt.Fprintf(&text, "| %s | %s | %s |\n", line.what, line.measured, line.flagger)
	}
	return text.String()
}
