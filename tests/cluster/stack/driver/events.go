package driver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Event is one line of the stream; only what the tests ask about.
type Event struct {
	Seq    int            `json:"seq"`
	At     time.Time      `json:"ts"`
	Type   string         `json:"type"`
	Run    string         `json:"run"`
	Phase  string         `json:"phase"`
	Weight int            `json:"weight"`
	Msg    string         `json:"msg"`
	Data   map[string]any `json:"data"`
}

// Number is a number of the event's data, -1 where there is none.
func (e *Event) Number(key string) int {
	if number, ok := e.Data[key].(float64); ok {
		return int(number)
	}
	return -1
}

// ReadEvents reads an event file; a program that ended before its first event leaves none.
func ReadEvents(path string) ([]Event, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var events []Event
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var event Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", path, len(events)+1, err)
		}
		events = append(events, event)
	}
	return events, lines.Err()
}

// Faults names what is wrong with the stream as such: gaps, a missing last line, another exit code than the
// process had.
func (r *Run) Faults() []string {
	if len(r.Events) == 0 {
		return []string{"no events"}
	}
	var faults []string
	for i, event := range r.Events {
		if event.Seq != r.Events[0].Seq+i {
			faults = append(faults, fmt.Sprintf("event %d has seq %d", i+1, event.Seq))
			break
		}
	}
	last := r.Events[len(r.Events)-1]
	if last.Type != "run.finished" {
		faults = append(faults, "the last event is "+last.Type)
	} else if code := last.Number("exitCode"); code != r.Code {
		faults = append(faults, fmt.Sprintf("run.finished says exit code %d", code))
	}
	return faults
}

// Overhead is how much longer than that many intervals it took from the first weight to the promotion, as a ratio: what
// is left where no pods are waited for. 0 where one of the two did not happen.
func (r *Run) Overhead(intervals int, interval time.Duration) float64 {
	var first time.Time
	for _, event := range r.Events {
		switch {
		case event.Type == "traffic.changed" && first.IsZero():
			first = event.At
		case event.Type == "phase.changed" && event.Data["to"] == "Promoting" && !first.IsZero():
			return event.At.Sub(first).Seconds() / (time.Duration(intervals) * interval).Seconds()
		}
	}
	return 0
}
