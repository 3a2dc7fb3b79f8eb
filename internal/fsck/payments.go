package fsck

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// paymentRow is a row of payments with its timer, both of one moment.
type paymentRow struct {
	madeBy
	Status string
	State  []byte
	timerRow
	TimerOwner *string // customer of the timer
}

// payments walks the payments of the partition. A payment may change while it is checked: its row names the records that
// made it, and those never change.
func (p *partitionCheck) payments(ctx context.Context) error {
	return walkRows(ctx, p, `
SELECT p.id, p.tenant, p.customer, p.version, p.positions, p.status, p.state, t.due, t.kind, t.generation, t.customer
FROM payments p LEFT JOIN LATERAL (
	SELECT due, kind, generation, customer FROM timers
	WHERE partition = p.partition AND payment = p.id AND tenant = p.tenant LIMIT 1) t ON true
WHERE p.partition = $1 AND p.id >= $2 ORDER BY p.id LIMIT $3`, func(r *paymentRow, frames map[int64][]byte) {
		p.Counts.Payments.Add(1)
		p.payment(r, frames)
		p.lookUpReferences(ctx, pageReferences)
	})
}

// payment folds one payment again and compares.
func (p *partitionCheck) payment(r *paymentRow, frames map[int64][]byte) {
	id := topics.PaymentID{Partition: p.snapshot.partition, UUID: r.ID}
	f := &paymentFold{check: p, subject: "payment " + id.String(), id: id.String(), row: r, moved: moved{}}
	if !p.records("payment", f.subject, &r.madeBy, frames, f.record) {
		return
	}
	if f.payment == nil {
		f.problem("payment", "no event creates it")
		return
	}
	p.sources.deposited(f.payment, r.Version >= p.next)
	p.sources.told(f.payment, f.latest)
	p.uses.payment(f.payment, r.Version >= p.next)
	p.disputed.payment(f.payment, f.of(ledger.Suspense), r.Version >= p.next)
	if f.payment.Mandate != nil {
		p.mandated[f.payment.ID] = struct{}{}
	}
	f.compare()
	f.invariants()
	f.money()
	f.timer()
}

// paymentFold is one payment as the log tells of it.
type paymentFold struct {
	check   *partitionCheck
	subject string
	id      string
	row     *paymentRow
	payment *lifecycle.Payment
	moved   // by its entries
	learnt  []lifecycle.Reference
	latest  time.Time // event
}

func (f *paymentFold) problem(check, format string, args ...any) {
	f.check.problem(check, f.subject, format, args...)
}

// record folds the events of one record and adds up its entries, those of this payment.
func (f *paymentFold) record(position int64, outputs []stream.Output) (found bool, err error) {
	for i := range outputs {
		switch o := &outputs[i]; o.Topic {
		case topics.Events:
			ours, err := f.event(o, position)
			if err != nil {
				return false, err
			}
			found = found || ours
		case topics.Entries:
			if err := f.add(o, &f.row.madeBy, "payment", f.books); err != nil {
				return false, err
			}
		}
	}
	return found, nil
}

func (f *paymentFold) event(o *stream.Output, position int64) (ours bool, err error) {
	var e topics.PaymentEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		return false, fmt.Errorf("event %s: %w", o.Envelope.ID, err)
	}
	if e.PaymentID != f.id {
		return false, nil
	}
	named, before := f.payment.Named(&e), payouts.Deposited(f.payment)
	if f.payment, err = lifecycle.Evolve(f.payment, &e); err != nil {
		return true, err
	}
	f.learn(named, position)
	if e.At.After(f.latest) {
		f.latest = e.At
	}
	if payouts.Deposited(f.payment) > before {
		f.check.sources.deposit(f.payment, e.At, position)
	}
	return true, lifecycle.Check(f.payment, &e)
}

// books says that an entry is the payment's. A dispute's are compared with the dispute, whose records need not change the payment.
func (f *paymentFold) books(e *topics.LedgerEntry) bool {
	_, err := topics.ParseDisputeID(e.Reference)
	return e.PaymentID == f.id && err != nil
}

// compare compares the stored state with the fold.
func (f *paymentFold) compare() {
	if f.payment.Tenant != f.row.Tenant || f.payment.Customer != f.row.Customer {
		f.problem("payment", "the row is of %s %s, the events are of %s %s",
			f.row.Tenant, f.row.Customer, f.payment.Tenant, f.payment.Customer)
	}
	f.check.home("payment", f.subject, &f.row.madeBy, f.row.ID)
	if status := string(f.payment.Status()); status != f.row.Status {
		f.problem("payment", "status %s, the fold of its events gives %s", f.row.Status, status)
	}
	if bytes.Equal(f.payment.Append(nil), f.row.State) {
		return
	}
	stored, err := lifecycle.Decode(f.payment.Key(), f.row.State)
	switch {
	case err != nil:
		f.problem("payment", "its state does not decode: %v", err)
	case stored.Totals() != f.payment.Totals():
		f.problem("payment", "amounts %+v, the fold of its events gives %+v", stored.Totals(), f.payment.Totals())
	default:
		f.problem("payment", "its state differs from the fold of its events")
	}
}

// invariants checks P1 to P3, which only a case may excuse, and P5 to P7.
func (f *paymentFold) invariants() {
	if err := lifecycle.CheckInvariants(f.payment); err != nil {
		f.problem("P", "%v", err)
	}
}

// money compares the payment's amounts with what its entries moved: what the customer was given, what is on its way back,
// and what the PSP owes for it. What its disputes moved is compared with these, and suspense by itself with both, by disputes;
// what of the customer's is debt follows from what the wallet had then, which told adds up.
func (f *paymentFold) money() {
	t, stray := f.payment.Totals(), f.payment.Stray()
	for _, m := range []struct {
		what         string
		posted, want int64
	}{
		{"wallet, debt and suspense", f.of(ledger.CustomerWallet, ledger.CustomerDebt, ledger.Suspense),
			t.Refunding + t.Refunded - t.Captured - stray},
		{"refunds in flight", f.of(ledger.RefundsInFlight), -t.Refunding},
		{"the PSP's receivable and fees", f.of(ledger.PSPReceivable, ledger.PSPFees), t.Captured - t.Refunded + stray},
	} {
		if m.posted != m.want {
			f.problem("payment", "its entries move %s by %d, its amounts %+v and %d of attempts that were given up ask for %d", m.what, m.posted, t, stray, m.want)
		}
	}
}

// timer compares the stored timer with the one that the payment holds.
func (f *paymentFold) timer() {
	f.check.timer(f.subject, "payment", &f.row.timerRow, f.payment.Timer)
	if f.row.Kind != nil && *f.row.TimerOwner != f.row.Customer {
		f.problem("timer", "the row names customer %s", *f.row.TimerOwner)
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// timers looks for timers of payments, payouts, disputes and holds that do not exist.
func (p *partitionCheck) timers(ctx context.Context) error {
	type row struct {
		Owner      [16]byte
		Kind       string
		Generation int64
	}
	rows, err := collect[row](ctx, p.checker, `
SELECT t.payment, t.kind, t.generation FROM timers t
LEFT JOIN payments p ON p.partition = t.partition AND p.id = t.payment AND p.tenant = t.tenant AND t.kind <> $2
LEFT JOIN holds h ON h.partition = t.partition AND h.id = t.payment AND h.tenant = t.tenant AND t.kind = $2
LEFT JOIN payouts o ON o.partition = t.partition AND o.id = t.payment AND o.tenant = t.tenant
LEFT JOIN disputes d ON d.partition = t.partition AND d.id = t.payment AND d.tenant = t.tenant
LEFT JOIN payment_links l ON l.partition = t.partition AND l.id = t.payment AND l.tenant = t.tenant
WHERE t.partition = $1 AND p.id IS NULL AND h.id IS NULL AND o.id IS NULL AND l.id IS NULL AND d.id IS NULL ORDER BY t.payment LIMIT $3`,
		p.snapshot.partition, string(topics.TimerHoldExpire), maxListed+1)
	if err != nil {
		return fmt.Errorf("look for timers of nothing: %w", err)
	}
	for _, r := range listed(p, "timer", rows) {
		if r.Kind == string(topics.TimerHoldExpire) {
			p.problem("timer", fmt.Sprintf("hold %x", r.Owner), "a timer %s of generation %d, but there is no such hold", r.Kind, r.Generation)
			continue
		}
		id := topics.PaymentID{Partition: p.snapshot.partition, UUID: r.Owner}
		p.problem("timer", "payment "+id.String(), "a timer %s of generation %d, but there is no such payment", r.Kind, r.Generation)
	}
	return nil
}
