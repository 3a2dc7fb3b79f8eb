package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// TestABrokerThatCannotEndATransactionHalts ends a transaction on a disk that has no room for all of the markers. Readers see
// it neither then nor after a restart, unless it was committed, and then all of it, once.
func TestABrokerThatCannotEndATransactionHalts(t *testing.T) {
	for _, c := range []struct {
		name string
		full []string // topics
		end  kgo.TransactionEndTry
		want []string
	}{
		{"abort, no room for one marker", []string{topics.Events}, kgo.TryAbort, []string{"0 next"}},
		{"abort, no room", outputs(), kgo.TryAbort, []string{"0 next"}},
		{"commit, no room for one marker", []string{topics.Events}, kgo.TryCommit, []string{"0 ended", "0 next"}},
		{"commit, no room", outputs(), kgo.TryCommit, []string{"0 next"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
			embedded, err := StartEmbedded(dir, 0, log)
			if err != nil {
				t.Fatal(err)
			}
			applyTopics(t, embedded)
			client := transactional(t, embedded)
			transact(t, client, "ended")
			for _, topic := range c.full {
				fillDisk(t, dir, topic)
			}
			end, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- client.EndTransaction(end, c.end) }()
			limited, cancel := context.WithTimeout(t.Context(), readLimit)
			defer cancel()
			if err := embedded.Wait(limited); !errors.Is(err, errHalted) {
				t.Fatalf("the broker goes on, %v", err)
			}
			silent, err := kgo.NewClient(append(Config{Brokers: embedded.Brokers}.Options(log), kgo.RequestRetries(0))...)
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			if err := silent.Ping(t.Context()); err == nil {
				t.Error("it answers, and would show what it takes for ended")
			}
			stop()
			if err := <-ended; err == nil {
				t.Error("the end of the transaction was acknowledged")
			}
			if err := embedded.Close(); err != nil {
				t.Fatal(err)
			}
			embedded = startOnImage(t, dir) // there is room again
			client = transactional(t, embedded)
			transact(t, client, "next")
			if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
				t.Fatal(err)
			}
			for _, topic := range outputs() {
				if got := readCommitted(t, embedded, topic); !slices.Equal(got, c.want) {
					t.Errorf("topic %s holds %q, want %q", topic, got, c.want)
				}
			}
		})
	}
}

// fillDisk has what a broker of this process writes to a topic's first partition from now on find no room.
func fillDisk(t *testing.T, dir, topic string) {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	segment, err := filepath.EvalSymlinks(filepath.Join(dir, "partitions", topic+"-0", "0.dat"))
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	filled := false
	for _, entry := range open {
		target, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name()))
		if err != nil || target != segment {
			continue
		}
		var number int
		if _, err := fmt.Sscan(entry.Name(), &number); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Dup3(int(full.Fd()), number, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		filled = true
	}
	if !filled {
		t.Fatalf("the broker does not hold %s", segment)
	}
}

// TestAStateThatIsNotSavedWholeIsNotBelieved stops a broker that cannot save its state: the next start does as after a kill.
func TestAStateThatIsNotSavedWholeIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	embedded, err := StartEmbedded(dir, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	applyTopics(t, embedded)
	transact(t, transactional(t, embedded), "open")
	taken := filepath.Join(dir, "pids.log.tmp")
	if err := os.Mkdir(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := embedded.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(taken); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{cleanStop, sequences} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left to the next start: %v", name, err)
		}
	}
	embedded = startOnImage(t, dir)
	client := transactional(t, embedded)
	transact(t, client, "next")
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	for _, topic := range outputs() {
		if got := readCommitted(t, embedded, topic); !slices.Equal(got, []string{"0 next"}) {
			t.Errorf("topic %s holds %v, want the second transaction alone", topic, got)
		}
	}
}
