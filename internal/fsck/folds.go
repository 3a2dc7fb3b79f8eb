package fsck

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// What the checks of payments, wallets, payouts, links, disputes and customers' records have in common: a row is compared with
// the fold of the records that it names.

// records hands what each record that a row names has published to record, which tells whether any of it changed the row. ok is
// false where a problem, which is told, makes the outcome worthless.
func (p *partitionCheck) records(check, subject string, r *madeBy, frames map[int64][]byte,
	record func(position int64, outputs []stream.Output) (ours bool, err error)) (ok bool) {
	if !p.history(check, subject, r.Positions, r.Version) {
		return false
	}
	for _, position := range r.Positions {
		frame, there := frames[position]
		if !there {
			p.problem(check, subject, "its positions name %d, the log has no such record", position)
			return false
		}
		_, outputs, err := p.frames.Decode(p.snapshot.partition, position, frame)
		ours := false
		if err == nil {
			ours, err = record(position, outputs)
		}
		if err == nil && !ours {
			err = fmt.Errorf("its positions name %d, but the record there did not change it", position)
		}
		if err != nil {
			p.problem(check, subject, "%v", err)
			return false
		}
	}
	return true
}

// moved is what entries moved, by the codes of accounts, debits positive.
type moved map[ledger.AccountCode]int64

// of is what they moved of some accounts together.
func (m moved) of(codes ...ledger.AccountCode) (sum int64) {
	for _, code := range codes {
		sum += m[code]
	}
	return sum
}

// add adds the entry of an output, where it is ours. It must move the money of the row's customer; owner says what the row is.
func (m moved) add(o *stream.Output, r *madeBy, owner string, ours func(*topics.LedgerEntry) bool) error {
	var e topics.LedgerEntry
	if err := topics.UnmarshalInPlace(o.Value, &e); err != nil {
		return fmt.Errorf("entry %s: %w", o.Envelope.ID, err)
	}
	if !ours(&e) {
		return nil
	}
	for i, line := range e.Postings {
		if e.Tenant != r.Tenant || line.Owner != "" && line.Owner != r.Customer {
			return fmt.Errorf("entry %s: posting %d moves the money of %s %s, the %s's customer is %s %s",
				o.Envelope.ID, i, e.Tenant, line.Owner, owner, r.Tenant, r.Customer)
		}
		sum, err := ledger.AddMinor(m[ledger.AccountCode(line.Code)], line.Amount)
		if err != nil {
			return fmt.Errorf("entry %s: posting %d: %w", o.Envelope.ID, i, err)
		}
		m[ledger.AccountCode(line.Code)] = sum
	}
	return nil
}

// timerRow is the row of timers of what stands in another row; Kind is nil where there is none.
type timerRow struct {
	Due        *time.Time
	Kind       *string
	Generation *int64
}

// timer compares the row with the timer that its owner, a payment or the like, holds.
func (p *partitionCheck) timer(subject, owner string, r *timerRow, want topics.TimerChange) {
	if r.Kind == nil {
		if want.Kind != "" {
			p.problem("timer", subject, "it holds a timer %s of generation %d, there is no row of it", want.Kind, want.Generation)
		}
		return
	}
	p.Counts.Timers.Add(1)
	if *r.Kind != string(want.Kind) || *r.Generation != want.Generation || r.Due.UnixMilli() != want.Due.UnixMilli() {
		p.problem("timer", subject, "the row is a timer %s of generation %d due %s, the %s holds %s of generation %d due %s",
			*r.Kind, *r.Generation, stamp(*r.Due), owner, orNone(string(want.Kind)), want.Generation, stamp(want.Due))
	}
}

// caused checks of an event of the log what all have in common; err is that of its decoding. It returns whether it decodes.
func (p *partitionCheck) caused(o *stream.Output, e topics.Caused, position int64, err error) bool {
	p.Counts.Events.Add(1)
	if err != nil {
		p.problem("log", "event "+o.Envelope.ID, "%v", err)
		return false
	}
	if e.EventID != o.Envelope.ID {
		p.problem("log", "event "+o.Envelope.ID, "its value says event_id %s", e.EventID)
	}
	if !e.DeadLettered {
		p.commanded(e.Tenant, e.CommandID, e.Refusal, position)
	}
	return true
}

// reported remembers that an event told what a PSP had reported.
func (p *partitionCheck) reported(tenant string, said *topics.PSPData, position int64) {
	if fact, ok := p.inputs.reported(tenant, said, position); ok {
		p.inputs.facts = append(p.inputs.facts, fact)
	}
}

// changed adds the row that an event changed to the pairs; err is that of reading its id, which it names as it is told.
func (p *partitionCheck) changed(pairs []walletPair, o *stream.Output, position int64, table, owner, told string, partition int32, key uuid.UUID, err error) []walletPair {
	if err != nil || partition != p.snapshot.partition {
		p.problem("log", "event "+o.Envelope.ID, "%s %.64q is none of this partition", owner, told)
		return pairs
	}
	return append(pairs, walletPair{table, key, position, owner + " " + told})
}

// named compares answers of one partition with the rows that they name: keyed gives the id that an answer names and its key,
// differs what the answer tells otherwise than the row, "" for nothing.
func (p *partitionCheck) named(ctx context.Context, table, owner string, answers []answer, keyed func(*answer) (id fmt.Stringer, key uuid.UUID),
	differs func(a *answer, tenant, customer string, state []byte) string) error {
	keys := make([][16]byte, len(answers))
	for i := range answers {
		_, keys[i] = keyed(&answers[i])
	}
	type row struct {
		Place            int64
		Tenant, Customer *string
		State            []byte
	}
	rows, err := collect[row](ctx, p.checker, `
SELECT wanted.place, p.tenant, p.customer, p.state FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted(id, place)
LEFT JOIN LATERAL (SELECT tenant, customer, state FROM `+table+` WHERE partition = $1 AND id = wanted.id LIMIT 1) AS p ON true`,
		p.snapshot.partition, keys)
	if err != nil {
		return fmt.Errorf("look %s of answers up: %w", table, err)
	}
	for _, r := range rows {
		a := &answers[r.Place-1]
		id, _ := keyed(a)
		if r.Tenant == nil || *r.Tenant != a.Tenant {
			p.problem("answer", a.subject(), "it names %s %s, which its tenant does not have", owner, id)
			continue
		}
		if difference := differs(a, *r.Tenant, *r.Customer, r.State); difference != "" {
			p.problem("answer", a.subject(), "%s", difference)
		}
	}
	return nil
}
