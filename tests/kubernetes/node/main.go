// Node is what a Kubernetes node runs beside containerd, in one binary: kubelet, kube-proxy and
// CoreDNS, picked by the name it is called by or by its first argument.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	if code, ok := run(filepath.Base(os.Args[0])); ok {
		os.Exit(code)
	}
	if len(os.Args) > 1 {
		os.Args = os.Args[1:]
		if code, ok := run(os.Args[0]); ok {
			os.Exit(code)
		}
	}
	fmt.Fprintln(os.Stderr, "usage: node kubelet|kube-proxy|coredns [flags]")
	os.Exit(2)
}

// The exit code of the component that os.Args[0] names, and whether it names one.
func run(name string) (int, bool) {
	switch name {
	case "kubelet":
		return cli.Run(kubelet.NewKubeletCommand(context.Background())), true
	case "kube-proxy":
		return cli.Run(proxy.NewProxyCommand()), true
	case "coredns":
		dnsserver.Directives = []string{"bind", "errors", "kubernetes"}
		coremain.Run()
		return 0, true
	}
	return 0, false
}
