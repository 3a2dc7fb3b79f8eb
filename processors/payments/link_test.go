package payments_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/links"
	"github.com/weirhq/weir/topics"
)

// linkCommand is an assessed link command: a link for payments of 100.00 EUR, or its end.
func linkCommand(n int, customer string, uses int, link string) *topics.AssessedLinkCommand {
	c := topics.LinkCommand{CommandID: id(n).String(), Type: topics.LinkCancel, Tenant: "acme", CustomerID: customer, LinkID: link, TraceID: "trace"}
	if link == "" {
		c.Type, c.Amount, c.Currency, c.Description, c.MaxUses = topics.LinkCreate, 10_000, "EUR", "shoes", uses
		c.ExpiresAt = start.Add(100 * 24 * time.Hour)
	}
	return &topics.AssessedLinkCommand{Command: c, Refusal: c.Validate()}
}

// byLink is a create command of a payment of 100.00 EUR by a link.
func byLink(n int, customer, link string) *topics.AssessedCommand {
	c := create(n, customer, topics.CaptureAutomatic)
	c.Command.LinkID, c.Command.Amount = link, 10_000
	return c
}

// addLinks has customers of their own make links, which several payers open at once, and cancel some of them. Ids of commands begin
// at 700,000.
func addLinks(rounds *[4][]any, partitions int32) {
	n := 700_000
	for k := range 6 {
		customer := fmt.Sprintf("payer-%d", k)
		for i, uses := range []int{0, 2, 9} {
			n++
			link := topics.NewLinkID("acme", customer, id(n), partitions).String()
			rounds[0] = append(rounds[0], linkCommand(n, customer, uses, ""))
			for round := 1; round < len(rounds); round++ {
				for range 2 {
					n++
					rounds[round] = append(rounds[round], byLink(n, customer, link))
				}
			}
			if n++; k%3 == i {
				rounds[2] = append(rounds[2], linkCommand(n, customer, 0, link))
			}
		}
	}
}

// linkEvents are what happened to links, as type and status.
func linkEvents(t *testing.T, in *inbox) (lines []string) {
	t.Helper()
	for _, e := range outputsOf[topics.LinkEvent](t, in.published, topics.LinkEvents) {
		lines = append(lines, fmt.Sprintf("%s %s %d+%d", e.Type, e.Status, e.Uses.Reserved, e.Uses.Captured))
	}
	return lines
}

// TestTwoPayersAtOnce: of two payments by a link for one, in one batch, the first begins. The second one's refusal says why, and
// nothing is asked of the PSP for it; once the first is captured, the link is paid, whatever is held in memory.
func TestTwoPayersAtOnce(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	link := topics.NewLinkID("acme", "anna", id(1), 1).String()
	in.put(topics.TypeAssessedLink, linkCommand(1, "anna", 1, ""))
	for n := 2; n <= 3; n++ {
		in.put(topics.TypeAssessedCommand, byLink(n, "anna", link))
	}
	in.fold(10)
	requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)
	if len(requests) != 1 {
		t.Fatalf("the PSP is asked %d times, want once", len(requests))
	}
	events := outputsOf[topics.PaymentEvent](t, in.published, topics.Events)
	if last := events[len(events)-1]; last.Refusal != topics.RefusedInProgress {
		t.Errorf("the second payment: %s %s, want it refused: in_progress", last.Type, last.Refusal)
	}
	want := func(lines ...string) {
		t.Helper()
		if got := linkEvents(t, in); fmt.Sprint(got) != fmt.Sprint(lines) {
			t.Errorf("the link: %q, want %q", got, lines)
		}
		in.published = nil
		in.restart() // nothing is in memory any more
	}
	want("created open 0+0", "use_reserved open 1+0")
	in.put(topics.TypePSPReport, approved(&requests[0], true))
	in.fold(10)
	want("use_captured paid 0+1")
	in.put(topics.TypeAssessedCommand, byLink(4, "anna", link))
	in.put(topics.TypeTimerDue, topics.TimerDue{TimerID: "t", Kind: topics.TimerLinkExpire, Generation: 1, Tenant: "acme", CustomerID: "anna", PaymentID: link})
	in.fold(10)
	events = outputsOf[topics.PaymentEvent](t, in.published, topics.Events)
	if len(events) != 1 || events[0].Refusal != topics.RefusedFinished {
		t.Errorf("a payment by a paid link: %+v, want it refused: finished", events)
	}
	want()
	if n := count(t, db, `timers WHERE kind = 'link_expire'`); n != 0 {
		t.Errorf("%d timers of links are left", n)
	}
	wantSound(t, in)
}

// TestDeclinedPaymentFreesItsUse: who was declined may try again, and so may another one.
func TestDeclinedPaymentFreesItsUse(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	link := topics.NewLinkID("acme", "anna", id(1), 1).String()
	in.put(topics.TypeAssessedLink, linkCommand(1, "anna", 1, ""))
	in.put(topics.TypeAssessedCommand, byLink(2, "anna", link))
	in.fold(10)
	report := approved(&outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)[0], true)
	report.Outcome, report.Captured, report.DeclineCode = topics.PSPDeclined, false, "51"
	in.put(topics.TypePSPReport, report)
	in.put(topics.TypeAssessedCommand, byLink(3, "anna", link))
	in.fold(10)
	want := []string{"created open 0+0", "use_reserved open 1+0", "use_released open 0+0", "use_reserved open 1+0"}
	if got := linkEvents(t, in); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the link: %q, want %q", got, want)
	}
	wantSound(t, in)
}

// TestPaymentByALinkIsNotRaised: a link is for its amount, before the authorisation and after it.
func TestPaymentByALinkIsNotRaised(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	link := topics.NewLinkID("acme", "anna", id(1), 1).String()
	in.put(topics.TypeAssessedLink, linkCommand(1, "anna", 1, ""))
	c := byLink(2, "anna", link)
	c.Command.CaptureMethod = topics.CaptureManual
	in.put(topics.TypeAssessedCommand, c)
	in.fold(10)
	in.put(topics.TypePSPReport, approved(&outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)[0], false))
	in.put(topics.TypeAssessedCommand, raise(3, "anna", 2, 1))
	in.fold(10)
	wantRefused(t, in, topics.RefusedWrongState)
}

// raise is an increment of payment n.
func raise(command int, customer string, n int, amount int64) *topics.AssessedCommand {
	c := create(command, customer, "")
	c.Command = topics.Command{CommandID: c.Command.CommandID, Type: topics.CommandIncrement, Tenant: "acme", CustomerID: customer,
		PaymentID: topics.PaymentID{UUID: id(n)}.String(), Amount: amount, Currency: "EUR"}
	return c
}

func wantRefused(t *testing.T, in *inbox, want topics.RefusalCode) {
	t.Helper()
	events := outputsOf[topics.PaymentEvent](t, in.published, topics.Events)
	if last := events[len(events)-1]; last.Refusal != want {
		t.Errorf("the command: %s %s %s, want it refused: %s", last.Type, last.Refusal, last.Detail, want)
	}
	wantSound(t, in)
}

// TestUseOfAPayment: a use is free once the payment can take no money any more, as far as is known.
func TestUseOfAPayment(t *testing.T) {
	open := func(kind topics.PSPOperation, state lifecycle.OperationState) []lifecycle.Operation {
		return []lifecycle.Operation{{Kind: kind, State: state}}
	}
	for name, tc := range map[string]struct {
		p    *lifecycle.Payment
		want links.State
	}{
		"none":                  {nil, links.Released},
		"created":               {&lifecycle.Payment{}, links.Reserved},
		"asked":                 {&lifecycle.Payment{Operations: open(topics.OperationAuthorize, lifecycle.OperationRequested)}, links.Reserved},
		"authorised":            {&lifecycle.Payment{Authorized: 5}, links.Reserved},
		"captured in part":      {&lifecycle.Payment{Authorized: 5, Captured: 1}, links.Captured},
		"captured and refunded": {&lifecycle.Payment{Authorized: 5, Captured: 5, Refunded: 5}, links.Captured},
		"declined":              {&lifecycle.Payment{Mark: topics.StatusDeclined}, links.Released},
		"declined, a part came": {&lifecycle.Payment{Mark: topics.StatusDeclined, Method: lifecycle.Method{Type: topics.MethodCrypto}, Operations: []lifecycle.Operation{
			{Kind: topics.OperationAuthorize, State: lifecycle.OperationSucceeded, Unapplied: true, Captured: true, Amount: 2}}}, links.Reserved},
		"voided":                          {&lifecycle.Payment{Mark: topics.StatusVoided, Authorized: 5, Released: 5}, links.Released},
		"blocked, not voided yet":         {&lifecycle.Payment{Mark: topics.StatusBlocked, Authorized: 5}, links.Reserved},
		"expired, the challenge is open":  {&lifecycle.Payment{Mark: topics.StatusExpired, Operations: open(topics.OperationAuthorize, lifecycle.OperationAction)}, links.Released},
		"expired, the capture is unknown": {&lifecycle.Payment{Mark: topics.StatusExpired, Operations: open(topics.OperationCapture, lifecycle.OperationUnknown)}, links.Reserved},
		"cancelled, the PSP is silent":    {&lifecycle.Payment{Mark: topics.StatusCancelled, Operations: open(topics.OperationAuthorize, lifecycle.OperationPending)}, links.Reserved},
	} {
		if got := links.UseOf(tc.p); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
