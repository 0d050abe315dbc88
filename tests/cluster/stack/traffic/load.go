// Package traffic sends requests at a fixed rate, whatever the answers, and counts what came back by version,
// status and stage of a rollout.
package traffic

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Load asks one host, through one proxy address, Rate times a second; each request has its own connection.
type Load struct {
	// Address of the proxy, HOST:PORT.
	Address string
	// Host header.
	Host string
	// Rate in requests per second.
	Rate int

	mutex   sync.Mutex
	answers []Answer
}

// Answer to one request.
type Answer struct {
	Sent    time.Time
	Late    time.Duration // how long after its time in the schedule it was sent
	Status  int           // 0 where the connection failed
	Version string
	Error   string
}

// Lost says whether no version answered: the user saw the rollout instead.
func (a Answer) Lost() bool {
	switch a.Status {
	case 0, http.StatusNotFound, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Run sends until ctx ends and then waits for the last answers.
func (l *Load) Run(ctx context.Context) {
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true},
		Timeout:   10 * time.Second,
	}
	var group sync.WaitGroup
	defer group.Wait()
	// The schedule is absolute: a late tick is made up for, so that the rate holds on a busy machine.
	began := time.Now()
	for n := 0; ; n++ {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(l.Rate))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		group.Go(func() {
			answer := l.ask(client, due)
			l.mutex.Lock()
			defer l.mutex.Unlock()
			l.answers = append(l.answers, answer)
		})
	}
}

func (l *Load) ask(client *http.Client, due time.Time) Answer {
	now := time.Now()
	answer := Answer{Sent: now, Late: now.Sub(due)}
	request, err := http.NewRequest(http.MethodGet, "http://"+l.Address+"/", nil)
	if err != nil {
		answer.Error = err.Error()
		return answer
	}
	request.Host = l.Host
	response, err := client.Do(request)
	if err != nil {
		answer.Error = err.Error()
		return answer
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		answer.Error = err.Error()
		return answer
	}
	answer.Status = response.StatusCode
	if !answer.Lost() {
		answer.Version = strings.TrimSpace(string(body))
	}
	return answer
}

// Answers so far, in the order in which they were asked for.
func (l *Load) Answers() []Answer {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	answers := append([]Answer{}, l.answers...)
	sort.Slice(answers, func(i, j int) bool { return answers[i].Sent.Before(answers[j].Sent) })
	return answers
}

// WriteLost writes when each lost request was sent, and what came instead of an answer, as CSV.
func WriteLost(path string, answers []Answer) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	rows := [][]string{{"sent", "status", "error"}}
	for _, answer := range answers {
		if answer.Lost() {
			rows = append(rows, []string{answer.Sent.UTC().Format(time.RFC3339Nano), strconv.Itoa(answer.Status), answer.Error})
		}
	}
	return csv.NewWriter(file).WriteAll(rows)
}

// WriteSeconds writes the number of answers per second, version and status as CSV.
func WriteSeconds(path string, answers []Answer) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	type row struct {
		second  int64
		version string
		status  int
	}
	counts := map[row]int{}
	for _, answer := range answers {
		counts[row{answer.Sent.Unix(), answer.Version, answer.Status}]++
	}
	var rows [][]string
	for key, count := range counts {
		second := time.Unix(key.second, 0).UTC().Format(time.RFC3339)
		rows = append(rows, []string{second, key.version, strconv.Itoa(key.status), strconv.Itoa(count)})
	}
	sort.Slice(rows, func(i, j int) bool { return fmt.Sprint(rows[i]) < fmt.Sprint(rows[j]) })
	writer := csv.NewWriter(file)
	return writer.WriteAll(append([][]string{{"second", "version", "status", "answers"}}, rows...))
}
