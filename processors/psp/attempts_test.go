package psp_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

// keyless is the sandbox as a PSP that performs whatever it is sent: a repeat under a new key would charge again.
type keyless struct {
	*psp.Sandbox
	mu   sync.Mutex
	sent map[string]int
}

func newKeyless(t testing.TB, url string) *keyless {
	return &keyless{Sandbox: adapterWithin(t, url, time.Second), sent: map[string]int{}}
}

func (k *keyless) Idempotent() (time.Duration, bool) { return 0, false }

func (k *keyless) Do(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	k.mu.Lock()
	k.sent[r.RequestID]++
	k.mu.Unlock()
	return k.Sandbox.Do(ctx, r)
}

func (k *keyless) sends(r *topics.PSPRequest) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sent[r.RequestID]
}

func TestStoredAttempts(t *testing.T) {
	attempts := psp.NewStoredAttempts(databasetest.New(t))
	r := authorization(1, "tok_approved")
	var wg sync.WaitGroup
	var mu sync.Mutex
	firsts := 0
	for range 20 {
		wg.Go(func() {
			first, report, err := attempts.Begin(t.Context(), r)
			if err != nil || report != nil {
				t.Errorf("Begin: %+v, %v", report, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if first {
				firsts++
			}
		})
	}
	wg.Wait()
	if firsts != 1 {
		t.Errorf("%d of 20 were first, want 1", firsts)
	}
	want := topics.PSPReport{ReportID: "id", PaymentID: r.PaymentID, Outcome: topics.PSPApproved, Amount: 1000}
	if err := attempts.Finish(t.Context(), r, &want); err != nil {
		t.Fatal(err)
	}
	first, got, err := attempts.Begin(t.Context(), r)
	if err != nil || first || got == nil || *got != want {
		t.Errorf("Begin after Finish: %t, %+v, %v", first, got, err)
	}
	other := *r
	other.PSP = "other"
	if _, _, err := attempts.Begin(t.Context(), &other); err == nil {
		t.Error("the same request at another PSP was accepted")
	}
}

func TestPSPWithoutKeys(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	attempts := psp.NewStoredAttempts(databasetest.New(t))
	adapter := newKeyless(t, w.sandbox.URL())
	configure := func(group string) func(*psp.Config) {
		return func(c *psp.Config) { c.Group, c.Adapters, c.Attempts = group, []psp.Adapter{adapter}, attempts }
	}

	done := authorization(1, "tok_approved")
	hung := authorization(2, "tok_timeout_after_charge")
	// A gateway claimed these two and crashed: before it sent the one, after the PSP performed the other.
	unsent, charged := authorization(3, "tok_approved"), authorization(4, "tok_approved")
	for _, r := range []*topics.PSPRequest{unsent, charged} {
		if first, _, err := attempts.Begin(t.Context(), r); err != nil || !first {
			t.Fatal(first, err)
		}
	}
	if _, err := adapter.Sandbox.Do(t.Context(), charged); err != nil {
		t.Fatal(err)
	}
	late := authorization(5, "tok_approved")
	late.NotAfter = time.Now()
	requests := []*topics.PSPRequest{done, hung, unsent, charged, late}
	w.ask(t, 1, requests...)

	want := map[string]struct {
		outcome topics.PSPOutcome
		source  topics.ReportSource
		sends   int
	}{
		done.RequestID:    {topics.PSPApproved, topics.SourceResponse, 1},
		hung.RequestID:    {topics.PSPUnknown, topics.SourceResponse, 1},
		unsent.RequestID:  {topics.PSPUnknown, topics.SourcePoll, 0},
		charged.RequestID: {topics.PSPApproved, topics.SourcePoll, 0},
		late.RequestID:    {topics.PSPFailed, topics.SourceResponse, 0},
	}
	stop := w.run(t, configure("weir-first"))
	check := func(reports []topics.PSPReport) {
		t.Helper()
		for _, got := range reports {
			if c := want[got.RequestID]; got.Outcome != c.outcome || got.Source != c.source {
				t.Errorf("%s: %+v; want %+v", got.RequestID, got, c)
			}
		}
		for _, r := range requests {
			if n := adapter.sends(r); n != want[r.RequestID].sends {
				t.Errorf("%s: sent %d times", r.RequestID, n)
			}
		}
	}
	check(w.wait(t, 5))
	stop()

	// Another owner meets all of them again: what has a result is reported from its row, the rest is polled.
	hungNow := want[hung.RequestID]
	hungNow.outcome, hungNow.source = topics.PSPApproved, topics.SourcePoll
	want[hung.RequestID] = hungNow
	w.run(t, configure("weir-second"))
	check(w.wait(t, 10)[5:])
}

func TestAttemptsAreRequiredWithoutKeys(t *testing.T) {
	adapter := newKeyless(t, "http://127.0.0.1:1")
	if _, err := psp.New(psp.Config{Adapters: []psp.Adapter{adapter}}); err == nil {
		t.Error("a PSP without keys was accepted without stored attempts")
	}
	if _, err := psp.New(psp.Config{}); err == nil {
		t.Error("a gateway without adapters was accepted")
	}
	twice := sandboxAdapter(t, "http://127.0.0.1:1")
	if _, err := psp.New(psp.Config{Adapters: []psp.Adapter{twice, twice}}); err == nil {
		t.Error("two adapters of one name were accepted")
	}
}
