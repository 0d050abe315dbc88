package compare

import (
	"slices"
	"testing"

	"flagger.test/stack/kube"
)

func deployment(namespace, uid, image string) kube.Object {
	return kube.Object{
		"kind": "Deployment",
		"metadata": map[string]any{
			"name": "podinfo", "namespace": namespace, "uid": uid, "resourceVersion": uid,
			"annotations": map[string]any{"deployment.kubernetes.io/revision": uid},
		},
		"spec": map[string]any{"image": image},
		"status": map[string]any{"conditions": []any{
			map[string]any{"type": "Progressing", "lastUpdateTime": uid, "message": `ReplicaSet "podinfo-` + uid + `" has successfully progressed.`},
		}},
	}
}

func TestIdentitiesAndTimesAreNotCompared(t *testing.T) {
	a := Normalise([]kube.Object{deployment("shop", "5946fd965b", "podinfo:1")}, "shop")
	b := Normalise([]kube.Object{deployment("shop", "77db686c55", "podinfo:1")}, "shop")
	if differences := Differences("real", "embedded", a, b); len(differences) > 0 {
		t.Error(differences)
	}
}

func TestADifferentFieldIsNamedWithBothValues(t *testing.T) {
	a := Normalise([]kube.Object{deployment("shop", "5946fd965b", "podinfo:1")}, "shop")
	b := Normalise([]kube.Object{deployment("shop", "5946fd965b", "podinfo:2")}, "shop")
	wanted := []string{`Deployment/podinfo.spec.image: real has "podinfo:1", embedded has "podinfo:2"`}
	if differences := Differences("real", "embedded", a, b); !slices.Equal(differences, wanted) {
		t.Error(differences)
	}
}

func TestAnObjectThatOnlyOneClusterHasIsNamed(t *testing.T) {
	a := Normalise([]kube.Object{deployment("shop", "5946fd965b", "podinfo:1")}, "shop")
	wanted := []string{"Deployment/podinfo: only in real"}
	if differences := Differences("real", "embedded", a, nil); !slices.Equal(differences, wanted) {
		t.Error(differences)
	}
}

func TestObjectsOfOtherNamespacesAndKindsTakeNoPart(t *testing.T) {
	other := kube.Object{"kind": "Pod", "metadata": map[string]any{"name": "podinfo-1", "namespace": "shop"}}
	objects := Normalise([]kube.Object{deployment("cellar", "5946fd965b", "podinfo:1"), other}, "shop")
	if len(objects) != 0 {
		t.Error(objects)
	}
}
