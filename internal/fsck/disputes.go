package fsck

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

type disputeRow struct {
	madeBy
	Payment          [16]byte
	Currency, Status string
	Taken            int64
	State            string
	EvidenceDue      *time.Time
	Opened           time.Time
	Due              *time.Time
	Kind             *string
	Generation       *int64
}

// disputedSums are what payments say of their disputes, less what these say: by the payments' keys.
type disputedSums struct {
	of     map[uuid.UUID]*disputedSum
	unsure bool // there are more than are kept
}

type disputedSum struct {
	disputing, disputed int64
	unsure              bool // a record that is not checked has changed one
}

func (s *disputedSums) add(payment uuid.UUID, disputing, disputed int64, unsure bool) {
	if s.unsure {
		return
	}
	sum := s.of[payment]
	if sum == nil {
		if len(s.of) == maxAccounts {
			s.unsure, s.of = true, nil
			return
		}
		sum = &disputedSum{}
		s.of[payment] = sum
	}
	sum.disputing, sum.disputed, sum.unsure = sum.disputing+disputing, sum.disputed+disputed, sum.unsure || unsure
}

// payment takes what a payment says.
func (s *disputedSums) payment(p *lifecycle.Payment, unsure bool) {
	if p.Disputing != 0 || p.Disputed != 0 || unsure {
		s.add(p.ID.UUID, p.Disputing, p.Disputed, unsure)
	}
}

// disputes folds each dispute again and compares: its state, what its entries moved (D1), its timer; what all of a payment took
// with what the payment says (D2); and that what it gave back above what it took stood in suspense.
func (p *partitionCheck) disputes(ctx context.Context) error {
	err := walkRows(ctx, p, `
SELECT p.id, p.tenant, p.customer, p.version, p.positions, p.payment, p.currency, p.status, p.taken, p.state, p.due, p.opened, t.due, t.kind, t.generation
FROM disputes p LEFT JOIN LATERAL (
	SELECT due, kind, generation FROM timers WHERE partition = p.partition AND payment = p.id AND tenant = p.tenant AND customer = p.customer LIMIT 1) t ON true
WHERE p.partition = $1 AND p.id >= $2 ORDER BY p.id LIMIT $3`, func(r *disputeRow, frames map[int64][]byte) {
		p.Counts.Disputes.Add(1)
		id := topics.DisputeID{Partition: p.snapshot.partition, UUID: r.ID}
		f := disputeFold{id: id.String(), row: r, posted: map[ledger.AccountCode]int64{}}
		if !p.history("dispute", "dispute "+f.id, r.Positions, r.Version) {
			return
		}
		for _, position := range r.Positions {
			if err := f.record(p, position, frames); err != nil {
				p.problem("dispute", "dispute "+f.id, "%v", err)
				return
			}
		}
		p.home("dispute", "dispute "+f.id, &r.madeBy, r.ID)
		p.dispute(&f)
		if f.dispute != nil {
			p.disputed.add(r.Payment, -f.dispute.AtRisk(), -f.dispute.Taken(), r.Version >= p.next)
		}
	})
	if err != nil {
		return err
	}
	for key, sum := range p.disputed.of {
		if !sum.unsure && (sum.disputing != 0 || sum.disputed != 0) {
			id := topics.PaymentID{Partition: p.snapshot.partition, UUID: key}
			p.problem("dispute", "payment "+id.String(), "D2: it says %d more in dispute and %d more taken than its disputes do", sum.disputing, sum.disputed)
		}
	}
	return nil
}

// disputeFold is one dispute as the log tells of it.
type disputeFold struct {
	id      string
	row     *disputeRow
	dispute *disputes.Dispute
	posted  map[ledger.AccountCode]int64 // by its entries, debits positive
}

// record folds the events of one record and adds up its entries, those of this dispute.
func (f *disputeFold) record(p *partitionCheck, position int64, frames map[int64][]byte) error {
	frame, there := frames[position]
	if !there {
		return fmt.Errorf("its positions name %d, the log has no such record", position)
	}
	_, outputs, err := p.frames.Decode(p.snapshot.partition, position, frame)
	ahead, suspended := f.dispute.Ahead(), f.posted[ledger.Suspense]
	found := false
	for i := range outputs {
		var ours bool
		if err == nil {
			ours, err = f.output(&outputs[i])
			found = found || ours
		}
	}
	if err == nil {
		err = aheadInSuspense(f.dispute.Ahead()-ahead, f.posted[ledger.Suspense]-suspended)
	}
	if err == nil && !found {
		err = fmt.Errorf("its positions name %d, but the record there gave it no event", position)
	}
	return err
}

// aheadInSuspense compares by how much a record changed what the dispute gave back above what it took with what its entries moved in
// suspense, debits positive: no less must have gone there, and come from there.
func aheadInSuspense(grown, moved int64) error {
	switch {
	case grown > 0 && -moved < grown:
		return fmt.Errorf("it gave %d back above what it took, and its entries put %d of it into suspense: somebody was given the rest", grown, -moved)
	case grown < 0 && moved < -grown:
		return fmt.Errorf("it took %d that it had given back before, and its entries took %d of it from suspense: somebody paid the rest", -grown, moved)
	}
	return nil
}

func (f *disputeFold) output(o *stream.Output) (ours bool, err error) {
	switch o.Topic {
	case topics.DisputeEvents:
		var e topics.DisputeEvent
		if err := topics.Unmarshal(o.Value, &e); err != nil {
			return false, fmt.Errorf("event %s: %w", o.Envelope.ID, err)
		}
		if e.DisputeID != f.id {
			return false, nil
		}
		if f.dispute, err = disputes.Evolve(f.dispute, &e); err != nil {
			return true, err
		}
		return true, disputes.Check(f.dispute, &e)
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
				return false, fmt.Errorf("entry %s: posting %d moves the money of %s %s, the dispute's customer is %s %s",
					o.Envelope.ID, i, e.Tenant, line.Owner, f.row.Tenant, f.row.Customer)
			}
			if f.posted[ledger.AccountCode(line.Code)], err = ledger.AddMinor(f.posted[ledger.AccountCode(line.Code)], line.Amount); err != nil {
				return false, fmt.Errorf("entry %s: posting %d: %w", o.Envelope.ID, i, err)
			}
		}
	}
	return false, nil
}

// dispute compares the row with the fold.
func (p *partitionCheck) dispute(f *disputeFold) {
	subject, r := "dispute "+f.id, f.row
	if f.dispute == nil {
		p.problem("dispute", subject, "no event opens it")
		return
	}
	state, err := f.dispute.Encode()
	payment := topics.PaymentID{Partition: p.snapshot.partition, UUID: r.Payment}
	switch {
	case err != nil:
		p.problem("dispute", subject, "%v", err)
	case f.dispute.Tenant != r.Tenant || f.dispute.Customer != r.Customer || f.dispute.Payment != payment.String():
		p.problem("dispute", subject, "the row is of %s %s and payment %s, the events are of %s %s and %s", r.Tenant, r.Customer, payment, f.dispute.Tenant,
			f.dispute.Customer, f.dispute.Payment)
	case r.Status != string(f.dispute.Status()) || r.Currency != string(f.dispute.Currency) || r.Taken != f.dispute.Taken():
		p.problem("dispute", subject, "the row says %s, %d %s taken; the fold of its events gives %s, %d %s", r.Status, r.Taken, r.Currency,
			f.dispute.Status(), f.dispute.Taken(), f.dispute.Currency)
	case !r.Opened.Equal(f.dispute.OpenedAt):
		p.problem("dispute", subject, "the row says opened at %s, its events %s", stamp(r.Opened), stamp(f.dispute.OpenedAt))
	case (r.EvidenceDue == nil) != f.dispute.EvidenceDue.IsZero() || r.EvidenceDue != nil && !r.EvidenceDue.Equal(f.dispute.EvidenceDue):
		p.problem("dispute", subject, "the row and its events differ in when evidence is due, which is %s", stamp(f.dispute.EvidenceDue))
	case r.State != string(state):
		p.problem("dispute", subject, "its state differs from the fold of its events")
	}
	fees, taken := f.dispute.Totals.Fees-f.dispute.Totals.FeesReturned, f.dispute.Taken()-f.dispute.Ahead()
	for _, m := range []struct {
		what         string
		posted, want int64
	}{
		{"the wallet, debt and suspense", f.posted[ledger.CustomerWallet] + f.posted[ledger.CustomerDebt] + f.posted[ledger.Suspense], taken},
		{"chargeback fees", f.posted[ledger.ChargebackFees], fees},
		{"the PSP's receivable", f.posted[ledger.PSPReceivable], -taken - fees},
	} {
		if m.posted != m.want {
			p.problem("dispute", subject, "D1: its entries move %s by %d, its events ask for %d", m.what, m.posted, m.want)
		}
	}
	p.disputeTimer(subject, r, f.dispute.Timer)
}

func (p *partitionCheck) disputeTimer(subject string, r *disputeRow, want topics.TimerChange) {
	if r.Kind == nil {
		if want.Kind != "" {
			p.problem("timer", subject, "it holds a timer %s of generation %d, there is no row of it", want.Kind, want.Generation)
		}
		return
	}
	p.Counts.Timers.Add(1)
	if *r.Kind != string(want.Kind) || *r.Generation != want.Generation || r.Due.UnixMilli() != want.Due.UnixMilli() {
		p.problem("timer", subject, "the row is a timer %s of generation %d due %s, the dispute holds %s of generation %d due %s",
			*r.Kind, *r.Generation, stamp(*r.Due), orNone(string(want.Kind)), want.Generation, stamp(want.Due))
	}
}

// disputeEvent checks an event for itself, and adds its dispute to the pairs.
func (p *partitionCheck) disputeEvent(o *stream.Output, position int64, pairs []walletPair) []walletPair {
	p.Counts.Events.Add(1)
	var e topics.DisputeEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		p.problem("log", "event "+o.Envelope.ID, "%v", err)
		return pairs
	}
	if e.EventID != o.Envelope.ID {
		p.problem("log", "event "+o.Envelope.ID, "its value says event_id %s", e.EventID)
	}
	if e.Type != topics.DisputeDeadLettered {
		p.commanded(e.Tenant, e.CommandID, e.Refusal, position)
	}
	p.told.dispute(&e)
	switch e.Type {
	case topics.DisputeCommandRefused, topics.DisputeDeadLettered, topics.DisputeCaseOpened:
		return pairs
	}
	if fact, ok := p.inputs.reported(e.Tenant, e.PSP, position); ok {
		p.inputs.facts = append(p.inputs.facts, fact)
	}
	id, err := topics.ParseDisputeID(e.DisputeID)
	if err != nil || id.Partition != p.snapshot.partition {
		p.problem("log", "event "+o.Envelope.ID, "dispute %.64q is none of this partition", e.DisputeID)
		return pairs
	}
	return append(pairs, walletPair{"disputes", id.UUID, position, "dispute " + e.DisputeID})
}
