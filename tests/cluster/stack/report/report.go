// Package report collects the verdicts of a test run and prints them.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// Report is safe to fill from several goroutines; cases are printed by subject, what stands before the colon,
// and then in the order in which they began.
type Report struct {
	mutex    sync.Mutex
	cases    []*Case
	appendix []string
}

// Append adds a text that is printed below the cases.
func (r *Report) Append(text string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.appendix = append(r.appendix, strings.TrimRight(text, "\n"))
}

// Case is one thing that had to be so.
type Case struct {
	Name   string
	Code   string
	Took   time.Duration
	faults []string
	notes  []string
	ended  bool
}

// Begin adds a case; it has failed until it is ended.
func (r *Report) Begin(name string) *Case {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	c := &Case{Name: name, Code: "-"}
	r.cases = append(r.cases, c)
	return c
}

func (c *Case) subject() string {
	subject, _, _ := strings.Cut(c.Name, ":")
	return subject
}

// Ran notes exit code and duration of the program the case is about.
func (c *Case) Ran(code int, took time.Duration) { c.Code, c.Took = fmt.Sprint(code), took }

// Expect notes a fault unless holds.
func (c *Case) Expect(holds bool, format string, values ...any) {
	if !holds {
		c.faults = append(c.faults, fmt.Sprintf(format, values...))
	}
}

// Fail notes an error, where there is one, and says whether there was.
func (c *Case) Fail(err error) bool {
	if err != nil {
		c.faults = append(c.faults, err.Error())
	}
	return err != nil
}

// Add notes faults found elsewhere.
func (c *Case) Add(faults []string) { c.faults = append(c.faults, faults...) }

// Note adds a line that is printed whatever the verdict.
func (c *Case) Note(format string, values ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, values...))
}

// End closes the case.
func (c *Case) End() { c.ended = true }

// Passed says whether the case ended without a fault.
func (c *Case) Passed() bool { return c.ended && len(c.faults) == 0 }

// Print writes the table, the faults and what was appended below it and, as its last line, the sum. It gives the number of failures.
func (r *Report) Print(w io.Writer) int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	slices.SortStableFunc(r.cases, func(a, b *Case) int { return strings.Compare(a.subject(), b.subject()) })
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "CASE\tEXIT\tSECONDS\tVERDICT")
	failed := 0
	for _, c := range r.cases {
		verdict := "passed"
		if !c.Passed() {
			verdict = "FAILED"
			failed++
		}
		fmt.Fprintf(table, "%s\t%s\t%.1f\t%s\n", c.Name, c.Code, c.Took.Seconds(), verdict)
	}
	_ = table.Flush()
	for _, c := range r.cases {
		lines := append([]string{}, c.notes...)
		if !c.ended {
			lines = append(lines, "did not come to its end")
		}
		lines = append(lines, c.faults...)
		if len(lines) > 0 {
			fmt.Fprintf(w, "\n%s:\n  %s\n", c.Name, strings.ReplaceAll(strings.Join(lines, "\n"), "\n", "\n  "))
		}
	}
	for _, text := range r.appendix {
		fmt.Fprintf(w, "\n%s\n", text)
	}
	fmt.Fprintf(w, "\n%d passed, %d failed\n", len(r.cases)-failed, failed)
	return failed
}
