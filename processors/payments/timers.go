package payments

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

var _ stream.Backgrounder = (*partition)(nil)

// dueTimers is read beside the fold: a read that took part in serialization would make the fold's transactions fail.
const dueTimers = `SELECT payment, due, kind, generation, tenant, customer FROM timers
WHERE partition = $1 AND due <= $2 ORDER BY due LIMIT $3`

// Background turns due timers into inbox records and forgets inputs beyond the horizon, until ctx is done. The clock is
// this machine's: a timer may be early or late by its error, and the lifecycle reads the record's time.
//
// A timer is sent once for as long as this owner lives. A crash, or an answer of the broker that was lost, may send it
// again; the generation tells the lifecycle that it was folded already.
func (s *partition) Background(ctx context.Context) error {
	sent := make(map[uuid.UUID]int64) // generations, of timers that are still in the table
	sweep := sweeper{partition: s}
	ticker := time.NewTicker(s.config.TimerInterval)
	defer ticker.Stop()
	for {
		if s.config.Produce != nil {
			if err := s.within(ctx, func(ctx context.Context) error { return s.sendDue(ctx, sent) }); err != nil && ctx.Err() == nil {
				s.log.Warn("due timers are not sent; they are tried again", "after", s.config.TimerInterval, "error", err)
			}
		}
		if err := s.within(ctx, func(ctx context.Context) error { return sweep.step(ctx, time.Now()) }); err != nil && ctx.Err() == nil {
			s.log.Warn("old input ids are not forgotten; it is tried again", "after", s.config.TimerInterval, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (s *partition) within(ctx context.Context, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.BackgroundTimeout)
	defer cancel()
	return work(ctx)
}

// sendDue produces the timers that are due and were not sent yet, and drops from sent those that are gone. A timer stays
// in its table until the lifecycle has folded it.
func (s *partition) sendDue(ctx context.Context, sent map[uuid.UUID]int64) error {
	due, err := s.readDue(ctx, time.Now())
	if err != nil {
		return err
	}
	still := make(map[uuid.UUID]int64, len(due))
	var failed error
	for i := range due {
		key := due[i].id
		if generation, ok := sent[key]; ok && generation == due[i].Generation {
			still[key] = generation
			continue
		}
		if failed != nil {
			continue
		}
		if failed = s.config.Produce(ctx, s.number, due[i].TimerDue); failed == nil {
			still[key] = due[i].Generation
			s.metrics.timers.Inc()
		}
	}
	clear(sent)
	for key, generation := range still {
		sent[key] = generation
	}
	return failed
}

type dueTimer struct {
	topics.TimerDue
	id uuid.UUID
}

func (s *partition) readDue(ctx context.Context, now time.Time) (due []dueTimer, err error) {
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.config.Pool, options, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, dueTimers, s.number, now, timersAtOnce)
		if err != nil {
			return err
		}
		var t dueTimer
		_, err = pgx.ForEachRow(rows, []any{&t.id, &t.Due, &t.Kind, &t.Generation, &t.Tenant, &t.CustomerID}, func() error {
			// A payment, payout or hold has one at a time; the generation tells them apart.
			switch t.Kind {
			case topics.TimerHoldExpire:
				t.PaymentID, t.HoldKey = "", hex.EncodeToString(t.id[:])
				t.TimerID = "hold_" + t.HoldKey
			case topics.TimerPayoutExpire, topics.TimerPayoutPoll, topics.TimerPayoutRetry:
				t.PaymentID, t.HoldKey = topics.PayoutID{Partition: s.number, UUID: t.id}.String(), ""
				t.TimerID = t.PaymentID
			case topics.TimerDisputeRemind, topics.TimerDisputeDue, topics.TimerDisputePoll:
				t.PaymentID, t.HoldKey = topics.DisputeID{Partition: s.number, UUID: t.id}.String(), ""
				t.TimerID = t.PaymentID
			case topics.TimerLinkExpire:
				t.PaymentID, t.HoldKey = topics.LinkID{Partition: s.number, UUID: t.id}.String(), ""
				t.TimerID = t.PaymentID
			default:
				t.PaymentID, t.HoldKey = topics.PaymentID{Partition: s.number, UUID: t.id}.String(), ""
				t.TimerID = t.PaymentID
			}
			t.Due = t.Due.UTC()
			due = append(due, t)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read due timers of partition %d: %w", s.number, err)
	}
	return due, nil
}
