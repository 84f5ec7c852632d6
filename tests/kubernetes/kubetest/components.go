package main

import (
	"os"
	"strings"

	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	nodelease "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)

// The flags of each component. All run in the state directory, so paths in it are relative.

func etcdFlags(client, peer string) []string {
	return []string{"--data-dir=etcd", "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
		"--unsafe-no-fsync", "--log-level=warn"}
}

func serverFlags(options *options, etcd string) []string {
	flags := []string{"--etcd-servers=" + etcd, "--bind-address=" + options.host, "--advertise-address=" + options.host,
		"--secure-port=" + options.port, "--tls-cert-file=pki/apiserver.crt", "--tls-private-key-file=pki/apiserver.key",
		"--cert-dir=pki", "--client-ca-file=pki/ca.crt", "--token-auth-file=pki/tokens.csv",
		"--authorization-mode=Node,RBAC", "--allow-privileged=true", "--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=pki/sa.pub",
		"--service-account-signing-key-file=pki/sa.key", "--kubelet-preferred-address-types=InternalIP,Hostname"}
	if options.isLoopback() {
		// A loopback address is refused as an endpoint of the service `kubernetes`.
		flags = append(flags, "--endpoint-reconciler-type=none")
	}
	return append(flags, strings.Fields(options.serverFlags)...)
}

func managerFlags(options *options, port string) []string {
	flags := append(clientFlags("kube-controller-manager", port), "--service-account-private-key-file=pki/sa.key",
		"--root-ca-file=pki/ca.crt", "--use-service-account-credentials=true")
	if options.hasLoopbackPods() {
		// Their EndpointSlices would be refused, and tried again and again.
		flags = append(flags, "--controllers=*,-endpoints-controller,-endpointslice-controller")
	}
	return flags
}

func clientFlags(name, port string) []string {
	identity := "pki/" + name + ".kubeconfig"
	return []string{"--kubeconfig=" + identity, "--authentication-kubeconfig=" + identity,
		"--authorization-kubeconfig=" + identity, "--leader-elect=false", "--bind-address=127.0.0.1",
		"--secure-port=" + port, "--cert-dir=pki", "--kube-api-qps=1000", "--kube-api-burst=2000"}
}

func kwokFlags(options *options, port string) []string {
	return []string{"--kubeconfig=pki/kwok.kubeconfig", "--config=pki/kwok.yaml",
		"--manage-nodes-with-label-selector=type=kwok", "--cidr=" + options.podCIDR, "--node-ip=127.0.0.1",
		"--server-address=127.0.0.1:" + port}
}

// writeKwokStages: fake nodes are Ready and renew their Leases, fake pods are Ready at once.
func writeKwokStages(path string) error {
	// Without Leases the nodes would be taken for lost after some minutes, and their pods for not Ready.
	const head = "apiVersion: config.kwok.x-k8s.io/v1alpha1\nkind: KwokConfiguration\noptions:\n" +
		"  {podPlayStageParallelism: 16, nodePlayStageParallelism: 4,\n" +
		"   nodeLeaseParallelism: 4, nodeLeaseDurationSeconds: 40}\n"
	stages := []string{head, nodefast.DefaultNodeInit, nodelease.DefaultNodeHeartbeatWithLease,
		podfast.DefaultPodReady, podfast.DefaultPodComplete, podfast.DefaultPodDelete}
	return os.WriteFile(path, []byte(strings.Join(stages, "\n---\n")), 0o600)
}
