package fsck

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

type payoutRow struct {
	madeBy
	Currency, Status string
	Reserved         int64
	State            string
	timerRow
}

// payouts folds each payout again and compares: its state, what its entries moved (U2), its timer.
func (p *partitionCheck) payouts(ctx context.Context) error {
	return walkRows(ctx, p, `
SELECT p.id, p.tenant, p.customer, p.version, p.positions, p.currency, p.status, p.reserved, p.state, t.due, t.kind, t.generation
FROM payouts p LEFT JOIN LATERAL (
	SELECT due, kind, generation FROM timers WHERE partition = p.partition AND payment = p.id AND tenant = p.tenant AND customer = p.customer LIMIT 1) t ON true
WHERE p.partition = $1 AND p.id >= $2 ORDER BY p.id LIMIT $3`, func(r *payoutRow, frames map[int64][]byte) {
		p.Counts.Payouts.Add(1)
		id := topics.PayoutID{Partition: p.snapshot.partition, UUID: r.ID}
		f := payoutFold{id: id.String(), row: r, moved: moved{}}
		if !p.records("payout", "payout "+f.id, &r.madeBy, frames, f.record) {
			return
		}
		p.home("payout", "payout "+f.id, &r.madeBy, r.ID)
		p.payout(&f)
		p.sources.paidOut(f.payout, r.Version >= p.next)
	})
}

// payoutFold is one payout as the log tells of it.
type payoutFold struct {
	id     string
	row    *payoutRow
	payout *payouts.Payout
	moved  // by its entries
}

// record folds the events of one record and adds up its entries, those of this payout.
func (f *payoutFold) record(_ int64, outputs []stream.Output) (found bool, err error) {
	for i := range outputs {
		ours, err := f.output(&outputs[i])
		if err != nil {
			return false, err
		}
		found = found || ours
	}
	return found, nil
}

func (f *payoutFold) output(o *stream.Output) (ours bool, err error) {
	switch o.Topic {
	case topics.PayoutEvents:
		var e topics.PayoutEvent
		if err := topics.Unmarshal(o.Value, &e); err != nil {
			return false, fmt.Errorf("event %s: %w", o.Envelope.ID, err)
		}
		if e.PayoutID != f.id {
			return false, nil
		}
		if f.payout, err = payouts.Evolve(f.payout, &e); err != nil {
			return true, err
		}
		return true, payouts.Check(f.payout, &e)
	case topics.Entries:
		return false, f.add(o, &f.row.madeBy, "payout", func(e *topics.LedgerEntry) bool { return e.Reference == f.id })
	}
	return false, nil
}

// payout compares the row with the fold.
func (p *partitionCheck) payout(f *payoutFold) {
	subject, r := "payout "+f.id, f.row
	if f.payout == nil {
		p.problem("payout", subject, "no event creates it")
		return
	}
	state, err := f.payout.Encode()
	switch {
	case err != nil:
		p.problem("payout", subject, "%v", err)
	case f.payout.Tenant != r.Tenant || f.payout.Customer != r.Customer:
		p.problem("payout", subject, "the row is of %s %s, the events are of %s %s", r.Tenant, r.Customer, f.payout.Tenant, f.payout.Customer)
	case r.Status != string(f.payout.Status()) || r.Currency != string(f.payout.Currency) || r.Reserved != f.payout.Reserved():
		p.problem("payout", subject, "the row says %s, %d of %s set aside; the fold of its events gives %s, %d of %s", r.Status, r.Reserved, r.Currency,
			f.payout.Status(), f.payout.Reserved(), f.payout.Currency)
	case r.State != string(state):
		p.problem("payout", subject, "its state differs from the fold of its events")
	}
	var flight, paid int64
	if f.payout.Place == payouts.PlaceFlight {
		flight = f.payout.Amount
	}
	if paid = f.payout.Excess; f.payout.Place == payouts.PlacePaid {
		paid += f.payout.Amount
	}
	for _, m := range []struct {
		what         string
		posted, want int64
	}{
		{"the wallet and debt", f.of(ledger.CustomerWallet, ledger.CustomerDebt), f.payout.Out()},
		{"the hold account", f.of(ledger.CustomerHold), -f.payout.Reserved()},
		{"payouts in flight", f.of(ledger.PayoutsInFlight), -flight},
		{"the PSP's receivable and fees", f.of(ledger.PSPReceivable, ledger.PSPFees), -paid},
	} {
		if m.posted != m.want {
			p.problem("payout", subject, "its entries move %s by %d, its events ask for %d", m.what, m.posted, m.want)
		}
	}
	p.timer(subject, "payout", &r.timerRow, f.payout.Timer)
}

// payoutEvent checks an event for itself, and adds its payout to the pairs.
func (p *partitionCheck) payoutEvent(o *stream.Output, position int64, pairs []walletPair) []walletPair {
	var e topics.PayoutEvent
	err := topics.Unmarshal(o.Value, &e)
	if !p.caused(o, e.Caused(), position, err) {
		return pairs
	}
	p.told.payout(&e)
	switch e.Type {
	case topics.PayoutCommandRefused, topics.PayoutDeadLettered, topics.PayoutCaseOpened:
		return pairs
	}
	p.reported(e.Tenant, e.PSP, position)
	id, err := topics.ParsePayoutID(e.PayoutID)
	return p.changed(pairs, o, position, "payouts", "payout", e.PayoutID, id.Partition, id.UUID, err)
}
