package fsck

import (
	"context"
	"fmt"
	"time"

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
	Due              *time.Time
	Kind             *string
	Generation       *int64
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
		f := payoutFold{id: id.String(), row: r, posted: map[ledger.AccountCode]int64{}}
		if !p.history("payout", "payout "+f.id, r.Positions, r.Version) {
			return
		}
		for _, position := range r.Positions {
			if err := f.record(p, position, frames); err != nil {
				p.problem("payout", "payout "+f.id, "%v", err)
				return
			}
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
	posted map[ledger.AccountCode]int64 // by its entries, debits positive
}

// record folds the events of one record and adds up its entries, those of this payout.
func (f *payoutFold) record(p *partitionCheck, position int64, frames map[int64][]byte) error {
	frame, there := frames[position]
	if !there {
		return fmt.Errorf("its positions name %d, the log has no such record", position)
	}
	_, outputs, err := p.frames.Decode(p.snapshot.partition, position, frame)
	found := false
	for i := range outputs {
		var ours bool
		if err == nil {
			ours, err = f.output(&outputs[i])
			found = found || ours
		}
	}
	if err == nil && !found {
		err = fmt.Errorf("its positions name %d, but the record there gave it no event", position)
	}
	return err
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
		var e topics.LedgerEntry
		if err := topics.UnmarshalInPlace(o.Value, &e); err != nil {
			return false, fmt.Errorf("entry %s: %w", o.Envelope.ID, err)
		}
		if e.Reference != f.id {
			return false, nil
		}
		for i, line := range e.Postings {
			if e.Tenant != f.row.Tenant || line.Owner != "" && line.Owner != f.row.Customer {
				return false, fmt.Errorf("entry %s: posting %d moves the money of %s %s, the payout's customer is %s %s",
					o.Envelope.ID, i, e.Tenant, line.Owner, f.row.Tenant, f.row.Customer)
			}
			if f.posted[ledger.AccountCode(line.Code)], err = ledger.AddMinor(f.posted[ledger.AccountCode(line.Code)], line.Amount); err != nil {
				return false, fmt.Errorf("entry %s: posting %d: %w", o.Envelope.ID, i, err)
			}
		}
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
		{"the wallet and debt", f.posted[ledger.CustomerWallet] + f.posted[ledger.CustomerDebt], f.payout.Out()},
		{"the hold account", f.posted[ledger.CustomerHold], -f.payout.Reserved()},
		{"payouts in flight", f.posted[ledger.PayoutsInFlight], -flight},
		{"the PSP's receivable and fees", f.posted[ledger.PSPReceivable] + f.posted[ledger.PSPFees], -paid},
	} {
		if m.posted != m.want {
			p.problem("payout", subject, "its entries move %s by %d, its events ask for %d", m.what, m.posted, m.want)
		}
	}
	p.payoutTimer(subject, r, f.payout.Timer)
}

func (p *partitionCheck) payoutTimer(subject string, r *payoutRow, want topics.TimerChange) {
	if r.Kind == nil {
		if want.Kind != "" {
			p.problem("timer", subject, "it holds a timer %s of generation %d, there is no row of it", want.Kind, want.Generation)
		}
		return
	}
	p.Counts.Timers.Add(1)
	if *r.Kind != string(want.Kind) || *r.Generation != want.Generation || r.Due.UnixMilli() != want.Due.UnixMilli() {
		p.problem("timer", subject, "the row is a timer %s of generation %d due %s, the payout holds %s of generation %d due %s",
			*r.Kind, *r.Generation, stamp(*r.Due), orNone(string(want.Kind)), want.Generation, stamp(want.Due))
	}
}

// payoutEvent checks an event for itself, and adds its payout to the pairs.
func (p *partitionCheck) payoutEvent(o *stream.Output, position int64, pairs []walletPair) []walletPair {
	p.Counts.Events.Add(1)
	var e topics.PayoutEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		p.problem("log", "event "+o.Envelope.ID, "%v", err)
		return pairs
	}
	if e.EventID != o.Envelope.ID {
		p.problem("log", "event "+o.Envelope.ID, "its value says event_id %s", e.EventID)
	}
	if e.Type != topics.PayoutDeadLettered {
		p.commanded(e.Tenant, e.CommandID, e.Refusal, position)
	}
	p.told.payout(&e)
	switch e.Type {
	case topics.PayoutCommandRefused, topics.PayoutDeadLettered, topics.PayoutCaseOpened:
		return pairs
	}
	if fact, ok := p.inputs.reported(e.Tenant, e.PSP, position); ok {
		p.inputs.facts = append(p.inputs.facts, fact)
	}
	id, err := topics.ParsePayoutID(e.PayoutID)
	if err != nil || id.Partition != p.snapshot.partition {
		p.problem("log", "event "+o.Envelope.ID, "payout %.64q is none of this partition", e.PayoutID)
		return pairs
	}
	return append(pairs, walletPair{"payouts", id.UUID, position, "payout " + e.PayoutID})
}
