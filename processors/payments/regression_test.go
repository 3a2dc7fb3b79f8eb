package payments_test

import (
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// What users of other ledgers ran into, on the fold with its database. Each test cites the public issue. Those that take
// several clients at once are in internal/faulttest, those of payments alone in lifecycle.

// asked folds wallet commands of anna, in one batch or each by itself with a new state before it, and returns what became of
// each.
type asked struct {
	*inbox
	t  *testing.T
	n  int
	by int // records in a batch
}

// eachWay runs a story with commands in one batch, and one by one with restarts.
func eachWay(t *testing.T, story func(*asked)) {
	for name, by := range map[string]int{"in one batch": 100, "one by one, with restarts": 1} {
		t.Run(name, func(t *testing.T) {
			db := databasetest.New(t)
			a := &asked{newInbox(t, db, newProgram(t, db, 1, nil), 0), t, 0, by}
			story(a)
			checkChain(t, db, 1)
			wantSound(t, a.inbox)
		})
	}
}

// wallet puts a command; id is that of its hold, where it opens one.
func (a *asked) wallet(kind topics.WalletCommandType, amount int64, change func(*topics.WalletCommand)) (id string) {
	a.n++
	c := walletCommand(a.n, kind, amount, change)
	a.put(topics.TypeAssessedWallet, c)
	return c.Command.CommandID
}

func ofHold(hold string) func(*topics.WalletCommand) {
	return func(c *topics.WalletCommand) { c.HoldID = hold }
}

// become folds what was put, and compares what came of it: event types, or the codes of refusals.
func (a *asked) become(want ...string) {
	a.t.Helper()
	before := len(walletEvents(a.t, a.inbox))
	for len(a.pending) > 0 {
		n := min(a.by, len(a.pending))
		a.batch(a.pending[:n])
		a.pending = a.pending[n:]
		if a.by == 1 {
			a.restart()
		}
	}
	var got []string
	for _, e := range walletEvents(a.t, a.inbox)[before:] {
		if e.Refusal != "" {
			got = append(got, string(e.Refusal))
		} else {
			got = append(got, string(e.Type))
		}
	}
	if !slices.Equal(got, want) {
		a.t.Errorf("commands became %q, want %q", got, want)
	}
}

// has compares what anna has.
func (a *asked) has(available, held int64) {
	a.t.Helper()
	if w, h := -balance(a.t, a.db, "customer_wallet"), -balance(a.t, a.db, "customer_hold"); w != available || h != held {
		a.t.Errorf("available %d, held %d; want %d and %d", w, h, available, held)
	}
}

// https://github.com/blnkfinance/blnk/issues/181: five holds of 1000 on a balance of 5000, and a sixth is taken.
func TestRegressionHoldsCountInTheFundsCheck(t *testing.T) {
	eachWay(t, func(a *asked) {
		a.wallet(topics.WalletCredit, 5000, nil)
		for range 6 {
			a.wallet(topics.WalletHold, 1000, nil)
		}
		a.wallet(topics.WalletDebit, 1, nil)
		a.become("credited", "held", "held", "held", "held", "held", "insufficient_funds", "insufficient_funds")
		a.has(0, 5000)
		// A refund takes from the wallet, too: what is held is not there for it.
		payment := captured(a.t, a.inbox, 1000, "anna")
		a.wallet(topics.WalletHold, 9000, nil)
		a.put(topics.TypeAssessedCommand, &topics.AssessedCommand{Command: topics.Command{CommandID: id(1001).String(),
			Type: topics.CommandRefund, Tenant: "acme", CustomerID: "anna", PaymentID: payment, Amount: 1001, Currency: "EUR"}})
		a.become("held")
		if e := lastEvent(a.t, a.inbox); e.Refusal != topics.RefusedInsufficientFunds {
			t.Errorf("the refund of what is held: %+v", e)
		}
		a.has(1000, 14_000)
	})
}

// https://github.com/blnkfinance/blnk/issues/182: a hold that was rejected for want of money is committed all the same, and
// so is one that has ended.
func TestRegressionARejectedHoldIsNotCaptured(t *testing.T) {
	eachWay(t, func(a *asked) {
		a.wallet(topics.WalletCredit, 100, nil)
		rejected := a.wallet(topics.WalletHold, 101, nil)
		a.wallet(topics.WalletCaptureHold, 0, ofHold(rejected))
		released := a.wallet(topics.WalletHold, 60, nil)
		a.wallet(topics.WalletReleaseHold, 0, ofHold(released))
		a.wallet(topics.WalletCaptureHold, 60, ofHold(released))
		spent := a.wallet(topics.WalletHold, 30, nil)
		a.wallet(topics.WalletCaptureHold, 0, ofHold(spent))
		a.wallet(topics.WalletCaptureHold, 0, ofHold(spent))
		late := a.wallet(topics.WalletHold, 50, func(c *topics.WalletCommand) { c.ExpiresAt = start.Add(time.Hour) })
		a.become("credited", "insufficient_funds", "unknown_account", "held", "hold_released", "finished", "held", "hold_captured",
			"finished", "held")
		due := dueTimers(t, a.db)
		if len(due) != 1 {
			t.Fatalf("%d timers", len(due))
		}
		a.put(topics.TypeTimerDue, due[0])
		a.wallet(topics.WalletCaptureHold, 50, ofHold(late))
		a.become("hold_expired", "finished")
		a.has(70, 0)
	})
}

// https://github.com/blnkfinance/blnk/issues/62: more is committed than is held. Wallets have no such thing: not at once, not
// in parts.
func TestRegressionACaptureStaysWithinTheHold(t *testing.T) {
	eachWay(t, func(a *asked) {
		a.wallet(topics.WalletCredit, 1000, nil)
		hold := a.wallet(topics.WalletHold, 100, nil)
		for _, amount := range []int64{101, 60, 41, 40, 1} {
			a.wallet(topics.WalletCaptureHold, amount, ofHold(hold))
		}
		a.become("credited", "held", "exceeds_authorized", "hold_captured", "exceeds_authorized", "hold_captured", "finished")
		a.has(900, 0)
	})
}

// https://github.com/blnkfinance/blnk/issues/42: the money of a payment that was voided comes late, and there is no way to
// book it. Here what the PSP says is booked, on a wallet that was closed, too; a released hold stays released.
func TestRegressionALateMovementAfterAVoid(t *testing.T) {
	eachWay(t, func(a *asked) {
		a.wallet(topics.WalletCredit, 100, nil)
		hold := a.wallet(topics.WalletHold, 100, nil)
		a.wallet(topics.WalletReleaseHold, 0, ofHold(hold))
		a.wallet(topics.WalletReleaseHold, 0, ofHold(hold))
		a.wallet(topics.WalletDebit, 100, nil)
		a.wallet(topics.WalletClose, 0, nil)
		a.put(topics.TypeAssessedCommand, create(1000, "anna", topics.CaptureManual))
		a.become("credited", "held", "hold_released", "finished", "debited", "closed")
		a.has(0, 0)
		authorize := a.answerLast(func(*topics.PSPReport) {})
		payment := func(n int, kind topics.CommandType) {
			a.put(topics.TypeAssessedCommand, &topics.AssessedCommand{Command: topics.Command{CommandID: id(n).String(), Type: kind,
				Tenant: "acme", CustomerID: "anna", PaymentID: authorize.PaymentID, Currency: "EUR"}})
			a.become()
		}
		payment(1001, topics.CommandCapture)
		capture := a.answerLast(func(r *topics.PSPReport) { r.Outcome, r.Fee = topics.PSPFailed, 0 })
		payment(1002, topics.CommandVoid)
		a.answerLast(func(r *topics.PSPReport) { r.Fee = 0 })
		if e := lastEvent(t, a.inbox); e.Status != topics.StatusVoided {
			t.Fatalf("the payment is not voided: %+v", e)
		}
		late := *capture
		late.ReportID, late.Source, late.Outcome = id(1003).String(), topics.SourceWebhook, topics.PSPApproved
		a.put(topics.TypePSPReport, late)
		a.become()
		a.has(10_000, 0)
	})
}

// answerLast has the PSP approve the last request, with changes, and returns its report.
func (a *asked) answerLast(change func(*topics.PSPReport)) *topics.PSPReport {
	a.t.Helper()
	requests := outputsOf[topics.PSPRequest](a.t, a.published, topics.PSPRequests)
	report := approved(&requests[len(requests)-1], false)
	report.ReportID = deliveryOf(&requests[len(requests)-1])
	change(report)
	a.put(topics.TypePSPReport, report)
	a.become()
	return report
}

// https://github.com/formancehq/stack/issues/1596: a bulk that fails in its middle is applied up to there. A record is
// applied whole or not at all, whatever of it the database refuses, and the others of its batch are applied.
func TestRegressionARecordIsAppliedWhole(t *testing.T) {
	db := databasetest.New(t)
	original := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	february := start.AddDate(0, 0, -7)
	for n, currency := range []string{"EUR", "JPY"} {
		original.put(topics.TypeAssessedWallet, walletCommand(1+n, topics.WalletCredit, 500, func(c *topics.WalletCommand) {
			c.Currency, c.Reason, c.RoundID, c.EffectiveAt = currency, topics.ReasonGame, "round-"+currency, february
		}))
	}
	original.put(topics.TypePeriodClose, topics.PeriodClose{CommandID: id(3).String(), Tenant: "acme", Month: "2026-02",
		RequestedBy: "ana", ApprovedBy: "bo"})
	original.put(topics.TypeAssessedWallet, walletCommand(4, topics.WalletHold, 60, func(c *topics.WalletCommand) {
		c.ExpiresAt = start.Add(time.Hour)
	}))
	original.put(topics.TypeAssessedWallet, walletCommand(5, topics.WalletDebit, 70, nil))
	original.fold(10)
	whole := count(t, db, "entries")
	for name, c := range map[string]struct {
		refuse  string // a trigger's table and condition
		entries int    // fewer than where nothing is refused
		gone    map[string]int
	}{
		"the second entry of a closing": {"entries FOR EACH ROW WHEN (NEW.template = 'period_closed' AND NEW.ordinal = 1)", 2,
			map[string]int{"closed_periods": 0, "entries WHERE template = 'period_closed'": 0, "holds": 1, "timers": 1}},
		"the row of a hold": {"holds FOR EACH ROW", 1,
			map[string]int{"closed_periods": 1, "entries WHERE template = 'hold_placed'": 0, "holds": 0, "timers": 0, "accounts WHERE code = 'customer_hold'": 0}},
		"the timer of a hold": {"timers FOR EACH ROW", 1,
			map[string]int{"closed_periods": 1, "entries WHERE template = 'hold_placed'": 0, "holds": 0, "timers": 0, "accounts WHERE code = 'customer_hold'": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplay(t, original)
			if r.db.Dialect != database.PostgreSQL {
				t.Skip("the trigger is PostgreSQL's")
			}
			r.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '23514'; END $$`)
			r.exec("CREATE TRIGGER refuse BEFORE INSERT ON " + c.refuse + " EXECUTE FUNCTION refuse()")
			stop := r.start()
			r.wait()
			stop()
			if got := count(t, r.db, "entries"); got != whole-c.entries {
				t.Errorf("%d entries, want %d of %d", got, whole-c.entries, whole)
			}
			for rows, want := range c.gone {
				if got := count(t, r.db, rows); got != want {
					t.Errorf("%d rows of %s, want %d", got, rows, want)
				}
			}
			if letters := r.committed(topics.InboxDeadLetters); len(letters) != 1 {
				t.Errorf("%d dead letters, want one: %q", len(letters), letters)
			}
			for _, value := range r.committed(topics.Events) {
				t.Errorf("an event of a payment tells of it: %s", value)
			}
			r.sound()
		})
	}
}

// https://github.com/formancehq/ledger/issues/1232: what was committed is not published where the process ends in between.
func TestRegressionEventsAreNotLostAfterTheCommit(t *testing.T) {
	_, inboxes := playMixed(t, variant{partitions: 1, batch: 1000})
	r := newReplay(t, inboxes[0])
	var passed atomic.Int64
	stop := r.start(func(c *stream.FoldConfig) {
		c.Hook = func(point stream.Point, _ int32) error {
			if point == stream.AfterDatabaseCommit && passed.Add(1)%2 == 1 {
				return errors.New("injected")
			}
			return nil
		}
	})
	r.check(stop)
	if passed.Load() < 10 {
		t.Errorf("the point was passed %d times: shows nothing", passed.Load())
	}
	want := map[string][]string{}
	for _, o := range inboxes[0].outputsInOrder() {
		want[o.Topic] = append(want[o.Topic], string(o.Value))
	}
	for _, topic := range []string{topics.WalletEvents, topics.Entries, topics.Events, topics.LedgerPeriods} {
		if got := r.committed(topic); len(got) == 0 || !slices.Equal(got, want[topic]) {
			t.Errorf("%s: %d records are published, want %d", topic, len(got), len(want[topic]))
		}
	}
}

// committed reads the values of a topic as a consumer with read_committed does.
func (r *replay) committed(topic string) (values []string) {
	r.t.Helper()
	options := r.broker.Config.Options(slog.New(slog.DiscardHandler))
	ends, err := kadm.NewClient(r.broker.Client(r.t)).ListCommittedOffsets(r.t.Context(), topic)
	if err != nil {
		r.t.Fatal(err)
	}
	end, _ := ends.Lookup(topic, 0)
	reader, err := broker.OpenPartition(options, topic, 0, 0, end.Offset)
	if err != nil {
		r.t.Fatal(err)
	}
	defer reader.Close()
	for {
		record, err := reader.Next(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if record == nil {
			return values
		}
		values = append(values, string(record.Value))
	}
}
