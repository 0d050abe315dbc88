// Package driver runs the program under test and reads the stream of events it wrote.
package driver

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Driver is the program under test.
type Driver struct {
	// Binary is the path of kubectl-flagger.
	Binary string
	// Dir receives the output and the events of every run.
	Dir string
}

// Run is one run of the program that has ended.
type Run struct {
	Name    string
	Code    int
	Started time.Time
	Ended   time.Time
	Stdout  string
	Stderr  string
	Events  []Event
	// PeakMemory is the largest resident set (VmHWM), in kB; 0 where the program ended before it was read.
	PeakMemory int
}

// Took is how long the program ran.
func (r *Run) Took() time.Duration { return r.Ended.Sub(r.Started) }

// Promote runs the verb promote with an event file; name tells the run's files apart. When ctx ends, the program
// is asked to end too (TERM), and how it did is what counts.
func (d *Driver) Promote(ctx context.Context, name string, arguments ...string) (*Run, error) {
	events := filepath.Join(d.Dir, name+".events.ndjson")
	run, err := d.run(ctx, name, append([]string{"promote"}, append(arguments, "--events", events)...))
	if err != nil {
		return nil, err
	}
	run.Events, err = ReadEvents(events)
	return run, err
}

func (d *Driver) run(ctx context.Context, name string, arguments []string) (*Run, error) {
	home := filepath.Join(d.Dir, "home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, d.Binary, arguments...)
	// Nothing of the machine reaches the program: no configuration, no CI variables, no kubeconfig.
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "NO_COLOR=1", "TMPDIR=" + os.TempDir()}
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 30 * time.Second // it may still have to put the users on the safe side
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	run := &Run{Name: name, Started: time.Now()}
	err := command.Start()
	if err == nil {
		ended := make(chan struct{})
		peak := make(chan int)
		go func() { peak <- watchMemory(command.Process.Pid, ended) }()
		err = command.Wait()
		close(ended)
		run.PeakMemory = <-peak
	}
	run.Ended, run.Stdout, run.Stderr = time.Now(), stdout.String(), stderr.String()
	text := fmt.Sprintf("$ %s\n%s--- stderr\n%s--- %v\n", command, run.Stdout, run.Stderr, command.ProcessState)
	if err := os.WriteFile(filepath.Join(d.Dir, name+".txt"), []byte(text), 0o600); err != nil {
		return nil, err
	}
	if command.ProcessState == nil {
		return nil, err
	}
	run.Code = command.ProcessState.ExitCode()
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		run.Code = 128 + int(status.Signal()) // as a shell says it
	}
	return run, nil
}
