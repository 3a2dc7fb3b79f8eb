package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

// disputeOf waits until a payment of a token is disputed, and returns the dispute's id.
func disputeOf(t *testing.T, s *sandbox.Server, authorization string) (id string) {
	t.Helper()
	eventually(t, "a dispute of "+authorization, func() bool {
		var p sandbox.Payment
		call(t, "GET", s.URL()+"/v1/authorizations/"+authorization, "", "", &p)
		for _, op := range p.Operations {
			if op.Operation == sandbox.Dispute {
				id = op.Dispute.ID
				return true
			}
		}
		return false
	})
	return id
}

func told(t *testing.T, s *sandbox.Server, id string) (statuses []string) {
	t.Helper()
	var ops []sandbox.Operation
	if code := call(t, "GET", s.URL()+"/v1/disputes/"+id, "", "", &ops); code != 200 {
		t.Fatalf("GET dispute %s: %d", id, code)
	}
	for _, op := range ops {
		statuses = append(statuses, string(op.Operation)+"."+string(op.Status))
	}
	return statuses
}

// TestDisputeTokens takes each token to its end, by evidence, by acceptance, and by doing nothing.
func TestDisputeTokens(t *testing.T) {
	const notice = "opened funds_withdrawn fee "
	for _, c := range []struct {
		token, answer, want string
		disputed            int64
	}{
		{"tok_dispute", "evidence", notice + "evidence_submitted won funds_reinstated fee_returned closed", 0},
		{"tok_dispute_shuffled", "evidence", notice + "evidence_submitted won funds_reinstated fee_returned closed", 0},
		{"tok_dispute", "accept", notice + "lost closed", 1000},
		{"tok_dispute", "", notice + "lost closed", 1000},
		{"tok_dispute_lost", "evidence", notice + "evidence_submitted lost closed", 1000},
		{"tok_dispute_arbitration", "evidence", notice + "evidence_submitted won funds_reinstated pre_arbitration funds_withdrawn arbitration lost closed", 1000},
		{"tok_dispute_inquiry", "evidence", "inquiry evidence_submitted closed", 0},
		{"tok_dispute_inquiry", "", "inquiry closed", 0},
	} {
		t.Run(c.token+" "+c.answer, func(t *testing.T) {
			t.Parallel()
			received, address := receive(t, 0)
			cfg := sandbox.Config{SettleDelay: time.Millisecond, LateDelay: 50 * time.Millisecond, WebhookURL: address, WebhookSecret: secret}
			if c.answer == "" {
				cfg.EvidenceWithin = 50 * time.Millisecond
			}
			s := start(t, cfg)
			op := authorize(t, s, "a", c.token, 1000, true)
			if !op.Captured {
				t.Fatalf("answered %+v", op)
			}
			id := disputeOf(t, s, op.Authorization)
			if c.answer != "" {
				answered := fmt.Sprintf("%s/v1/disputes/%s/%s", s.URL(), id, c.answer)
				var first, again sandbox.Operation
				if code := call(t, "POST", answered, "b", `{"evidence":"it was she"}`, &first); code != 200 || first.Status != sandbox.Approved || first.RequestID != "b" || first.Dispute.ID != id {
					t.Fatalf("%s: %d %+v", c.answer, code, first)
				}
				if code := call(t, "POST", answered, "b", `{"evidence":"it was she"}`, &again); code != 200 || again.Dispute == nil || *again.Dispute != *first.Dispute {
					t.Errorf("again: %d %+v", code, again)
				}
				if code := call(t, "POST", answered, "c", `{"evidence":"it was she"}`, nil); code != 422 {
					t.Errorf("a second answer: %d, want 422", code)
				}
			}
			want := strings.Fields(c.want)
			eventually(t, "the end", func() bool {
				statuses := told(t, s, id)
				return slices.Contains(statuses, "dispute.closed") && summaryOf(t, s).Owed == 0
			})
			var got []string
			for _, status := range told(t, s, id) {
				if step, ok := strings.CutPrefix(status, "dispute."); ok {
					got = append(got, step)
				}
			}
			slices.Sort(got) // steps of one millisecond are in any order
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("told %v\nwant %v", got, want)
			}
			if sum := summaryOf(t, s); sum.Disputed["EUR"] != c.disputed || sum.Captured["EUR"] != 1000 {
				t.Errorf("%+v", sum)
			}
			deliveries := len(want)
			if c.token == "tok_dispute_shuffled" {
				deliveries *= 2
			}
			if received.count() != deliveries {
				t.Errorf("%d webhooks, want %d", received.count(), deliveries)
			}
		})
	}
}

// TestDisputeByHand opens disputes of parts, moves money by hand, and finds it in the settlement report.
func TestDisputeByHand(t *testing.T) {
	began, dir := time.Now(), t.TempDir()
	received, address := receive(t, 0)
	s := start(t, sandbox.Config{DataDir: dir, WebhookURL: address, WebhookSecret: secret})
	op := authorize(t, s, "paid", "tok_approved", 1000, true)
	step := func(body string, want int) (op sandbox.Operation) {
		t.Helper()
		if code := call(t, "POST", s.URL()+"/v1/test/dispute", "", body, &op); code != want {
			t.Fatalf("%s: %d %+v, want %d", body, code, op, want)
		}
		return op
	}
	of := func(event string, more string) string {
		return fmt.Sprintf(`{"authorization":%q,"event":%q%s}`, op.Authorization, event, more)
	}
	step(of("won", ""), 422)
	step(of("opened", `,"amount":1001`), 422)
	step(of("opened", `,"reason_code":"a b"`), 422)
	step(`{"dispute":"dsp_none","event":"won"}`, 404)
	part := step(of("opened", `,"amount":400,"reason_code":"4853"`), 200)
	if part.Dispute == nil || part.Dispute.ReasonCode != "4853" || part.Amount != 400 || part.RequestID != "" || part.ID == "" {
		t.Fatalf("opened %+v", part)
	}
	on := func(event string, more string) string {
		return fmt.Sprintf(`{"dispute":%q,"event":%q%s}`, part.Dispute.ID, event, more)
	}
	step(on("opened", ""), 422)
	step(on("funds_reinstated", ""), 422)
	step(on("fee_returned", ""), 422)
	step(on("funds_withdrawn", ""), 200)
	step(on("funds_withdrawn", ""), 422)
	step(on("fee", ""), 200)
	step(on("funds_reinstated", `,"amount":401`), 422)
	refund := func(amount, want int) {
		t.Helper()
		body := fmt.Sprintf(`{"authorization":%q,"amount":%d}`, op.Authorization, amount)
		if code := call(t, "POST", s.URL()+"/v1/refunds", fmt.Sprint("refund", amount), body, nil); code != want {
			t.Errorf("refund of %d: %d, want %d", amount, code, want)
		}
	}
	refund(601, 422) // the rest is disputed
	step(on("funds_reinstated", `,"amount":100`), 200)
	step(on("fee_returned", ""), 200)
	refund(700, 200)
	whole := step(of("opened", ""), 200) // issuers dispute what was refunded, too
	if whole.Dispute.ID == part.Dispute.ID || whole.Amount != 1000 {
		t.Errorf("the second dispute: %+v", whole)
	}
	check := func(s *sandbox.Server) {
		t.Helper()
		rows, _ := days(t, s, began)
		var got []string
		for _, r := range rows {
			got = append(got, strings.Join(r[3:8], " "))
		}
		want := "capture 1000 39 961 EUR, chargeback -400 0 -400 EUR, chargeback_fee 0 1500 -1500 EUR, " +
			"chargeback_returned 100 0 100 EUR, chargeback_fee_returned 0 -1500 1500 EUR, refund -700 0 -700 EUR"
		if strings.Join(got, ", ") != want {
			t.Errorf("rows %s\nwant %s", strings.Join(got, ", "), want)
		}
		if sum := summaryOf(t, s); sum.Disputed["EUR"] != 300 {
			t.Errorf("%+v", sum)
		}
	}
	check(s)
	eventually(t, "a webhook of each", func() bool { return received.count() == 6 })
	received.mu.Lock()
	for _, body := range received.bodies {
		var e sandbox.Event
		if err := json.Unmarshal(body, &e); err != nil || e.Data.Dispute == nil || e.Data.MerchantReference != "ref-paid" || e.Data.Operation != sandbox.Dispute {
			t.Errorf("%s: %v", body, err)
		}
	}
	received.mu.Unlock()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(start(t, sandbox.Config{DataDir: dir}))
}

// TestDisputeButtons presses what the page offers; pressing one button of a page twice does it once.
func TestDisputeButtons(t *testing.T) {
	s := start(t, sandbox.Config{})
	op := authorize(t, s, "paid", "tok_approved", 1000, true)
	path := "/buttons/" + op.Authorization
	open := url.Values{"do": {"dispute"}, "event": {"opened"}, "after": {"0"}, "amount": {"1000"}, "reason_code": {"10.4"}}
	for range 2 {
		if page, status := press(t, s, path, s.URL(), open); status != 200 || strings.Count(page, "Evidence is due") != 1 {
			t.Fatalf("opened: %d %s", status, page)
		}
	}
	id := disputeOf(t, s, op.Authorization)
	withdraw := url.Values{"do": {"dispute"}, "dispute": {id}, "event": {"funds_withdrawn"}, "after": {"1"}}
	for range 2 {
		if page, status := press(t, s, path, s.URL(), withdraw); status != 200 || !strings.Contains(page, "disputed 10.00 EUR") || !strings.Contains(page, ">funds_reinstated</button>") {
			t.Fatalf("withdrawn: %d %s", status, page)
		}
	}
	withdraw.Set("after", "2")
	if page, status := press(t, s, path, s.URL(), withdraw); status != 422 || !strings.Contains(page, "withdrawn already") {
		t.Errorf("withdrawn from a new page: %d %s", status, page)
	}
}
