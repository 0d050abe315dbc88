package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Change is what a watch tells about one object.
type Change struct {
	// Type is ADDED, MODIFIED or DELETED, as in the API.
	Type   string
	Object Object
}

// Follow lists a collection and then watches it, calling handle one change at a time until ctx ends. A broken
// watch is opened again from a fresh list, so handle may see an object as ADDED more than once; a deletion
// that fell into the gap is told as DELETED with the object as it was last seen.
func (c *Client) Follow(ctx context.Context, path string, handle func(Change)) {
	known := map[string]Object{}
	for ctx.Err() == nil {
		list, err := c.Get(ctx, path)
		if err != nil {
			pause(ctx)
			continue
		}
		present := map[string]bool{}
		for _, object := range Items(list, "items") {
			uid := Text(object, "metadata", "uid")
			present[uid] = true
			known[uid] = object
			handle(Change{Type: "ADDED", Object: object})
		}
		for uid, object := range known {
			if !present[uid] {
				delete(known, uid)
				handle(Change{Type: "DELETED", Object: object})
			}
		}
		c.watch(ctx, path, Text(list, "metadata", "resourceVersion"), known, handle)
	}
}

// watch reads one stream of changes to its end.
func (c *Client) watch(ctx context.Context, path, version string, known map[string]Object, handle func(Change)) {
	response, err := c.open(ctx, http.MethodGet, path+"?watch=true&resourceVersion="+version, "", nil)
	if err != nil {
		pause(ctx)
		return
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	for {
		var change struct {
			Type   string `json:"type"`
			Object Object `json:"object"`
		}
		if decoder.Decode(&change) != nil || change.Type == "ERROR" {
			return
		}
		uid := Text(change.Object, "metadata", "uid")
		if change.Type == "DELETED" {
			delete(known, uid)
		} else {
			known[uid] = change.Object
		}
		handle(Change{Type: change.Type, Object: change.Object})
	}
}

// pause keeps a client that cannot reach its server from asking without end.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(200 * time.Millisecond):
	}
}

// Poll asks until the question is answered with yes, or gives the last error when the time is over.
func Poll(ctx context.Context, limit time.Duration, question func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		yes, err := question()
		if yes {
			return nil
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = ctx.Err()
			}
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}
