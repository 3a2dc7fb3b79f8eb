package psp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/adyen"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

// adyenAt is an Adyen that approves, and counts what it was sent.
func adyenAt(t *testing.T, sent *atomic.Int32) []psp.Adapter {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Reference json.RawMessage `json:"reference"`
			Amount    json.RawMessage `json:"amount"`
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		sent.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"pspReference":"ABCDEFGHIJKLMNOP","resultCode":"Authorised","merchantReference":%s,"amount":%s}`, asked.Reference, asked.Amount)
	}))
	t.Cleanup(server.Close)
	a, err := adyen.New(adyen.Config{Name: psp.SandboxName, BaseURL: server.URL, Key: "k", MerchantAccount: "m"})
	if err != nil {
		t.Fatal(err)
	}
	return []psp.Adapter{a}
}

func disabled(topics.RouteScope, time.Time) string { return "by hand" }

// TestClaimOfADeadGatewayAtAPSPThatCannotBeAsked: it is sent under its key, which may be the first sending; so not to a PSP that is
// switched off, not once its time is over, and not because the payment asks.
func TestClaimOfADeadGatewayAtAPSPThatCannotBeAsked(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*topics.PSPRequest)
		off     bool
		outcome topics.PSPOutcome
		sent    int32
	}{
		"in time":      {func(*topics.PSPRequest) {}, false, topics.PSPApproved, 1},
		"switched off": {func(*topics.PSPRequest) {}, true, topics.PSPUnknown, 0},
		"late":         {func(r *topics.PSPRequest) { r.NotAfter = time.Now() }, false, topics.PSPUnknown, 0},
		"polled":       {func(r *topics.PSPRequest) { r.Poll = true }, false, topics.PSPUnknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int32
			w := newWorld(t, sandbox.Config{})
			attempts := psp.NewStoredAttempts(databasetest.New(t))
			r := planned(1)
			if first, _, err := attempts.Begin(t.Context(), r); err != nil || !first {
				t.Fatal(first, err)
			}
			c.change(r)
			w.run(t, func(cfg *psp.Config) {
				cfg.Attempts, cfg.Adapters = attempts, adyenAt(t, &sent)
				if c.off {
					cfg.Disabled = disabled
				}
			})
			w.ask(t, 1, r)
			if got := w.only(t); got.Outcome != c.outcome || got.Source != topics.SourcePoll || sent.Load() != c.sent {
				t.Errorf("sent %d times, report %+v", sent.Load(), got)
			}
		})
	}
}

// TestTakenOverIsNotCalledNotSent: for a moment two gateways have one request. The first one has claimed it and is about to say
// "not sent"; the second one takes it over and sends it.
func TestTakenOverIsNotCalledNotSent(t *testing.T) {
	var sent atomic.Int32
	w := newWorld(t, sandbox.Config{})
	attempts := psp.NewStoredAttempts(databasetest.New(t))
	deciding, goOn := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	w.run(t, func(c *psp.Config) {
		c.Group, c.Attempts, c.Adapters = "one", attempts, adyenAt(t, &sent)
		c.Disabled = func(topics.RouteScope, time.Time) string {
			if once.CompareAndSwap(false, true) {
				close(deciding)
				<-goOn
			}
			return "by hand"
		}
	})
	w.ask(t, 1, planned(1))
	<-deciding
	w.run(t, func(c *psp.Config) { c.Group, c.Attempts, c.Adapters = "two", attempts, adyenAt(t, &sent) })
	w.wait(t, 1)
	close(goOn)
	for _, got := range w.wait(t, 2) {
		if got.Outcome != topics.PSPApproved || sent.Load() != 1 {
			t.Errorf("sent %d times, report %+v", sent.Load(), got)
		}
	}
}

// TestSettledOnce: of two who settle an attempt one is refused, and both are told how it ended. What the PSP says overrides it.
func TestSettledOnce(t *testing.T) {
	attempts := psp.NewStoredAttempts(databasetest.New(t))
	r := planned(1)
	if first, _, err := attempts.Begin(t.Context(), r); err != nil || !first {
		t.Fatal(first, err)
	}
	notSent := topics.PSPReport{ReportID: "a", Outcome: topics.PSPFailed, DeclineCode: topics.DeclineNotSent}
	taken := topics.PSPReport{ReportID: "b", Outcome: topics.PSPUnknown}
	for _, report := range []topics.PSPReport{notSent, taken} {
		if got, err := attempts.Settle(t.Context(), r, &report); err != nil || got != notSent {
			t.Errorf("settled as %+v: %+v, %v", report, got, err)
		}
	}
	approved := topics.PSPReport{ReportID: "c", Outcome: topics.PSPApproved}
	if err := attempts.Finish(t.Context(), r, &approved); err != nil {
		t.Fatal(err)
	}
	if got, err := attempts.Settle(t.Context(), r, &taken); err != nil || got != approved {
		t.Errorf("after the PSP's answer: %+v, %v", got, err)
	}
	if _, err := attempts.Settle(t.Context(), planned(2), &taken); err == nil {
		t.Error("an attempt that nobody began was settled")
	}
}
