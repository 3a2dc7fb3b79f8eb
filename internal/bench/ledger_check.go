package bench

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// checked measures the commands that prove the ledger, as processes of their own: fsck on what the engine has stored from
// Kafka, fsck of the books and verify on what the store's measurements have left.
func (l *ledgerBench) checked(ctx context.Context) error {
	var entries int64
	if err := l.db.Pool.QueryRow(ctx, "SELECT count(*) FROM entries").Scan(&entries); err != nil {
		return err
	}
	if err := l.command(ctx, "weir fsck, topics included", entries, "fsck", "--brokers", strings.Join(l.brokers, ","), "--database-url", l.dsn); err != nil {
		return err
	}
	if err := l.store.applied(ctx); err != nil {
		return err
	}
	if err := l.command(ctx, "weir fsck --books-only", l.store.posted(), "fsck", "--books-only", "--database-url", l.store.db.URL()); err != nil {
		return err
	}
	return l.command(ctx, "weir ledger verify", l.store.posted(), "ledger", "verify", "--database-url", l.store.db.URL())
}

// command runs a command of weir, which must find nothing wrong, and tells how many entries it went through in a second,
// its start included, and its peak memory.
func (l *ledgerBench) command(ctx context.Context, name string, entries int64, args ...string) error {
	var rates, peaks []int64
	for range l.Runs {
		var out bytes.Buffer
		command := exec.CommandContext(ctx, l.Engine, args...)
		command.Stdout, command.Stderr = &out, &out
		began := time.Now()
		if err := command.Start(); err != nil {
			return err
		}
		ended, peak := make(chan struct{}), make(chan int64)
		go func() { peak <- watchMemory(command.Process.Pid, ended) }()
		err := command.Wait()
		rates = append(rates, entries*int64(time.Second)/int64(time.Since(began)))
		close(ended)
		peaks = append(peaks, <-peak)
		if err != nil {
			text := out.Bytes()
			return fmt.Errorf("%s: %w: %s", name, err, text[max(0, len(text)-2000):])
		}
	}
	l.figure(fmt.Sprintf("%s, %d entries", name, entries), "entries/s", "≥ 300000", rates...)
	l.figure(name+", peak memory", "MiB", "bounded", peaks...)
	return nil
}

// watchMemory looks at a process's peak memory until it has ended.
func watchMemory(pid int, ended <-chan struct{}) (peak int64) {
	look := time.NewTicker(readyEvery)
	defer look.Stop()
	for {
		if mebibytes, err := peakMemory(pid); err == nil {
			peak = max(peak, mebibytes)
		}
		select {
		case <-look.C:
		case <-ended:
			return peak
		}
	}
}
