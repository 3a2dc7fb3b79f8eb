package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

// The failover measurement: payments arrive at a fixed rate and go to one PSP, with a second one behind it; then the first fails.
const (
	failoverRate   = 200 // payments a second
	failoverAmount = 1050
	failoverFor    = 15 * time.Second // the first PSP fails; before it there are as many of 10 s
	failoverBefore = 10 * time.Second
	failoverQuiet  = 5 * time.Second // without an approval, after which nobody is approved any more before the PSP works again
	failoverEnd    = 3 * time.Minute // at most, until every payment has ended: what is unknown is polled until it is proven
)

// failoverRoutes look at the health of PSPs: where all fails at a steady rate, a share of the window has when traffic moves.
const failoverRoutes = `version: 1
cascade: { attempts: 2, within: 30s }
health: { window: 10s, at_least: 20, error_rate: 30%, timeout_rate: 10%, p95: 1s, open_for: 10s, probes: 2 }
routes:
  - { name: first, psp: first }
  - { name: second, psp: second }
`

// gate stands before a PSP and lets it work, refuse, answer errors that do not say that nothing was performed, or be silent.
type gate struct {
	next   http.Handler
	mode   atomic.Int32
	opened chan struct{} // ends the silence: those that were held are dropped
}

const (
	gateOpen int32 = iota
	gateRefuses
	gateErrs
	gateHangs
)

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch g.mode.Load() {
	case gateRefuses:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"code":"`+string(sandbox.CodeUnavailable)+`"}`) // by which the sandbox says that nothing was performed
	case gateErrs:
		w.WriteHeader(http.StatusBadGateway)
	case gateHangs:
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the caller hangs up
		select {
		case <-g.opened:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	default:
		g.next.ServeHTTP(w, r)
	}
}

// failover measures how long it takes until payments are approved again after a PSP fails, by refusing, by errors and by silence.
func (b *bench) failover(ctx context.Context) error {
	for _, failure := range []struct {
		name string
		mode int32
	}{{"refuses", gateRefuses}, {"answers errors", gateErrs}, {"is silent", gateHangs}} {
		if err := b.empty(ctx); err != nil {
			return err
		}
		if err := b.failoverOf(ctx, "PSP "+failure.name, failure.mode); err != nil {
			return fmt.Errorf("PSP %s: %w", failure.name, err)
		}
	}
	return nil
}

func (b *bench) failoverOf(ctx context.Context, name string, mode int32) (err error) {
	second, err := sandbox.Start(sandbox.Config{Log: b.log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, second.Close()) }()
	first, err := url.Parse(b.sandbox)
	if err != nil {
		return err
	}
	g := &gate{next: httputil.NewSingleHostReverseProxy(first), opened: make(chan struct{})}
	front := httptest.NewServer(g)
	defer front.Close()
	routes := filepath.Join(b.dir, "routes.yaml")
	if err := os.WriteFile(routes, []byte(failoverRoutes), 0o600); err != nil {
		return err
	}
	p, err := b.start(ctx, "risk,velocity,payments,psp,webhooks,api", "--set", "risk.routing="+routes, "--set", "payments.psp=first",
		"--set", "psp.first.adapter=sandbox", "--set", "psp.first.base_url="+front.URL,
		"--set", "psp.second.adapter=sandbox", "--set", "psp.second.base_url="+second.URL(),
		"--set", "payments.request_ttl=10s", "--set", "payments.poll_grace=15s")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	watch, err := watchPayments(ctx, b.kafka)
	if err != nil {
		return err
	}
	defer watch.close()
	if err := watch.arrive(ctx, b.kafka, func() { g.mode.Store(mode) }); err != nil {
		return err
	}
	g.mode.Store(gateOpen)
	close(g.opened)
	if err := watch.ended(ctx); err != nil {
		return err
	}
	booked, err := capturedBy(ctx, b.sandbox, second.URL())
	if err != nil {
		return err
	}
	r := watch.judge()
	at := fmt.Sprintf("%s at %d/s", name, failoverRate)
	b.figure(at+", until traffic has moved", "ms", "< 2000", r.moved.Milliseconds())
	b.figure(at+", approval rate before", "‰", "", r.before)
	b.figure(at+", approval rate once traffic has moved", "‰", "within 10 of before", r.after)
	b.figure(at+", payments lost, and captures that the PSPs' books do not have or have twice", "", "0", r.lost+max(booked-r.captured, r.captured-booked))
	return nil
}

// capturedBy is how many payments the books of sandboxes have captured.
func capturedBy(ctx context.Context, addresses ...string) (payments int64, err error) {
	for _, address := range addresses {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/v1/test/summary", nil)
		if err != nil {
			return 0, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err
		}
		body, err := io.ReadAll(response.Body)
		var sum sandbox.Summary
		if err = errors.Join(err, response.Body.Close()); err == nil {
			err = topics.Unmarshal(body, &sum)
		}
		if err != nil {
			return 0, fmt.Errorf("summary of a sandbox: %w", err)
		}
		payments += sum.Captured["EUR"] / failoverAmount
	}
	return payments, nil
}

// arrive sends payments at moments fixed beforehand, and lets the PSP fail at one of them.
func (w *watch) arrive(ctx context.Context, kafka []kgo.Opt, fail func()) error {
	client, err := kgo.NewClient(with(kafka, kgo.DefaultProduceTopic(topics.Commands), kgo.ProducerLinger(0))...)
	if err != nil {
		return err
	}
	defer client.Close()
	w.fails = int((warmUp + failoverBefore).Seconds()) * failoverRate
	total := w.fails + int(failoverFor.Seconds())*failoverRate
	for i := range schedule(ctx, failoverRate, total) {
		if i == w.fails {
			fail()
		}
		record, err := failoverPayment(i)
		if err != nil {
			return err
		}
		w.send()
		client.Produce(ctx, record, nil)
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	return w.quiet(ctx)
}
