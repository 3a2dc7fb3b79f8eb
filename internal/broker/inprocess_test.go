package broker_test

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
)

// TestProcessReachesItsBrokerThroughMemory: what a client of this process writes, one that knows only the address reads; and
// both go on when the broker comes back under the same address.
func TestProcessReachesItsBrokerThroughMemory(t *testing.T) {
	dir := t.TempDir()
	begin := func(port int) *broker.Embedded {
		e, err := broker.StartEmbedded(dir, port, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	embedded := begin(0)
	var now atomic.Pointer[broker.Embedded]
	now.Store(embedded)
	var network atomic.Int32
	inside, err := kgo.NewClient(kgo.SeedBrokers(embedded.Brokers...), kgo.DefaultProduceTopic("t"),
		kgo.Dialer(func(ctx context.Context, kind, address string) (net.Conn, error) {
			conn, err := now.Load().Dial(ctx, kind, address)
			if _, is := conn.(*net.TCPConn); is {
				network.Add(1)
			}
			return conn, err
		}))
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	if _, err := kadm.NewClient(inside).CreateTopic(t.Context(), 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	outside, err := kgo.NewClient(kgo.SeedBrokers(embedded.Brokers...), kgo.ConsumeTopics("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	exchange := func(text string) {
		t.Helper()
		if err := inside.ProduceSync(t.Context(), kgo.StringRecord(text)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		for {
			fetches := outside.PollFetches(t.Context())
			for _, r := range fetches.Records() {
				if string(r.Value) == text {
					return
				}
			}
			if t.Context().Err() != nil {
				t.Fatalf("%q is not read: %v", text, fetches.Err())
			}
		}
	}
	exchange("before")
	if err := embedded.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(embedded.Brokers[0])
	if err != nil {
		t.Fatal(err)
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	embedded = begin(number)
	defer embedded.Close()
	now.Store(embedded)
	exchange("after")
	if n := network.Load(); n != 0 {
		t.Errorf("%d connections of this process went over the network", n)
	}
}
