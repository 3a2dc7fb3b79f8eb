package payments_test

import (
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// limited is a create command of a brand whose deposits of a day are limited to 250.00 EUR.
func limited(n int, customer string) *topics.AssessedCommand {
	c := create(n, customer, topics.CaptureManual)
	c.Gaming = &topics.GamingTerms{Day: "2026-03-01", TimeZone: "Europe/Malta", Limits: []topics.GamingTerm{{Kind: topics.GamingDeposit,
		Period: topics.GamingDay, Amounts: map[string]int64{"EUR": 25_000}, Outcome: topics.OutcomeBlock, RaiseAfter: 3600}}}
	return c
}

// deposited is what is stored as used of anna's one limit.
func deposited(t *testing.T, in *inbox) int64 {
	t.Helper()
	limits, err := view.GetLimits(t.Context(), in.db.Pool, view.Owner{Tenant: "acme", Customer: "anna"}, start)
	if err != nil || len(limits.Lines) != 1 {
		t.Fatalf("limits %+v: %v", limits, err)
	}
	return limits.Lines[0].Used
}

// TestWhateverEndsAPaymentGivesBackWhatItCounted: also where nothing of the customer is in memory any more.
func TestWhateverEndsAPaymentGivesBackWhatItCounted(t *testing.T) {
	follow := func(n int, kind topics.CommandType, payment string) *topics.AssessedCommand {
		return &topics.AssessedCommand{Command: topics.Command{CommandID: id(n).String(), Type: kind, Tenant: "acme", CustomerID: "anna", PaymentID: payment},
			Decision: topics.Decision{CommandID: id(n).String(), Outcome: topics.OutcomePass}}
	}
	report := func(in *inbox, outcome topics.PSPOutcome) *topics.PSPReport {
		requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)
		r := approved(&requests[len(requests)-1], false)
		r.Outcome = outcome
		return r
	}
	const left = 10_000 // of the other payment, which stays
	for _, test := range []struct {
		name      string
		authorize bool
		end       func(in *inbox, payment string)
		want      int64
	}{
		{"declined", true, func(in *inbox, _ string) { in.put(topics.TypePSPReport, report(in, topics.PSPDeclined)) }, left},
		{"cancelled", false, func(in *inbox, payment string) {
			in.put(topics.TypeAssessedCommand, follow(9, topics.CommandCancel, payment))
		}, left},
		{"expired", false, func(in *inbox, payment string) {
			timer := topics.TimerDue{TimerID: payment, Generation: 1, Kind: topics.TimerExpire, Tenant: "acme", CustomerID: "anna", PaymentID: payment}
			in.now = start.Add(25 * time.Hour)
			in.put(topics.TypeTimerDue, timer)
		}, left},
		{"authorized", true, func(in *inbox, _ string) { in.put(topics.TypePSPReport, report(in, topics.PSPApproved)) }, left + 10_000},
		{"authorized later", false, func(in *inbox, payment string) {
			in.put(topics.TypeAssessedCommand, follow(9, topics.CommandAuthorize, payment))
		}, left + 10_000},
		{"voided", true, func(in *inbox, payment string) {
			in.put(topics.TypePSPReport, report(in, topics.PSPApproved))
			in.put(topics.TypeAssessedCommand, follow(9, topics.CommandVoid, payment))
			in.fold(1)
			in.restart()
			in.put(topics.TypePSPReport, report(in, topics.PSPApproved))
		}, left},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := databasetest.New(t)
			in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
			in.put(topics.TypeAssessedCommand, limited(1, "anna"))
			c := limited(2, "anna")
			c.Command.Authorize = test.authorize
			in.put(topics.TypeAssessedCommand, c)
			in.put(topics.TypeAssessedCommand, limited(3, "anna")) // above the limit
			in.fold(10)
			if got := deposited(t, in); got != 20_000 {
				t.Fatalf("two deposits count %d", got)
			}
			blocked := outputsOf[topics.PaymentEvent](t, in.published, topics.Events)
			if last := blocked[len(blocked)-1]; last.Type != topics.EventBlocked || last.GamingLimit == nil || last.GamingLimit.Left != 5_000 {
				t.Fatalf("the third: %+v", last)
			}
			decisions := outputsOf[topics.Decision](t, in.published, topics.Decisions)
			if d := decisions[len(decisions)-1]; d.Outcome != topics.OutcomePass || d.GamingLimit == nil || d.GamingLimit.Outcome != topics.OutcomeBlock {
				t.Fatalf("its decision: %+v", d)
			}
			in.restart()
			test.end(in, topics.PaymentID{UUID: id(2)}.String())
			in.fold(10)
			if got := deposited(t, in); got != test.want {
				t.Errorf("%d is counted, want %d", got, test.want)
			}
			wantSound(t, in)
		})
	}
}

// TestNobodyPaysForLimitsThatAreNotThere: where no command brings any along, nothing of them is stored or published.
func TestNobodyPaysForLimitsThatAreNotThere(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	in.put(topics.TypeAssessedCommand, create(1, "anna", topics.CaptureAutomatic))
	in.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletCredit, 500, nil))
	in.put(topics.TypeAssessedWallet, walletCommand(3, topics.WalletDebit, 300, func(c *topics.WalletCommand) { c.Reason, c.RoundID = topics.ReasonGame, "r1" }))
	in.fold(10)
	if n := count(t, db, "customer_limits"); n != 0 {
		t.Errorf("%d rows of limits", n)
	}
	for _, o := range in.published {
		if strings.Contains(string(o.Value), "gaming") || strings.Contains(string(o.Value), "counted") {
			t.Errorf("%s: %s", o.Topic, o.Value)
		}
	}
}

// TestUnreadableLimitsStopTheBatch: a stored state that cannot be read stops the batch, and is not taken for none.
func TestUnreadableLimitsStopTheBatch(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	in.put(topics.TypeAssessedCommand, limited(1, "anna"))
	in.fold(10)
	if _, err := db.Pool.Exec(t.Context(), `UPDATE customer_limits SET state = '{"days":1}'`); err != nil {
		t.Fatal(err)
	}
	in.restart()
	in.put(topics.TypeAssessedCommand, limited(2, "anna"))
	err := in.state.Load(t.Context(), in.pending)
	if err == nil || !strings.Contains(err.Error(), "limits of customer anna") {
		t.Errorf("got %v", err)
	}
}

// TestApprovedAboveTheCustomersOwnLimit: a reviewer does not lift a limit that the customer has set while the deposit waited.
func TestApprovedAboveTheCustomersOwnLimit(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	c := limited(1, "anna")
	c.Decision.Outcome = topics.OutcomeHold
	in.put(topics.TypeAssessedCommand, c)
	in.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletSetLimit, 9_000, func(c *topics.WalletCommand) {
		c.Limit = &topics.LimitRequest{Kind: topics.GamingDeposit, Period: topics.GamingWeek}
	}))
	in.fold(10)
	in.restart()
	in.put(topics.TypeAssessedCommand, &topics.AssessedCommand{Command: topics.Command{CommandID: id(3).String(), Type: topics.CommandApprove,
		Tenant: "acme", CustomerID: "anna", PaymentID: topics.PaymentID{UUID: id(1)}.String()}})
	in.fold(10)
	events := outputsOf[topics.PaymentEvent](t, in.published, topics.Events)
	last := events[len(events)-1]
	if last.Type != topics.EventBlocked || last.GamingLimit == nil || last.GamingLimit.SetBy != topics.SetByCustomer || last.Counted == nil || last.Counted.Amount != -10_000 {
		t.Errorf("approved: %+v", last)
	}
	wantSound(t, in)
}

// approval is a reviewer's, of anna's payment.
func approval(n, payment int) *topics.AssessedCommand {
	return &topics.AssessedCommand{Command: topics.Command{CommandID: id(n).String(), Type: topics.CommandApprove,
		Tenant: "acme", CustomerID: "anna", PaymentID: topics.PaymentID{UUID: id(payment)}.String()}}
}

// TestApprovedAboveALimitSetMeanwhile: what was held before anything limited the customer is measured when it is approved, and
// counts then; so is what is authorised, which is released.
func TestApprovedAboveALimitSetMeanwhile(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	for n := 1; n <= 2; n++ {
		c := create(n, "anna", topics.CaptureAutomatic)
		c.Decision.Outcome = topics.OutcomeHold
		in.put(topics.TypeAssessedCommand, c)
	}
	in.fold(10)
	in.put(topics.TypeAssessedWallet, walletCommand(3, topics.WalletSetLimit, 15_000, func(c *topics.WalletCommand) {
		c.Limit = &topics.LimitRequest{Kind: topics.GamingDeposit, Period: topics.GamingWeek}
	}))
	in.fold(10)
	in.restart()
	in.put(topics.TypeAssessedCommand, approval(4, 1))
	in.fold(10)
	in.put(topics.TypeAssessedCommand, approval(5, 2))
	in.fold(10)
	if got := deposited(t, in); got != 10_000 {
		t.Errorf("two approvals count %d", got)
	}
	events := outputsOf[topics.PaymentEvent](t, in.published, topics.Events)
	if last := events[len(events)-1]; last.Type != topics.EventBlocked || last.GamingLimit == nil || last.GamingLimit.Left != 5_000 {
		t.Errorf("the second: %+v", last)
	}
	wantSound(t, in)
}

// TestALimitBindsAnOverCapture: the customer sets a limit once the payment is authorised. What was authorised can be captured, and no more.
func TestALimitBindsAnOverCapture(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, func(c *payments.Config) { c.Limits.OverCapture = map[string]int64{"sandbox": 20} }), 0)
	in.put(topics.TypeAssessedCommand, create(1, "anna", topics.CaptureManual))
	in.fold(10)
	answer := approved(&outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)[0], false)
	answer.Capturable = 12_000
	in.put(topics.TypePSPReport, answer)
	in.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletSetLimit, 90_000, func(c *topics.WalletCommand) {
		c.Limit = &topics.LimitRequest{Kind: topics.GamingDeposit, Period: topics.GamingWeek}
	}))
	in.fold(10)
	in.restart()
	for n, c := range []struct {
		amount int64
		want   topics.RefusalCode
	}{{10_001, topics.RefusedLimitExceeded}, {10_000, ""}} {
		capture := approval(3+n, 1)
		capture.Command.Type, capture.Command.Amount, capture.Command.Currency = topics.CommandCapture, c.amount, "EUR"
		in.put(topics.TypeAssessedCommand, capture)
		in.fold(10)
		if e := lastEvent(t, in); e.Refusal != c.want || (e.Type == topics.EventCaptureRequested) != (c.want == "") {
			t.Errorf("capture of %d: %s %s %s", c.amount, e.Type, e.Refusal, e.Detail)
		}
	}
	wantSound(t, in)
}

// TestALimitBindsWhatWaited: a payment that waited for a route is not asked for again above a limit that the customer has set
// meanwhile, whoever owns the partition now. It had not counted before: nobody had limits.
func TestALimitBindsWhatWaited(t *testing.T) {
	for _, test := range []struct {
		limit int64
		want  topics.EventType
	}{{9_999, topics.EventBlocked}, {10_000, topics.EventAuthorizationRequested}} {
		db := databasetest.New(t)
		in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
		first := create(1, "anna", topics.CaptureAutomatic)
		first.Command.SetupMandate = &topics.MandateTerms{Kind: topics.MandateRecurring}
		in.put(topics.TypeAssessedCommand, first)
		in.put(topics.TypePSPReport, approved(authorizeOf(1, "anna", 0), true))
		in.put(topics.TypeAssessedCommand, byMandate(2, "anna"))
		in.put(topics.TypePSPReport, declinedBy(authorizeOf(2, "anna", 2), "51", "insufficient_funds", "later"))
		in.put(topics.TypeAssessedWallet, walletCommand(3, topics.WalletSetLimit, test.limit, func(c *topics.WalletCommand) {
			c.Limit = &topics.LimitRequest{Kind: topics.GamingDeposit, Period: topics.GamingDay}
		}))
		in.fold(10)
		in.restart()
		in.put(topics.TypeTimerDue, topics.TimerDue{Generation: 2, Kind: topics.TimerRetry, Tenant: "acme", CustomerID: "anna", PaymentID: topics.PaymentID{UUID: id(2)}.String()})
		in.fold(10)
		events := outputsOf[topics.PaymentEvent](t, in.published, topics.Events)
		last := events[len(events)-1]
		if last.Type != test.want || (last.Counted != nil) != (test.want == topics.EventAuthorizationRequested) {
			t.Errorf("below a limit of %d: %s, counted %+v, want %s", test.limit, last.Type, last.Counted, test.want)
		}
		wantSound(t, in)
	}
}

// TestARefusedCommandTellsNothingOfAnothersLimits: whoever names a payment of somebody else does not learn what they deposit.
func TestARefusedCommandTellsNothingOfAnothersLimits(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	c := limited(1, "anna")
	c.Command.Authorize = false
	in.put(topics.TypeAssessedCommand, c)
	for n, whose := range [][2]string{{"other", "anna"}, {"acme", "bert"}} {
		c := limited(n+2, whose[1])
		c.Command = topics.Command{CommandID: id(n + 2).String(), Type: topics.CommandAuthorize, Tenant: whose[0], CustomerID: whose[1],
			PaymentID: topics.PaymentID{UUID: id(1)}.String()}
		in.put(topics.TypeAssessedCommand, c)
	}
	in.fold(10)
	decisions := outputsOf[topics.Decision](t, in.published, topics.Decisions)
	if len(decisions) != 3 || decisions[0].GamingLimit == nil {
		t.Fatalf("decisions %+v", decisions)
	}
	for _, d := range decisions[1:] {
		if d.GamingLimit != nil {
			t.Errorf("%s of %s is told %+v", d.CustomerID, d.Tenant, *d.GamingLimit)
		}
	}
}

// TestAWrongDateIsNotCountedThere: a command whose record was dated by a wrong clock, or by somebody who wants to, neither
// passes the limit nor makes it blind for others.
func TestAWrongDateIsNotCountedThere(t *testing.T) {
	for _, day := range []string{"2019-03-01", "2026-02-27", "2026-03-03", "2027-03-01", "9999-12-31"} {
		db := databasetest.New(t)
		in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
		for n := 1; n <= 3; n++ {
			c := limited(n, "anna")
			if n == 2 {
				c.Gaming.Day = day
			}
			in.put(topics.TypeAssessedCommand, c)
		}
		in.fold(10)
		events := outputsOf[topics.PaymentEvent](t, in.published, topics.Events)
		if last := events[len(events)-1]; last.Type != topics.EventBlocked {
			t.Errorf("after one dated %s: %s", day, last.Type)
		}
		if got := deposited(t, in); got != 20_000 {
			t.Errorf("with one dated %s, %d is counted", day, got)
		}
	}
}
