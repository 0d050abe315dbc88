package compare

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"

	"flagger.test/stack/kube"
)

// Differences lists what differs between two sets of normalised objects, one line each; left and right are the
// names of the two clusters.
func Differences(left, right string, a, b map[string]kube.Object) []string {
	d := &differ{left: left, right: right}
	for _, key := range unionOfKeys(a, b) {
		x, inA := a[key]
		y, inB := b[key]
		switch {
		case !inB:
			d.say("%s: only in %s", key, left)
		case !inA:
			d.say("%s: only in %s", key, right)
		default:
			d.walk(key, x, y)
		}
	}
	return d.lines
}

type differ struct {
	left, right string
	lines       []string
}

func (d *differ) say(format string, values ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, values...))
}

func (d *differ) walk(path string, a, b any) {
	if reflect.DeepEqual(a, b) {
		return
	}
	mapA, okA := a.(map[string]any)
	mapB, okB := b.(map[string]any)
	if okA && okB {
		for _, key := range unionOfKeys(mapA, mapB) {
			x, inA := mapA[key]
			y, inB := mapB[key]
			switch {
			case !inB:
				d.say("%s.%s: only in %s: %s", path, key, d.left, short(x))
			case !inA:
				d.say("%s.%s: only in %s: %s", path, key, d.right, short(y))
			default:
				d.walk(path+"."+key, x, y)
			}
		}
		return
	}
	listA, okA := a.([]any)
	listB, okB := b.([]any)
	if okA && okB && len(listA) == len(listB) {
		for i := range listA {
			d.walk(fmt.Sprintf("%s[%d]", path, i), listA[i], listB[i])
		}
		return
	}
	d.say("%s: %s has %s, %s has %s", path, d.left, short(a), d.right, short(b))
}

// unionOfKeys gives the keys of both maps in order.
func unionOfKeys[V any](a, b map[string]V) []string {
	seen := map[string]bool{}
	var keys []string
	for _, m := range []map[string]V{a, b} {
		for key := range m {
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	sort.Strings(keys)
	return keys
}

func short(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	if len(data) > 160 {
		return string(data[:160]) + "…"
	}
	return string(data)
}
