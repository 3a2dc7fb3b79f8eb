package links_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/payments/links"
	"github.com/weirhq/weir/topics"
)

// TestConcurrentPayers compares links with a dumb model, which counts payments: whatever payers, persons, clocks and PSPs do in
// whatever order, no payment begins beyond the uses, and more than these are captured only where a case tells.
func TestConcurrentPayers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		uses := rapid.IntRange(1, 3).Draw(t, "uses")
		w.do(fmt.Sprintf("create 10.00 EUR id=l uses=%d", uses))
		over := false // no payment may begin: cancelled or expired
		late := false // a payment that had ended took money after all
		for n := range rapid.IntRange(1, 30).Draw(t, "steps") {
			state := func(of links.State) (names []string) {
				for i := range n {
					if p := w.payments[fmt.Sprint("p", i)]; p != nil && p.state == of {
						names = append(names, fmt.Sprint("p", i))
					}
				}
				return names
			}
			reserved, captured := len(state(links.Reserved)), len(state(links.Captured))
			switch what := rapid.SampledFrom([]string{"begin", "begin", "begin", "captured", "ended", "late", "cancel", "timer", "wait"}).Draw(t, "what"); what {
			case "begin":
				w.do(fmt.Sprintf("begin p%d", n))
				if begun, want := w.payments[fmt.Sprint("p", n)] != nil, !over && reserved+captured < uses; begun != want {
					t.Fatalf("payment %d begun: %v, want %v with %d reserved and %d captured of %d, over: %v", n, begun, want, reserved, captured, uses, over)
				}
			case "captured", "ended":
				if names := state(links.Reserved); len(names) > 0 {
					w.do(what + " " + rapid.SampledFrom(names).Draw(t, "payment"))
				}
			case "late":
				if names := state(links.Released); len(names) > 0 {
					late = true
					w.do(rapid.SampledFrom([]string{"captured ", "again "}).Draw(t, "how") + rapid.SampledFrom(names).Draw(t, "payment"))
				}
			case "wait":
				w.do(fmt.Sprintf("wait %dh", rapid.IntRange(1, 30).Draw(t, "hours")))
				over = over || !w.now.Before(w.links["l"].Data.ExpiresAt)
			default:
				w.do(what)
				over = over || what == "cancel" && captured < uses || what == "timer" && !w.now.Before(w.links["l"].Data.ExpiresAt)
			}
			l := w.links["l"]
			count := map[links.State]int{}
			for _, p := range w.payments {
				count[p.state]++
			}
			if l.Reserved != count[links.Reserved] || l.Captured != count[links.Captured] {
				t.Fatalf("K2: the link has %+v, its payments %d reserved and %d captured", l.Uses(), count[links.Reserved], count[links.Captured])
			}
			if taken := l.Reserved + l.Captured; taken > uses && (!late || l.Cases == 0) {
				t.Fatalf("K1: %d uses of %d are taken, late: %v, cases: %d", taken, uses, late, l.Cases)
			}
			if paid := l.Status() == topics.LinkStatusPaid; paid != (count[links.Captured] >= uses) {
				t.Fatalf("status %s with %d of %d captured", l.Status(), count[links.Captured], uses)
			}
			if open := l.Status() == topics.LinkStatusOpen; open != (l.Timer.Kind == topics.TimerLinkExpire) {
				t.Fatalf("status %s with a timer %q", l.Status(), l.Timer.Kind)
			}
		}
	})
}

func TestRefusalsOfPayments(t *testing.T) {
	w := newWorld(t)
	w.do("create 10.00 EUR id=l")
	for name, tc := range map[string]struct {
		change func(*topics.Command)
		want   topics.RefusalCode
	}{
		"as the link has it": {func(*topics.Command) {}, ""},
		"another customer":   {func(c *topics.Command) { c.CustomerID = "bert" }, topics.RefusedCustomerMismatch},
		"another tenant":     {func(c *topics.Command) { c.Tenant = "other" }, topics.RefusedCustomerMismatch},
		"another region":     {func(c *topics.Command) { c.Region = "eu" }, topics.RefusedRegionMismatch},
		"another currency":   {func(c *topics.Command) { c.Currency = "USD" }, topics.RefusedCurrencyMismatch},
		"another amount":     {func(c *topics.Command) { c.Amount = 999 }, topics.RefusedInvalid},
	} {
		c := topics.Command{Tenant: "acme", CustomerID: "anna", Amount: 1000, Currency: "EUR", LinkID: linkOf("l").String()}
		tc.change(&c)
		got := topics.RefusalCode("")
		if refusal := links.Refuse(w.links["l"], &c, w.now, &w.limits); refusal != nil {
			got = refusal.Code
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	if refusal := links.Refuse(nil, &topics.Command{LinkID: "lnk_x"}, w.now, &w.limits); refusal == nil || refusal.Code != topics.RefusedUnknownLink {
		t.Errorf("no link: %v", refusal)
	}
}

func TestMalformedEventsAreRefused(t *testing.T) {
	w := newWorld(t)
	w.do("create 10.00 EUR id=l")
	l := w.links["l"]
	for name, tc := range map[string]struct {
		l *links.Link
		e topics.LinkEvent
	}{
		"created twice":       {l, topics.LinkEvent{Type: topics.LinkCreated, Created: &topics.LinkData{MaxUses: 1}, Amount: 1, LinkID: linkOf("l").String()}},
		"not created":         {nil, topics.LinkEvent{Type: topics.LinkExpired}},
		"created of nothing":  {nil, topics.LinkEvent{Type: topics.LinkCreated, LinkID: linkOf("l").String()}},
		"released, not taken": {l, topics.LinkEvent{Type: topics.LinkUseReleased}},
		"unknown":             {l, topics.LinkEvent{Type: "painted"}},
	} {
		if _, err := links.Evolve(tc.l.Clone(), &tc.e); err == nil || !strings.Contains(err.Error(), "event") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := links.Check(l, &topics.LinkEvent{Type: topics.LinkExpired, Status: topics.LinkStatusPaid}); err == nil {
		t.Error("a status that the fold does not give passes")
	}
	if err := links.CheckInvariants(&links.Link{Reserved: 1, Captured: 1, Data: topics.LinkData{MaxUses: 1}}); err == nil {
		t.Error("K1: two uses of one pass without a case")
	}
}
