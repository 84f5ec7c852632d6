package main

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// fakeNode is one that KWOK plays. A Node's status is taken on create.
func fakeNode(name string, gpus int) ([]byte, error) {
	capacity := map[string]string{"cpu": "64", "memory": "256Gi", "pods": "1000"}
	if gpus > 0 {
		capacity["nvidia.com/gpu"] = fmt.Sprint(gpus)
	}
	return json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{
			"name":        name,
			"labels":      map[string]string{"type": "kwok", "kubernetes.io/hostname": name},
			"annotations": map[string]string{"kwok.x-k8s.io/node": "fake"},
		},
		"status": map[string]any{"capacity": capacity, "allocatable": capacity},
	})
}

// makeNodes makes node-0, node-1, ... and gpu-node-0, ... with 8 GPUs each.
func makeNodes(api *client, plain, withGPUs int) error {
	for i := range plain + withGPUs {
		name, gpus := fmt.Sprintf("node-%d", i), 0
		if i >= plain {
			name, gpus = fmt.Sprintf("gpu-node-%d", i-plain), 8
		}
		body, err := fakeNode(name, gpus)
		if err != nil {
			return err
		}
		if err := api.create("/api/v1/nodes", body); err != nil {
			return err
		}
	}
	return nil
}

// dropNodeLeases: KWOK plays no pods of a node whose Lease is there before it.
func dropNodeLeases(api *client) error {
	status, text, err := api.send(http.MethodDelete,
		"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the nodes' leases: HTTP %d: %s", status, text)
	}
	return err
}
