package payments_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// again is the wallet command of number 1, a credit of 1.00 EUR, with changes.
func again(change func(*topics.WalletCommand)) *topics.AssessedWalletCommand {
	return walletCommand(1, topics.WalletCredit, 100, change)
}

// A command id stands for one command. Used for anything else it is refused, each time, and what the first one did stands.
func TestACommandIDUsedForAnotherCommandIsRefused(t *testing.T) {
	eachWay(t, func(a *asked) {
		a.put(topics.TypeAssessedWallet, again(nil))
		changes := []func(*topics.WalletCommand){
			func(c *topics.WalletCommand) { c.Amount = 101 },
			func(c *topics.WalletCommand) { c.Currency = "JPY" },
			func(c *topics.WalletCommand) { c.Reason = topics.ReasonPurchase },
			func(c *topics.WalletCommand) { c.Reason, c.RoundID = topics.ReasonGame, "r" },
			func(c *topics.WalletCommand) { c.CustomerID = "bob" },
			func(c *topics.WalletCommand) { c.Type, c.Reason = topics.WalletHold, "" },
			func(c *topics.WalletCommand) { c.EffectiveAt = start },
		}
		want := []string{"credited"}
		for _, change := range changes {
			a.put(topics.TypeAssessedWallet, again(change))
			want = append(want, "duplicate_command")
		}
		// Repeats yield nothing, whatever the trace, the texts and the time of issue.
		a.put(topics.TypeAssessedWallet, again(nil))
		a.put(topics.TypeAssessedWallet, again(func(c *topics.WalletCommand) {
			c.TraceID, c.IssuedAt, c.Description, c.Region = "another", start, "again", "eu"
		}))
		a.become(want...)
		a.has(100, 0)
		events := walletEvents(t, a.inbox)
		if e := events[5]; e.CustomerID != "bob" || e.CommandID != id(1).String() || e.Balance != nil || !strings.Contains(e.Detail, "command_id") {
			t.Errorf("the refusal of another customer's command: %+v", e)
		}
	})
}

// Payments, wallets and closings share the ids of a tenant.
func TestACommandIDUsedForAnotherKindIsRefused(t *testing.T) {
	eachWay(t, func(a *asked) {
		a.put(topics.TypeAssessedWallet, again(nil))
		a.put(topics.TypeAssessedCommand, create(1, "anna", topics.CaptureManual))
		a.put(topics.TypePeriodClose, topics.PeriodClose{CommandID: id(1).String(), Tenant: "acme", Month: "2026-02", RequestedBy: "ana", ApprovedBy: "bo"})
		a.put(topics.TypeAssessedCommand, create(2, "anna", topics.CaptureManual))
		a.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletCredit, 100, nil))
		a.become("credited", "duplicate_command")
		payments := outputsOf[topics.PaymentEvent](t, a.published, topics.Events)
		if e := payments[0]; e.Type != topics.EventCommandRefused || e.Refusal != topics.RefusedDuplicateCommand || e.PaymentID != "" {
			t.Errorf("the create with a wallet command's id: %+v", e)
		}
		if e := payments[1]; e.Type != topics.EventCreated || count(t, a.db, "payments") != 1 {
			t.Errorf("the other create: %+v", e)
		}
		periods := outputsOf[topics.PeriodClosed](t, a.published, topics.LedgerPeriods)
		if len(periods) != 1 || periods[0].Refusal != topics.RefusedDuplicateCommand || count(t, a.db, "closed_periods") != 0 {
			t.Errorf("the closing with a wallet command's id: %+v", periods)
		}
	})
}

// Two tenants know nothing of each other's ids.
func TestACommandIDOfAnotherTenantIsAnotherCommand(t *testing.T) {
	eachWay(t, func(a *asked) {
		rival := func(c *topics.WalletCommand) { c.Tenant = "rival" }
		for range 2 {
			a.put(topics.TypeAssessedWallet, again(nil))
			a.put(topics.TypeAssessedWallet, again(rival))
		}
		a.become("credited", "credited")
		// A payment has the id of its create command, within its partition whosever it is.
		a.put(topics.TypeAssessedCommand, create(2, "anna", topics.CaptureManual))
		theirs := create(2, "anna", topics.CaptureManual)
		theirs.Command.Tenant = "rival"
		a.put(topics.TypeAssessedCommand, theirs)
		a.put(topics.TypeAssessedCommand, theirs)
		a.become()
		if e := lastEvent(t, a.inbox); e.Refusal != topics.RefusedDuplicateCommand || e.Tenant != "rival" || e.PaymentID != "" || e.Status != "" {
			t.Errorf("event %+v", e)
		}
		if events := outputsOf[topics.PaymentEvent](t, a.published, topics.Events); len(events) != 3 || count(t, a.db, "payments") != 1 {
			t.Errorf("%d events, %d payments: %+v", len(events), count(t, a.db, "payments"), events)
		}
	})
}

// The ids of webhooks can be computed by whoever knows the PSP's event id: a command that takes one hinders no fact.
func TestACommandTakesNoFactsPlace(t *testing.T) {
	eachWay(t, func(a *asked) {
		a.put(topics.TypeAssessedCommand, create(1, "anna", topics.CaptureAutomatic))
		a.become()
		request := &outputsOf[topics.PSPRequest](t, a.published, topics.PSPRequests)[0]
		a.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletCredit, 5, func(c *topics.WalletCommand) { c.CommandID = deliveryOf(request) }))
		report := approved(request, true)
		report.ReportID, report.Source = deliveryOf(request), topics.SourceWebhook
		a.put(topics.TypePSPReport, report)
		a.put(topics.TypePSPReport, report)
		a.become("credited")
		a.has(10_005, 0)
	})
}

// What was remembered before ids had a scope and a fingerprint, or was restored from events, stands for any command.
func TestAnOlderCommandIDStandsForAny(t *testing.T) {
	db := databasetest.New(t)
	migration, err := os.ReadFile("../../internal/database/migrations/0009_fingerprints.sql")
	if err != nil {
		t.Fatal(err)
	}
	up, down, _ := strings.Cut(string(migration), "-- +goose Down")
	exec := func(sql string) {
		t.Helper()
		if _, err := db.Pool.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(down)
	exec(`INSERT INTO applied_inputs VALUES (0, '` + id(1).String() + `', 0)`)
	exec(up)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	in.next = 1
	in.put(topics.TypeAssessedWallet, again(nil))
	in.put(topics.TypeAssessedWallet, again(func(c *topics.WalletCommand) { c.Tenant = "rival" }))
	in.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletCredit, 100, nil))
	in.fold(10)
	if events := walletEvents(t, in); len(events) != 1 || events[0].CommandID != id(2).String() {
		t.Errorf("events %+v", events)
	}
}

// An id that the fold has forgotten may be used again, and what is then published of both can be restored: it is remembered
// of the later one. The refusal of another command under it is no use of it.
func TestACommandIDThatWasForgottenIsRestored(t *testing.T) {
	first := databasetest.New(t)
	in := newInbox(t, first, newProgram(t, first, 1, nil), 0)
	in.put(topics.TypeAssessedWallet, again(nil))
	in.fold(10)
	if _, err := first.Pool.Exec(t.Context(), `DELETE FROM applied_inputs`); err != nil {
		t.Fatal(err)
	}
	in.restart()
	in.put(topics.TypeAssessedWallet, again(nil))
	in.put(topics.TypeAssessedWallet, again(func(c *topics.WalletCommand) { c.Amount = 7 }))
	in.fold(10)
	for _, by := range []int{1, 3} {
		second := databasetest.New(t)
		into := newInbox(t, second, newProgram(t, second, 1, nil), 0)
		restorer := into.state.(stream.Restorer)
		for batch := range slices.Chunk(restored(in), by) {
			if err := restorer.LoadRestored(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			for _, r := range batch {
				if err := restorer.Restore(r); err != nil {
					t.Fatal(err)
				}
			}
			if err := into.write(t.Context()); err != nil {
				t.Fatal(err)
			}
			into.state.Written()
		}
		var position int64
		if err := second.Pool.QueryRow(t.Context(), `SELECT position FROM applied_inputs`).Scan(&position); err != nil || position != 1 {
			t.Errorf("batches of %d: remembered at %d: %v", by, position, err)
		}
		if got := -balance(t, second, "customer_wallet"); got != 200 {
			t.Errorf("batches of %d: wallet %d", by, got)
		}
	}
}
