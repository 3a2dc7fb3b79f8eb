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
	timerRow
}

// disputedSums are what payments say of their disputes, less what these say, and what the entries of both left in suspense, less
// what is to stand there: by the payments' keys.
type disputedSums struct {
	of     map[uuid.UUID]*disputedSum
	unsure bool // there are more than are kept
}

type disputedSum struct {
	disputing, disputed, suspense int64
	unsure                        bool // a record that is not checked has changed one
}

func (s *disputedSums) add(payment uuid.UUID, more disputedSum) {
	if s.unsure || more == (disputedSum{}) {
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
	sum.disputing, sum.disputed, sum.suspense = sum.disputing+more.disputing, sum.disputed+more.disputed, sum.suspense+more.suspense
	sum.unsure = sum.unsure || more.unsure
}

// payment takes what a payment says, and what its own entries moved in suspense. What was given back above the captures stands
// there, and so does what came and is not the payment's.
func (s *disputedSums) payment(p *lifecycle.Payment, suspended int64, unsure bool) {
	s.add(p.ID.UUID, disputedSum{p.Disputing, p.Disputed, suspended - max(0, -p.Left()) + p.Stray(), unsure})
}

// disputes folds each dispute again and compares: its state, what its entries moved (D1), its timer; what all of a payment took
// with what the payment says (D2); and that what is nobody's of a payment and its disputes stands in suspense, and nothing else of them.
func (p *partitionCheck) disputes(ctx context.Context) error {
	err := walkRows(ctx, p, `
SELECT p.id, p.tenant, p.customer, p.version, p.positions, p.payment, p.currency, p.status, p.taken, p.state, p.due, p.opened, t.due, t.kind, t.generation
FROM disputes p LEFT JOIN LATERAL (
	SELECT due, kind, generation FROM timers WHERE partition = p.partition AND payment = p.id AND tenant = p.tenant AND customer = p.customer LIMIT 1) t ON true
WHERE p.partition = $1 AND p.id >= $2 ORDER BY p.id LIMIT $3`, func(r *disputeRow, frames map[int64][]byte) {
		p.Counts.Disputes.Add(1)
		id := topics.DisputeID{Partition: p.snapshot.partition, UUID: r.ID}
		f := disputeFold{id: id.String(), row: r, moved: moved{}}
		if !p.records("dispute", "dispute "+f.id, &r.madeBy, frames, f.record) {
			return
		}
		p.home("dispute", "dispute "+f.id, &r.madeBy, r.ID)
		p.dispute(&f)
		if f.dispute != nil {
			p.disputed.add(r.Payment, disputedSum{-f.dispute.AtRisk(), -f.dispute.Taken(), f.of(ledger.Suspense) + f.dispute.Ahead(), r.Version >= p.next})
		}
	})
	if err != nil {
		return err
	}
	for key, sum := range p.disputed.of {
		if sum.unsure {
			continue
		}
		id := topics.PaymentID{Partition: p.snapshot.partition, UUID: key}
		if sum.disputing != 0 || sum.disputed != 0 {
			p.problem("dispute", "payment "+id.String(), "D2: it says %d more in dispute and %d more taken than its disputes do", sum.disputing, sum.disputed)
		}
		if sum.suspense != 0 {
			p.problem("payment", "payment "+id.String(), "its entries, and those of its disputes, move suspense by %d more than what is nobody's", sum.suspense)
		}
	}
	return nil
}

// disputeFold is one dispute as the log tells of it.
type disputeFold struct {
	id      string
	row     *disputeRow
	dispute *disputes.Dispute
	moved   // by its entries
}

// record folds the events of one record and adds up its entries, those of this dispute.
func (f *disputeFold) record(_ int64, outputs []stream.Output) (found bool, err error) {
	ahead, suspended := f.dispute.Ahead(), f.of(ledger.Suspense)
	for i := range outputs {
		ours, err := f.output(&outputs[i])
		if err != nil {
			return false, err
		}
		found = found || ours
	}
	return found, aheadInSuspense(f.dispute.Ahead()-ahead, f.of(ledger.Suspense)-suspended)
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
		return false, f.add(o, &f.row.madeBy, "dispute", func(e *topics.LedgerEntry) bool { return e.Reference == f.id })
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
		{"the wallet, debt and suspense", f.of(ledger.CustomerWallet, ledger.CustomerDebt, ledger.Suspense), taken},
		{"chargeback fees", f.of(ledger.ChargebackFees), fees},
		{"the PSP's receivable", f.of(ledger.PSPReceivable), -taken - fees},
	} {
		if m.posted != m.want {
			p.problem("dispute", subject, "D1: its entries move %s by %d, its events ask for %d", m.what, m.posted, m.want)
		}
	}
	p.timer(subject, "dispute", &r.timerRow, f.dispute.Timer)
}

// disputeEvent checks an event for itself, and adds its dispute to the pairs.
func (p *partitionCheck) disputeEvent(o *stream.Output, position int64, pairs []walletPair) []walletPair {
	var e topics.DisputeEvent
	err := topics.Unmarshal(o.Value, &e)
	if !p.caused(o, e.Caused(), position, err) {
		return pairs
	}
	p.told.dispute(&e)
	switch e.Type {
	case topics.DisputeCommandRefused, topics.DisputeDeadLettered, topics.DisputeCaseOpened:
		return pairs
	}
	p.reported(e.Tenant, e.PSP, position)
	id, err := topics.ParseDisputeID(e.DisputeID)
	return p.changed(pairs, o, position, "disputes", "dispute", e.DisputeID, id.Partition, id.UUID, err)
}
