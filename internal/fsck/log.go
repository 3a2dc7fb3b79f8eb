package fsck

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// frameRow is a row of stream_log.
type frameRow struct {
	Position int64
	Frame    []byte
}

// log walks the log of the partition up to M, and with it the entries up to M and the topics up to N.
func (p *partitionCheck) log(ctx context.Context) error {
	entries := p.openEntries()
	published, err := p.openPublished(ctx)
	if err != nil {
		return err
	}
	defer published.close()
	err = p.eachPage(ctx, func(rows []frameRow) error { return p.logPage(ctx, rows, entries, published) })
	if err != nil {
		return err
	}
	if err := entries.rest(ctx); err != nil {
		return err
	}
	return published.rest(ctx)
}

// eachPage reads the log up to M and calls f with each page, which is f's until it returns.
func (p *partitionCheck) eachPage(ctx context.Context, f func([]frameRow) error) error {
	var page framePage
	for last := int64(math.MinInt64); ; last = page.rows[len(page.rows)-1].Position {
		if err := p.read(ctx, func(tx pgx.Tx) error { return page.read(ctx, tx, &p.snapshot, last) }); err != nil {
			return fmt.Errorf("read stream_log: %w", err)
		}
		if len(page.rows) == 0 {
			return nil
		}
		if err := f(page.rows); err != nil {
			return err
		}
	}
}

// framePage is rows of the log, read again and again into the same memory.
type framePage struct {
	rows  []frameRow
	bytes []byte
}

func (page *framePage) read(ctx context.Context, tx pgx.Tx, s *snapshot, last int64) error {
	page.rows, page.bytes = page.rows[:0], page.bytes[:0]
	rows, _ := tx.Query(ctx, `SELECT position, frame FROM stream_log
WHERE partition = $1 AND role = $2 AND position > $3 AND position < $4 ORDER BY position LIMIT $5`,
		s.partition, role, last, s.next, pageFrames)
	defer rows.Close()
	var position int64
	var frame pgtype.DriverBytes
	for len(page.bytes) < pageBytes && rows.Next() {
		if err := rows.Scan(&position, &frame); err != nil {
			return err
		}
		start := len(page.bytes)
		page.bytes = append(page.bytes, frame...)
		page.rows = append(page.rows, frameRow{position, page.bytes[start:len(page.bytes):len(page.bytes)]})
	}
	rows.Close()
	return rows.Err()
}

func (p *partitionCheck) logPage(ctx context.Context, rows []frameRow, entries *entryCursor, published *publishedTopics) error {
	var pairs []pair
	var changed []walletPair
	for i := range rows {
		p.Counts.Records.Add(1)
		at, outputs, err := p.frames.Decode(p.snapshot.partition, rows[i].Position, rows[i].Frame)
		if err != nil {
			p.problem("log", fmt.Sprintf("stream_log at position %d", rows[i].Position), "%v", err)
			continue
		}
		p.inputs.record(rows[i].Position, at)
		for j := range outputs {
			switch outputs[j].Topic {
			case topics.Events:
				pairs = p.event(&outputs[j], rows[i].Position, pairs)
			case topics.WalletEvents:
				changed = p.walletEvent(&outputs[j], rows[i].Position, changed)
			case topics.PayoutEvents:
				changed = p.payoutEvent(&outputs[j], rows[i].Position, changed)
			case topics.LinkEvents:
				changed = p.linkEvent(&outputs[j], rows[i].Position, changed)
			case topics.DisputeEvents:
				changed = p.disputeEvent(&outputs[j], rows[i].Position, changed)
			case topics.CustomerChanges:
				changed = p.customerChange(outputs[j:], rows[i].Position, changed)
			case topics.LedgerPeriods:
				p.periodClosed(&outputs[j], rows[i].Position)
			case topics.Decisions:
				if in, ok := p.inputs.customerEvent(&outputs[j], rows[i].Position); ok {
					p.inputs.commands += in.hash(p.seed)
				}
			}
		}
		if err := p.postings(ctx, rows[i].Position, outputs, entries); err != nil {
			return err
		}
		p.toldBalances()
		if err := published.compare(ctx, rows[i].Position, outputs); err != nil {
			return err
		}
	}
	if err := p.walletPairs(ctx, changed); err != nil {
		return err
	}
	if err := p.lookUp(ctx, "webhook fact", p.inputs.facts); err != nil {
		return err
	}
	p.inputs.facts = p.inputs.facts[:0]
	return p.pairs(ctx, pairs)
}

// pair is a record and a payment that it gave an event.
type pair struct {
	payment  [16]byte
	position int64
}

// event checks that an event bears its own id, and adds its payment to the pairs.
func (p *partitionCheck) event(o *stream.Output, position int64, pairs []pair) []pair {
	p.Counts.Events.Add(1)
	var e topics.PaymentEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		p.problem("log", "event "+o.Envelope.ID, "%v", err)
		return pairs
	}
	if e.EventID != o.Envelope.ID {
		p.problem("log", "event "+o.Envelope.ID, "its value says event_id %s", e.EventID)
	}
	if e.Type != topics.EventDeadLettered {
		p.commanded(e.Tenant, e.CommandID, e.Refusal, position)
	}
	p.limits.paid(&e)
	if fact, ok := p.inputs.fact(&e, position); ok {
		p.inputs.facts = append(p.inputs.facts, fact)
	}
	if !belongs(&e) {
		return pairs
	}
	id, err := topics.ParsePaymentID(e.PaymentID)
	if err != nil {
		p.problem("log", "event "+o.Envelope.ID, "%v", err)
		return pairs
	}
	next := pair{id.UUID, position}
	if id.Partition != p.snapshot.partition {
		p.problem("log", "event "+o.Envelope.ID, "payment %s belongs to partition %d", e.PaymentID, id.Partition)
	} else if !slices.Contains(pairs[max(len(pairs)-maxPairsOfOne, 0):], next) {
		pairs = append(pairs, next)
	}
	return pairs
}

// maxPairsOfOne is how far back a pair is looked for: the events of one record follow each other.
const maxPairsOfOne = 16

// belongs says that the event is part of a payment's life. A refused command changes nothing, a dead letter and a case
// may speak of a payment that does not exist.
func belongs(e *topics.PaymentEvent) bool {
	switch e.Type {
	case topics.EventCommandRefused, topics.EventDeadLettered, topics.EventCaseOpened:
		return false
	}
	return true
}

// pairs checks that each payment knows each record that gave it an event. The other direction is the fold's: each position
// of a payment must hold an event of it.
func (p *partitionCheck) pairs(ctx context.Context, pairs []pair) error {
	if len(pairs) == 0 {
		return nil
	}
	payments, positions := make([][16]byte, len(pairs)), make([]int64, len(pairs))
	for i := range pairs {
		payments[i], positions[i] = pairs[i].payment, pairs[i].position
	}
	type row struct {
		Payment  [16]byte
		Position int64
		Missing  bool
	}
	rows, err := collect[row](ctx, p.checker, `
SELECT pair.payment, pair.position, p.id IS NULL
FROM unnest($2::uuid[], $3::int8[]) AS pair(payment, position)
LEFT JOIN LATERAL (SELECT id, positions FROM payments WHERE partition = $1 AND id = pair.payment LIMIT 1) p ON true
WHERE p.id IS NULL OR NOT (pair.position = ANY(p.positions))`, p.snapshot.partition, payments, positions)
	if err != nil {
		return fmt.Errorf("look events up in payments: %w", err)
	}
	for _, r := range rows {
		id := topics.PaymentID{Partition: p.snapshot.partition, UUID: r.Payment}
		if r.Missing {
			p.problem("payment", "payment "+id.String(), "the record at position %d gave it an event, but there is no such payment", r.Position)
			continue
		}
		p.problem("payment", "payment "+id.String(), "the record at position %d gave it an event, but its positions do not name it", r.Position)
	}
	return nil
}
