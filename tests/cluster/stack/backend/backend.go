// Package backend serves real HTTP on the addresses of pods: the body tells the version, and faults follow from
// the image's tag.
package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"flagger.test/stack/kube"
)

// Fault is what is wrong with a version.
type Fault struct {
	// ErrorPercent of its answers are status 500.
	ErrorPercent int64
	// Latency before each answer.
	Latency time.Duration
}

// Fleet serves the pods of an application.
type Fleet struct {
	// Port of the application's container.
	Port int
	// Faults by image tag; a tag that is not listed is well.
	Faults map[string]Fault
}

// VersionOf is the tag of a pod's first image.
func VersionOf(pod kube.Object) string {
	containers := kube.Items(pod, "spec", "containers")
	if len(containers) == 0 {
		return ""
	}
	return Tag(kube.Text(containers[0], "image"))
}

// Tag of an image without a registry's port.
func Tag(image string) string {
	_, tag, _ := strings.Cut(image, ":")
	return tag
}

// Serve listens on a pod's address. Stopping lets answers in flight end.
func (f *Fleet) Serve(pod kube.Object, address string) (stop func(), err error) {
	version := VersionOf(pod)
	fault := f.Faults[version]
	var asked atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if fault.Latency > 0 {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(fault.Latency):
			}
		}
		w.Header().Set("X-Version", version)
		// Errors are spread evenly: exactly ErrorPercent of any hundred answers in a row.
		if n*fault.ErrorPercent/100 != (n-1)*fault.ErrorPercent/100 {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprintln(w, version)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", address, f.Port))
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(handler), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Println("backend", address, err)
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	}, nil
}
