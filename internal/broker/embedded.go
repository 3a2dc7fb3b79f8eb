package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/weirhq/weir/internal/dirlock"
)

// Limits of the embedded broker, low enough for a takeover within seconds.
const (
	minSessionTimeout = 100 * time.Millisecond
	maxSessionTimeout = 5 * time.Minute
)

// Embedded is a broker in this process, for development and tests. It is one node without replicas.
type Embedded struct {
	Brokers []string // to connect to
	Cluster *kfake.Cluster

	here *inProcess
	halt *halt
	dir  string        // empty in memory
	lock *dirlock.Lock // nil in memory
}

// EmbeddedOption changes how an embedded broker runs.
type EmbeddedOption func(*embeddedOptions)

type embeddedOptions struct{ fsync bool }

// WithoutFsync leaves flushing to the operating system, as Kafka does by default. What was acknowledged survives the
// death of the process, not the loss of power.
func WithoutFsync() EmbeddedOption { return func(o *embeddedOptions) { o.fsync = false } }

// StartEmbedded starts a broker on a port of the loopback interface, 0 for a free one. It keeps its topics in dir, on
// disk before a produce is acknowledged, or in memory where dir is empty. Topics are not created by being used.
//
// On a directory whose broker was killed, or has halted, it first settles the transactions that were open.
func StartEmbedded(dir string, port int, log *slog.Logger, changes ...EmbeddedOption) (*Embedded, error) {
	o := embeddedOptions{fsync: true}
	for _, change := range changes {
		change(&o)
	}
	here, halt := &inProcess{}, newHalt(embeddedLogger{log})
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.WithLogger(halt),
		kfake.ListenFn(halt.over(here.listen)),
		kfake.GroupMinSessionTimeout(minSessionTimeout),
		kfake.GroupMaxSessionTimeout(maxSessionTimeout),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(MaxMessageBytes)}),
	}
	if port != 0 {
		options = append(options, kfake.Ports(port))
	}
	if dir == "" {
		cluster, err := kfake.NewCluster(options...)
		if err != nil {
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
		return &Embedded{Brokers: cluster.ListenAddrs(), Cluster: cluster, here: here, halt: halt}, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: directory: %w", err)
	}
	lock, err := dirlock.Take(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	options = append(options, kfake.DataDir(dir))
	if o.fsync {
		options = append(options, kfake.SyncWrites())
	}
	cluster, err := startOn(dir, options, log)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("port %d is taken; set kafka.embedded_port to another one, or to 0 for any that is free: %w", port, err)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded broker in %s: %w", dir, err), lock.Release())
	}
	log.Info("embedded broker is ready", "directory", dir, "brokers", cluster.ListenAddrs())
	return &Embedded{Brokers: cluster.ListenAddrs(), Cluster: cluster, here: here, halt: halt, dir: dir, lock: lock}, nil
}

// startOn starts a broker on a directory that this process holds.
func startOn(dir string, options []kfake.Opt, log *slog.Logger) (*kfake.Cluster, error) {
	aborts, err := settle(dir, log)
	if err != nil {
		return nil, err
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return nil, err
	}
	if err := abort(cluster.ListenAddrs(), aborts, log); err != nil {
		cluster.Close()
		return nil, errors.Join(err, unsettle(dir))
	}
	return cluster, nil
}

// Dial connects a client of this process to the broker through memory: kgo.Dialer(e.Dial).
func (e *Embedded) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return e.here.dial(ctx, network, address)
}

// Wait returns nil when ctx is done, or an error when the broker has halted: it answers nobody any more, for it could not
// write the end of a transaction. Close it then; the next start goes on.
func (e *Embedded) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-e.halt.halted:
		return e.halt.err
	}
}

// Close stops the broker and saves its state. Where that is not whole, or calls transactions ended whose ends could not be
// written, the next start does as after a kill; a crash before that is seen to is the one after which it does not.
func (e *Embedded) Close() error {
	e.Cluster.Close()
	if e.lock == nil {
		return nil
	}
	var err error
	if e.halt.unsettled {
		err = unsettle(e.dir)
	}
	return errors.Join(err, e.lock.Release())
}
