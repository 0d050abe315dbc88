package driver

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"
)

// watchMemory reads a process' largest resident set until it has ended, in kB. The kernel keeps the peak, so only
// what is allocated after the last look is missed.
func watchMemory(pid int, ended <-chan struct{}) int {
	peak := 0
	ticks := time.NewTicker(100 * time.Millisecond)
	defer ticks.Stop()
	for {
		peak = max(peak, peakMemory(pid))
		select {
		case <-ended:
			return peak
		case <-ticks.C:
		}
	}
}

// peakMemory is VmHWM, 0 where the process is gone. The usage that wait reports is no help: after an exec it also
// counts the memory of the parent.
func peakMemory(pid int) int {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var kB int
		if rest, found := strings.CutPrefix(lines.Text(), "VmHWM:"); found {
			if _, err := fmt.Sscan(rest, &kB); err == nil {
				return kB
			}
		}
	}
	return 0
}
