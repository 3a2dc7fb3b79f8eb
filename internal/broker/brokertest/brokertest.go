// Package brokertest gives each test a broker with the topics of the catalogue, all of them empty.
//
// The broker is an embedded one in memory, or the cluster at WEIR_TEST_KAFKA_BROKERS (host:port, separated by commas). The
// latter is shared: its topics are deleted and created again, and tests of several packages must not run at once
// (go test -p 1).
package brokertest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/topics"
)

const (
	takeLimit     = 15 * time.Minute // for the tests before
	resetLimit    = 3 * time.Minute
	resetInterval = 50 * time.Millisecond
)

// Broker is where a test produces and consumes.
type Broker struct {
	Config  broker.Config
	Cluster *kfake.Cluster // to inject faults; nil on a real cluster
}

// New returns a broker whose topics have that many partitions. It is stopped when the test ends.
func New(t testing.TB, partitions int32) *Broker {
	t.Helper()
	b := &Broker{}
	if real := os.Getenv("WEIR_TEST_KAFKA_BROKERS"); real != "" {
		b.Config.Brokers = strings.Split(real, ",")
		takeCluster(t)
		b.clear(t)
	} else {
		embedded, err := broker.StartEmbedded("", 0, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := embedded.Close(); err != nil {
				t.Error(err)
			}
		})
		b.Config.Brokers, b.Cluster = embedded.Brokers, embedded.Cluster
	}
	if err := broker.ApplyTopics(t.Context(), b.Admin(t), partitions, 1); err != nil {
		t.Fatal(err)
	}
	return b
}

// cluster says which test of this process uses the real one: its topics are nobody else's.
var cluster = struct {
	free   chan struct{}
	holder atomic.Pointer[string] // name of the test
}{free: make(chan struct{}, 1)}

// takeCluster waits until no other test uses the cluster and keeps it until the test ends. Its subtests use it too.
func takeCluster(t testing.TB) {
	t.Helper()
	name := t.Name()
	if holder := cluster.holder.Load(); holder != nil && strings.HasPrefix(name+"/", *holder+"/") {
		return
	}
	select {
	case cluster.free <- struct{}{}:
		cluster.holder.Store(&name)
		t.Cleanup(func() {
			cluster.holder.Store(nil)
			<-cluster.free
		})
	case <-time.After(takeLimit):
		t.Fatalf("another test has held the cluster for %s", takeLimit)
	}
}

// Client returns a client that is closed when the test ends.
func (b *Broker) Client(t testing.TB, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(b.Config.Options(slog.New(slog.DiscardHandler)), options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// Admin returns an admin client that is closed when the test ends.
func (b *Broker) Admin(t testing.TB) *kadm.Client {
	t.Helper()
	return kadm.NewClient(b.Client(t))
}

// clear deletes weir's topics and groups from a real cluster, and waits until the topics are gone.
func (b *Broker) clear(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), resetLimit)
	defer cancel()
	adm := b.Admin(t)
	groups, err := adm.ListGroups(ctx)
	if err != nil {
		t.Fatalf("WEIR_TEST_KAFKA_BROKERS: %v", err)
	}
	for _, group := range groups.Groups() {
		if strings.HasPrefix(group, "weir") {
			_, _ = adm.DeleteGroup(ctx, group) // one that still has members keeps its name; its offsets are never read
		}
	}
	tick := time.NewTicker(resetInterval)
	defer tick.Stop()
	for !b.gone(ctx, t, adm) {
		select {
		case <-ctx.Done():
			t.Fatal("topics are not deleted: ", ctx.Err())
		case <-tick.C:
		}
	}
}

// gone deletes what there is and reports whether there was nothing.
func (b *Broker) gone(ctx context.Context, t testing.TB, adm *kadm.Client) bool {
	t.Helper()
	have, err := adm.ListTopics(kadm.WithAuthorizedOps(ctx)) // which is never answered from the client's cache
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, topic := range topics.Catalogue() {
		if have.Has(topic.Name) {
			names = append(names, topic.Name)
		}
	}
	if len(names) == 0 {
		return true
	}
	deleted, err := adm.DeleteTopics(ctx, names...)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deleted {
		if d.Err != nil && !errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
			t.Fatalf("delete topic %s: %v", d.Topic, d.Err)
		}
	}
	return false
}
