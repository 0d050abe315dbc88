// Package kube is a small client of the Kubernetes API: objects are plain JSON maps, so that a test sees what
// the server stores and nothing is dropped by a typed structure.
package kube

import "encoding/json"

// Object is one Kubernetes object, or a part of one, as JSON.
type Object = map[string]any

// At walks nested maps and gives what lies at the end of path, nil where something is missing.
func At(o Object, path ...string) any {
	var value any = o
	for _, key := range path {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = inner[key]
	}
	return value
}

// Text is the string at path, empty where there is none.
func Text(o Object, path ...string) string {
	text, _ := At(o, path...).(string)
	return text
}

// Number is the number at path, fallback where there is none.
func Number(o Object, fallback int, path ...string) int {
	if number, ok := At(o, path...).(float64); ok {
		return int(number)
	}
	return fallback
}

// Map is the object at path, nil where there is none.
func Map(o Object, path ...string) Object {
	inner, _ := At(o, path...).(map[string]any)
	return inner
}

// Items are the objects of the list at path.
func Items(o Object, path ...string) []Object {
	list, _ := At(o, path...).([]any)
	var items []Object
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			items = append(items, object)
		}
	}
	return items
}

// Name is metadata.name.
func Name(o Object) string { return Text(o, "metadata", "name") }

// Namespace is metadata.namespace.
func Namespace(o Object) string { return Text(o, "metadata", "namespace") }

// Copy is a deep copy.
func Copy(o Object) Object {
	var copied Object
	data, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(data, &copied)
	}
	if err != nil {
		panic("an object read from JSON is JSON: " + err.Error())
	}
	return copied
}
