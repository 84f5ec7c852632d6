package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

const stopTime = 3 * time.Second

// children are the components, each a process group of its own that ends with this process.
type children struct {
	folder  string
	died    chan string // names, as they end
	running []child
}

type child struct {
	process *os.Process
	ended   chan struct{}
	killed  *atomic.Bool // by kill: its end is no failure
}

// start writes `<name>.pid` and log/`<name>.log` in the state directory. It must be called from one
// locked thread: the kernel sends the death signal when the thread that forked ends.
func (c *children) start(name string, flags []string) error {
	log, err := os.OpenFile(filepath.Join(c.folder, "log", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := &exec.Cmd{Path: "/proc/self/exe", Args: append([]string{name}, flags...), Dir: c.folder,
		Stdout: log, Stderr: log, SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}}
	if err := command.Start(); err != nil {
		return err
	}
	started := child{command.Process, make(chan struct{}), &atomic.Bool{}}
	c.running = append(c.running, started)
	go func() {
		command.Wait()
		close(started.ended)
		if !started.killed.Load() {
			c.died <- name
		}
	}()
	pid := strconv.Itoa(command.Process.Pid)
	return os.WriteFile(filepath.Join(c.folder, name+".pid"), []byte(pid), 0o600)
}

// kill ends all at once; they may be started again.
func (c *children) kill() {
	for _, child := range c.running {
		child.killed.Store(true)
		child.process.Kill()
	}
	for _, child := range c.running {
		<-child.ended
	}
	c.running = nil
}

// stop ends them in the opposite order.
func (c *children) stop() {
	for i := len(c.running) - 1; i >= 0; i-- {
		c.running[i].process.Signal(syscall.SIGTERM)
		select {
		case <-c.running[i].ended:
		case <-time.After(stopTime):
			c.running[i].process.Kill()
			<-c.running[i].ended
		}
	}
}
