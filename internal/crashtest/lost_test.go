package crashtest

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/chaos"
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database/databasetest"
	weir "github.com/weirhq/weir/internal/engine"
)

const trapLimit = time.Minute // until a trap meets its request

// startHere runs an engine in this process, where its connections can be led through a proxy.
func (w *world) startHere(e *engine, options ...weir.Option) *weir.Engine {
	w.t.Helper()
	log, err := os.Create(e.log)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg, err := config.Load(config.Sources{File: e.config})
	if err != nil {
		w.t.Fatal(err)
	}
	running, err := weir.Start(w.t.Context(), cfg, slog.New(slog.NewJSONHandler(log, nil)), options...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			w.t.Error(err)
		}
		_ = log.Close() // nobody reads it any more
	})
	ctx, cancel := context.WithTimeout(w.t.Context(), readyLimit)
	defer cancel()
	if err := running.Ready(ctx); err != nil {
		w.t.Fatalf("%v\n%s", err, e.tail())
	}
	return running
}

// proxyTo returns a proxy that ends with the test.
func proxyTo(t testing.TB, target string) *chaos.Proxy {
	t.Helper()
	proxy, err := chaos.NewProxy(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() }) // its connections end with it
	return proxy
}

// through is a database URL that leads through a proxy, and the proxy.
func through(t testing.TB, databaseURL string) (string, *chaos.Proxy) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := proxyTo(t, u.Host)
	u.Host = proxy.Addr()
	return u.String(), proxy
}

// COMMIT and EndTxn, and what answers them, are lost again and again under load: what happened and what did not is for
// the owner to find out.
func TestLostAnswers(t *testing.T) {
	b := brokertest.New(t, partitions)
	address, sql := through(t, databasetest.NewURL(t))
	kafka := proxyTo(t, b.Config.Brokers[0])
	w := newWorld(t).outside(b.Config.Brokers, address)
	w.startHere(w.engines[0], weir.WithKafka(kgo.Dialer(kafka.Dial)))
	tr := w.begin(seed(t))
	tr.progress(20)
	commit, endTxn := chaos.Prepared("commit"), chaos.KafkaRequest(int16(kmsg.EndTxn))
	r := rand.New(rand.NewPCG(seed(t), 3))
	for _, trap := range []struct {
		what   string
		proxy  *chaos.Proxy
		match  chaos.Matcher
		fault  chaos.Fault
		rounds int // few where a time-out of a client is waited for
	}{
		{"COMMIT", sql, commit, chaos.LoseRequest, 8},
		{"the answer to COMMIT", sql, commit, chaos.LoseAnswer, 12},
		{"EndTxn", kafka, endTxn, chaos.LoseRequest, 8},
		{"the answer to EndTxn", kafka, endTxn, chaos.LoseAnswer, 12},
		{"COMMIT and all that follows", sql, commit, chaos.Mute, 1},
		{"EndTxn and all that follows", kafka, endTxn, chaos.Mute, 1},
		{"COMMIT of a look for timers, or the like, and all that follows", sql, chaos.Bytes([]byte("commit\x00")), chaos.Mute, 2},
	} {
		for range trap.rounds {
			armed := trap.proxy.Arm(trap.match, r.IntN(12), trap.fault)
			select {
			case <-armed.Fired():
			case <-time.After(trapLimit):
				t.Fatalf("%s was not lost within %s\n%s", trap.what, trapLimit, w.engines[0].tail())
			}
			tr.progress(10)
		}
	}
	tr.finish()
	tr.verify()
}
