package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

const (
	startTime  = time.Minute
	lookEvery  = 20 * time.Millisecond
	upSentence = `kubetest up [flags] [-- COMMAND...]

Starts a control plane with RBAC on, certificates and tokens of its own, and fake nodes; then runs
COMMAND with KUBECONFIG, KUBETEST_URL, KUBETEST_TOKEN, KUBETEST_CA (a PEM file) and KUBETEST_DIR in
its environment and ends with its exit code. Without COMMAND it prints these, then READY, and waits
for a signal. Everything it started ends with it; several may run side by side. When a component or
COMMAND fails, the state directory with the logs stays.

SIGUSR1 kills all of the control plane, as a power cut does; SIGUSR2 starts it again over what etcd
has in the state directory, where kubetest.pid has the process id to signal.`
)

type options struct {
	folder, host, port, serverFlags, podCIDR string
	ports                                    []string // of what only components speak to
	controllers                              bool
	nodes, gpuNodes                          int
	command                                  []string
}

func (o *options) isLoopback() bool { return net.ParseIP(o.host).IsLoopback() }

func (o *options) hasLoopbackPods() bool {
	address, _, err := net.ParseCIDR(o.podCIDR)
	return err == nil && address.IsLoopback()
}

func (o *options) url() string { return "https://" + net.JoinHostPort(o.host, o.port) }

func (o *options) identities() string { return filepath.Join(o.folder, "pki") }

func parseOptions(arguments []string) *options {
	o := &options{}
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	flags.StringVar(&o.folder, "dir", "", "state directory (default: a new one, removed at the end)")
	flags.StringVar(&o.host, "host", "127.0.0.1", "address of the API")
	flags.StringVar(&o.port, "port", "", "port of the API (default: a free one)")
	flags.BoolVar(&o.controllers, "controllers", true, "run kube-controller-manager and kube-scheduler")
	flags.IntVar(&o.nodes, "nodes", 10, "fake nodes with 64 CPUs and 256 GiB")
	flags.IntVar(&o.gpuNodes, "gpu-nodes", 2, "more of them, with 8 GPUs each")
	flags.StringVar(&o.podCIDR, "pod-cidr", "10.200.0.0/16",
		"addresses of fake pods; behind loopback ones, as 127.64.0.0/10, something may listen")
	flags.StringVar(&o.serverFlags, "server-flags", "", "more flags of kube-apiserver, separated by spaces")
	flags.Usage = func() {
		fmt.Fprintln(os.Stderr, upSentence)
		flags.PrintDefaults()
	}
	flags.Parse(arguments)
	o.command = flags.Args()
	return o
}

func up(arguments []string) int {
	runtime.LockOSThread() // children.start
	options := parseOptions(arguments)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	code, err := serve(ctx, options)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubetest:", err)
		return 1
	}
	return code
}

func serve(ctx context.Context, options *options) (code int, err error) {
	if options.folder == "" {
		if options.folder, err = os.MkdirTemp("", "kubetest-"); err != nil {
			return 0, err
		}
		defer func() {
			if code != 0 || err != nil {
				fmt.Fprintln(os.Stderr, "kubetest: the logs are in", filepath.Join(options.folder, "log"))
				return
			}
			os.RemoveAll(options.folder)
		}()
	}
	if err := prepare(options); err != nil {
		return 0, err
	}
	plane := &children{folder: options.folder, died: make(chan string, 8)}
	defer plane.stop()
	outages := make(chan os.Signal, 1)
	signal.Notify(outages, syscall.SIGUSR1, syscall.SIGUSR2)
	if err := startAll(ctx, plane, options); err != nil {
		return 0, err
	}
	commandCtx, cancel := context.WithCancel(ctx)
	ended, err := startCommand(commandCtx, options)
	defer func() {
		cancel()
		if ended != nil {
			<-ended
		}
	}()
	if err != nil {
		return 0, err
	}
	return attend(ctx, plane, options, outages, ended)
}

// attend plays outages until the end of COMMAND, of a component, or of all.
func attend(ctx context.Context, plane *children, options *options, outages <-chan os.Signal, ended <-chan error) (int, error) {
	for {
		select {
		case <-ctx.Done():
			if ended == nil {
				return 0, nil
			}
			return 0, errors.New("interrupted")
		case name := <-plane.died:
			return 0, endedError(plane, name)
		case err := <-ended:
			return exitCode(err)
		case which := <-outages:
			plane.kill()
			if which == syscall.SIGUSR1 {
				continue
			}
			if err := startAll(ctx, plane, options); err != nil {
				return 0, err
			}
		}
	}
}

// prepare makes the folders, the process id's file, identities and the ports.
func prepare(options *options) (err error) {
	if options.folder, err = filepath.Abs(options.folder); err != nil {
		return err
	}
	for _, name := range []string{"pki", "log", "etcd"} {
		if err := os.MkdirAll(filepath.Join(options.folder, name), 0o700); err != nil {
			return err
		}
	}
	if options.port == "" {
		ports, err := freePorts(options.host, 1)
		if err != nil {
			return err
		}
		options.port = ports[0]
	}
	if options.ports, err = freePorts("127.0.0.1", 5); err != nil {
		return err
	}
	pid := strconv.Itoa(os.Getpid())
	if err := os.WriteFile(filepath.Join(options.folder, "kubetest.pid"), []byte(pid), 0o600); err != nil {
		return err
	}
	if err := makeIdentities(options.identities(), net.ParseIP(options.host)); err != nil {
		return err
	}
	return writeUsers(options.identities(), options.url())
}

func startAll(ctx context.Context, plane *children, options *options) error {
	etcd, peer := "http://127.0.0.1:"+options.ports[0], "http://127.0.0.1:"+options.ports[1]
	if err := plane.start("etcd", etcdFlags(etcd, peer)); err != nil {
		return err
	}
	if err := plane.start("kube-apiserver", serverFlags(options, etcd)); err != nil {
		return err
	}
	api, err := newClient(options.url(), options.identities())
	if err != nil {
		return err
	}
	if err := waitFor(ctx, plane, api, "/readyz"); err != nil || !options.controllers {
		return err
	}
	return startControllers(ctx, plane, options, api)
}

func startControllers(ctx context.Context, plane *children, options *options, api *client) error {
	if err := writeKwokStages(filepath.Join(options.identities(), "kwok.yaml")); err != nil {
		return err
	}
	if err := dropNodeLeases(api); err != nil {
		return err
	}
	for i, component := range []struct {
		name  string
		flags []string
	}{
		{"kube-controller-manager", managerFlags(options, options.ports[2])},
		{"kube-scheduler", clientFlags("kube-scheduler", options.ports[3])},
		{"kwok", kwokFlags(options, options.ports[4])},
	} {
		if options.nodes+options.gpuNodes == 0 && i == 2 {
			break
		}
		if err := plane.start(component.name, component.flags); err != nil {
			return err
		}
	}
	if err := waitFor(ctx, plane, api, "/api/v1/namespaces/default/serviceaccounts/default"); err != nil {
		return err
	}
	return makeNodes(api, options.nodes, options.gpuNodes)
}

func waitFor(ctx context.Context, plane *children, api *client, path string) error {
	deadline := time.After(startTime)
	for !api.isThere(path) {
		select {
		case name := <-plane.died:
			return endedError(plane, name)
		case <-ctx.Done():
			return errors.New("interrupted")
		case <-deadline:
			return fmt.Errorf("no %s within %v; see %s/log", path, startTime, plane.folder)
		case <-time.After(lookEvery):
		}
	}
	return nil
}

func endedError(plane *children, name string) error {
	log := filepath.Join(plane.folder, "log", name+".log")
	text, _ := os.ReadFile(log)
	return fmt.Errorf("%s ended; %s:\n%s", name, log, text[max(0, len(text)-2000):])
}

func environment(options *options) []string {
	return []string{"KUBETEST_DIR=" + options.folder, "KUBETEST_URL=" + options.url(), "KUBETEST_TOKEN=admin-token",
		"KUBETEST_CA=" + filepath.Join(options.identities(), "ca.crt"),
		"KUBECONFIG=" + filepath.Join(options.identities(), "admin.kubeconfig")}
}

// startCommand sends what COMMAND ends with, once, and closes the channel. COMMAND ends with ctx.
// Without COMMAND it prints where things are, and there is no channel.
func startCommand(ctx context.Context, options *options) (<-chan error, error) {
	if len(options.command) == 0 {
		for _, line := range append(environment(options), "READY") {
			fmt.Println(line)
		}
		return nil, nil
	}
	command := exec.CommandContext(ctx, options.command[0], options.command[1:]...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = time.Minute
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = append(os.Environ(), environment(options)...)
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		ended <- command.Wait()
	}()
	return ended, nil
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(1, exit.ExitCode()), nil
	}
	return 0, err
}

// freePorts are free now; whoever takes one first has it.
func freePorts(host string, count int) ([]string, error) {
	ports := make([]string, count)
	for i := range ports {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, err
		}
		defer listener.Close() // only at the end, so that no port comes twice
		ports[i] = strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
