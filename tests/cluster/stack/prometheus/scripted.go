// Package prometheus answers instant queries as Prometheus does, with values that a test sets: what a rollout
// decides on is then known to the digit.
package prometheus

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Scripted is a server on a loopback port.
type Scripted struct {
	// Address as HOST:PORT.
	Address string

	mutex    sync.Mutex
	success  float64
	duration float64
	queries  []string
	dated    int
	server   *http.Server
}

// Start listens on a free port; at first 99.5 percent of requests succeed, in 50 milliseconds.
func Start() (*Scripted, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Scripted{Address: listener.Addr().String(), success: 99.5, duration: 50}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/query", s.query)
	mux.HandleFunc("/-/ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Prometheus Server is Ready.") })
	mux.HandleFunc("/api/v1/status/flags", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":"success","data":{}}`)
	})
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Stop closes the server.
func (s *Scripted) Stop() { _ = s.server.Close() }

// URL of the server.
func (s *Scripted) URL() string { return "http://" + s.Address }

// SetSuccess sets the success rate, percent.
func (s *Scripted) SetSuccess(percent float64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.success = percent
}

// Queries are the expressions asked so far, without probes like vector(1); dated counts those
// asked for another time than now.
func (s *Scripted) Queries() (queries []string, dated int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]string{}, s.queries...), s.dated
}

func (s *Scripted) query(w http.ResponseWriter, r *http.Request) {
	expression := r.FormValue("query")
	s.mutex.Lock()
	if !strings.HasPrefix(expression, "vector(") {
		s.queries = append(s.queries, expression)
	}
	if r.FormValue("time") != "" {
		s.dated++
	}
	value := s.success
	if strings.Contains(expression, "histogram_quantile") {
		value = s.duration
		// Of these the driver makes milliseconds itself.
		if strings.Contains(expression, "http_request_duration_seconds") {
			value /= 1000
		}
	}
	s.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if expression == "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:1: parse error: no expression found in input"}`)
		return
	}
	now := float64(time.Now().UnixMilli()) / 1000
	sample := map[string]any{"metric": map[string]any{}, "value": []any{now, strconv.FormatFloat(value, 'g', -1, 64)}}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"status": "success",
		"data":   map[string]any{"resultType": "vector", "result": []any{sample}},
	})
}
