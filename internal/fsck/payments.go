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
	ID         [16]byte
	Tenant     string
	Customer   string
	Status     string
	Version    int64
	Positions  []int64
	State      []byte
	Due        *time.Time
	Kind       *string
	Generation *int64
	TimerOwner *string // customer of the timer
}

func (r *paymentRow) place() (id [16]byte, positions []int64) { return r.ID, r.Positions }

// payments walks the payments of the partition. A payment may change while it is checked: its row names the records that
// made it, and those never change.
func (p *partitionCheck) payments(ctx context.Context) error {
	return walkRows(ctx, p, `
SELECT p.id, p.tenant, p.customer, p.status, p.version, p.positions, p.state, t.due, t.kind, t.generation, t.customer
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
	f := &paymentFold{check: p, subject: "payment " + id.String(), id: id.String(), row: r}
	if !p.history("payment", f.subject, r.Positions, r.Version) {
		return
	}
	for _, position := range r.Positions {
		frame, ok := frames[position]
		if !ok {
			f.problem("payment", "its positions name %d, the log has no such record", position)
			return
		}
		if err := f.record(position, frame); err != nil {
			f.problem("payment", "%v", err)
			return
		}
	}
	if f.payment == nil {
		f.problem("payment", "no event creates it")
		return
	}
	p.sources.deposited(f.payment, r.Version >= p.next)
	p.sources.told(f.payment, f.latest)
	p.uses.payment(f.payment, r.Version >= p.next)
	p.disputed.payment(f.payment, r.Version >= p.next)
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
	posted  map[ledger.AccountCode]int64 // by its entries, debits positive
	learnt  []lifecycle.Reference
	latest  time.Time // event
}

func (f *paymentFold) problem(check, format string, args ...any) {
	f.check.problem(check, f.subject, format, args...)
}

// record folds the events of one record and adds up its entries, those of this payment.
func (f *paymentFold) record(position int64, frame []byte) error {
	_, outputs, err := f.check.frames.Decode(f.check.snapshot.partition, position, frame)
	if err != nil {
		return err
	}
	found := false
	for i := range outputs {
		o := &outputs[i]
		switch o.Topic {
		case topics.Events:
			ours, err := f.event(o, position)
			if err != nil {
				return err
			}
			found = found || ours
		case topics.Entries:
			if err := f.entry(o); err != nil {
				return err
			}
		}
	}
	if !found {
		return fmt.Errorf("its positions name %d, but the record there gave it no event", position)
	}
	return nil
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

// entry adds up what the payment's entries moved. They must move the money of its own customer.
func (f *paymentFold) entry(o *stream.Output) error {
	var e topics.LedgerEntry
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		return fmt.Errorf("entry %s: %w", o.Envelope.ID, err)
	}
	if _, err := topics.ParseDisputeID(e.Reference); err == nil || e.PaymentID != f.id {
		return nil // a dispute's are compared with the dispute, whose records need not change the payment
	}
	if f.posted == nil {
		f.posted = make(map[ledger.AccountCode]int64)
	}
	for i, line := range e.Postings {
		if e.Tenant != f.row.Tenant || line.Owner != "" && line.Owner != f.row.Customer {
			return fmt.Errorf("entry %s: posting %d moves the money of %s %s, the payment's customer is %s %s",
				o.Envelope.ID, i, e.Tenant, line.Owner, f.row.Tenant, f.row.Customer)
		}
		sum, err := ledger.AddMinor(f.posted[ledger.AccountCode(line.Code)], line.Amount)
		if err != nil {
			return fmt.Errorf("entry %s: posting %d: %w", o.Envelope.ID, i, err)
		}
		f.posted[ledger.AccountCode(line.Code)] = sum
	}
	return nil
}

// compare compares the stored state with the fold.
func (f *paymentFold) compare() {
	if f.payment.Tenant != f.row.Tenant || f.payment.Customer != f.row.Customer {
		f.problem("payment", "the row is of %s %s, the events are of %s %s",
			f.row.Tenant, f.row.Customer, f.payment.Tenant, f.payment.Customer)
	}
	if n := f.check.partitions; n > 0 {
		if home := topics.PartitionOf(f.row.Tenant, f.row.Customer, n); home != f.check.snapshot.partition {
			f.problem("payment", "its customer %s %s belongs to partition %d", f.row.Tenant, f.row.Customer, home)
		}
	}
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
// and what the PSP owes for it. What its disputes moved is compared with these, by disputes.
func (f *paymentFold) money() {
	t, stray := f.payment.Totals(), f.payment.Stray()
	posted := func(codes ...ledger.AccountCode) (sum int64) {
		for _, code := range codes {
			sum += f.posted[code]
		}
		return sum
	}
	for _, m := range []struct {
		what         string
		posted, want int64
	}{
		{"wallet, debt and suspense", posted(ledger.CustomerWallet, ledger.CustomerDebt, ledger.Suspense),
			t.Refunding + t.Refunded - t.Captured - stray},
		{"refunds in flight", posted(ledger.RefundsInFlight), -t.Refunding},
		{"the PSP's receivable and fees", posted(ledger.PSPReceivable, ledger.PSPFees), t.Captured - t.Refunded + stray},
	} {
		if m.posted != m.want {
			f.problem("payment", "its entries move %s by %d, its amounts %+v and %d of attempts that were given up ask for %d", m.what, m.posted, t, stray, m.want)
		}
	}
}

// timer compares the stored timer with the one that the payment holds.
func (f *paymentFold) timer() {
	want := f.payment.Timer
	if f.row.Kind == nil {
		if want.Kind != "" {
			f.problem("timer", "it holds a timer %s of generation %d, there is no row of it", want.Kind, want.Generation)
		}
		return
	}
	f.check.Counts.Timers.Add(1)
	got := topics.TimerChange{Kind: topics.TimerKind(*f.row.Kind), Due: *f.row.Due, Generation: *f.row.Generation}
	if got.Kind != want.Kind || got.Generation != want.Generation || got.Due.UnixMilli() != want.Due.UnixMilli() {
		f.problem("timer", "the row is a timer %s of generation %d due %s, the payment holds %s of generation %d due %s",
			got.Kind, got.Generation, stamp(got.Due), orNone(string(want.Kind)), want.Generation, stamp(want.Due))
	}
	if *f.row.TimerOwner != f.row.Customer {
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
